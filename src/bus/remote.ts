// A Bus for several processes, over a channel that carries short texts to all of them. Its own process
// hears each event at once; others hear several of them together, a few milliseconds later.

import type { HouseEvent } from "../domain/event.ts";
import type { Bus } from "./bus.ts";
import { localBus } from "./local.ts";
import { Packer, unpacked } from "./packing.ts";

/** Carries texts to all processes, in the order in which they were sent. */
export interface Channel {
  /** Rejects when the text may not have been carried. */
  send(payload: string): Promise<void>;
  close(): Promise<void>;
}

export interface Hearing {
  heard(payload: string): void;
  /** Called after each time in which something may have been sent that was not heard. */
  missed(): void;
}

interface RemoteBusOptions {
  /** Longest text that the channel carries, in bytes. */
  readonly payloadMaxBytes: number;
  open(hearing: Hearing): Promise<Channel>;
}

/** Events wait this long for others that are carried with them, in ms. */
const gatherMs = 10;
/** Wait before another attempt to send after one that failed, in ms. */
const againMs = 250;

export async function remoteBus({ payloadMaxBytes, open }: RemoteBusOptions): Promise<Bus> {
  const bus = new RemoteBus(payloadMaxBytes);
  bus.channel = await open(bus);
  return bus;
}

class RemoteBus implements Bus, Hearing {
  channel: Channel | null = null;
  readonly #local = localBus();
  readonly #missed = new Map<string, Set<() => void>>();
  readonly #packer: Packer;
  /** Number of the last payload that each other process sent. */
  readonly #heard = new Map<string, number>();
  #timer: Timer | undefined;
  #sending: Promise<void> | null = null;
  #isClosed = false;

  constructor(payloadMaxBytes: number) {
    this.#packer = new Packer(crypto.randomUUID(), payloadMaxBytes);
  }

  publish(topic: string, event: HouseEvent): void {
    if (this.#isClosed) return;
    this.#local.publish(topic, event);
    this.#packer.add(topic, event);
    this.#later(gatherMs);
  }

  subscribe(topic: string, listener: (event: HouseEvent) => void, missed?: () => void): () => void {
    const unsubscribe = this.#local.subscribe(topic, listener);
    if (missed === undefined) return unsubscribe;
    const all = this.#missed.get(topic) ?? new Set();
    // a function of its own for each subscription, so that two may share one
    const one = () => missed();
    this.#missed.set(topic, all.add(one));
    return () => {
      unsubscribe();
      all.delete(one);
      if (all.size === 0 && this.#missed.get(topic) === all) this.#missed.delete(topic);
    };
  }

  heard(payload: string): void {
    const { sender, n, entries } = unpacked(payload);
    if (sender === this.#packer.sender) return;
    const last = this.#heard.get(sender);
    this.#heard.set(sender, n);
    if (last !== undefined && n !== last + 1) this.missed();
    for (const { topic, event } of entries)
      if (event !== null) this.#local.publish(topic, event);
      else if (topic === "") this.missed();
      else this.#tell(topic);
  }

  missed(): void {
    for (const topic of [...this.#missed.keys()]) this.#tell(topic);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#sending;
    await this.#send(); // what is waiting
    this.#missed.clear();
    await this.#local.close();
    await this.channel?.close();
  }

  #tell(topic: string): void {
    for (const missed of [...(this.#missed.get(topic) ?? [])]) missed();
  }

  #later(ms: number): void {
    if (this.#isClosed || this.#sending !== null || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send().then((isSent) => {
        this.#sending = null;
        if (this.#packer.isWaiting) this.#later(isSent ? gatherMs : againMs);
      });
    }, ms);
  }

  /** False when something may be lost. */
  async #send(): Promise<boolean> {
    const { channel } = this;
    if (channel === null) return false;
    try {
      await Promise.all(this.#packer.take().map((payload) => channel.send(payload)));
      return true;
    } catch {
      this.#packer.lose();
      return false;
    }
  }
}
