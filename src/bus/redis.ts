// The Bus of several processes over Redis or Valkey. Bun's client stays connected and deaf after its
// connection was lost, so a beat checks whether we hear.

import { RedisClient } from "bun";
import type { Bus } from "./bus.ts";
import { type Channel, type Hearing, remoteBus } from "./remote.ts";

const channel = "parlor:bus";
const payloadMaxBytes = 64 * 1024;
/** A message that only checks whether we hear; the rest tells whose it is. */
const beatMark = "\u0001";
/** Wait before a lost connection is made anew, in ms. */
const againMs = 250;

/** Bounds, in ms. */
interface RedisBounds {
  readonly connectMs: number;
  readonly sendMs: number;
  /** Interval of the checks whether it hears. One that does not hear two of them begins anew. */
  readonly beatMs: number;
}

const standardBounds: RedisBounds = { connectMs: 3_000, sendMs: 3_000, beatMs: 2_000 };

/** Opens the Bus at `url` (`redis://…`). @throws Error when it can't be reached */
export function redisBus(url: string, bounds: Partial<RedisBounds> = {}): Promise<Bus> {
  const all = { ...standardBounds, ...bounds };
  return remoteBus({
    payloadMaxBytes,
    async open(hearing) {
      const opened = new RedisChannel(url, hearing, all);
      await opened.ready();
      return opened;
    },
  });
}

class RedisChannel implements Channel {
  readonly #url: string;
  readonly #hearing: Hearing;
  readonly #bounds: RedisBounds;
  readonly #beat = `${beatMark}${crypto.randomUUID()}`;
  #subscriber: RedisClient | null = null;
  #sender: RedisClient | null = null;
  readonly #timer: Timer;
  #again: Timer | undefined;
  /** When we last knew that we hear, or began to try. */
  #heardAt = 0;
  #isReady = false;
  readonly #ready = Promise.withResolvers<void>();

  constructor(url: string, hearing: Hearing, bounds: RedisBounds) {
    this.#url = url;
    this.#hearing = hearing;
    this.#bounds = bounds;
    this.#listen();
    this.#timer = setInterval(() => this.#check(), bounds.beatMs).unref();
  }

  /** Resolves when it hears. */
  async ready(): Promise<void> {
    const failed = () => this.#ready.reject(new Error("Redis does not answer"));
    const timer = setTimeout(failed, this.#bounds.connectMs);
    try {
      await this.#ready.promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async send(payload: string): Promise<void> {
    this.#sender ??= this.#client();
    const sender = this.#sender;
    let timer: Timer | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("Redis does not answer")), this.#bounds.sendMs);
    });
    try {
      await Promise.race([sender.publish(channel, payload), tooLate]);
    } catch (error) {
      if (this.#sender === sender) this.#sender = null;
      sender.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#end();
    this.#sender?.close();
  }

  #client(): RedisClient {
    // it is made anew here, so that we know of every loss
    const options = {
      autoReconnect: false,
      enableOfflineQueue: true,
      connectionTimeout: this.#bounds.connectMs,
    };
    return new RedisClient(this.#url, options);
  }

  #listen(): void {
    this.#end();
    this.#heardAt = performance.now();
    const subscriber = this.#client();
    this.#subscriber = subscriber;
    const isOurs = () => this.#subscriber === subscriber;
    subscriber.onclose = () => isOurs() && this.#later();
    subscriber
      .subscribe(channel, (payload) => isOurs() && this.#heard(payload))
      .then(
        () => isOurs() && this.#begin(),
        () => isOurs() && this.#later(),
      );
  }

  #later(): void {
    this.#end();
    this.#again = setTimeout(() => this.#listen(), againMs);
  }

  #end(): void {
    clearTimeout(this.#again);
    const subscriber = this.#subscriber;
    this.#subscriber = null; // before it closes, so that it is not made anew
    subscriber?.close();
  }

  #begin(): void {
    this.#heardAt = performance.now();
    if (this.#isReady) this.#hearing.missed();
    this.#isReady = true;
    this.#ready.resolve();
  }

  #heard(payload: string): void {
    this.#heardAt = performance.now();
    if (!payload.startsWith(beatMark)) this.#hearing.heard(payload);
  }

  #check(): void {
    if (performance.now() - this.#heardAt > 2 * this.#bounds.beatMs) this.#listen();
    this.send(this.#beat).catch(() => undefined); // what can't be sent is not heard
  }
}
