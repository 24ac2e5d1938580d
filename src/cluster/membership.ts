// Which process of the house this is: holds or awaits the lease, tells the others that it lives, and knows
// who leads. What the leader does is begun by `lead`.

import type { Bus } from "../bus/bus.ts";
import { type ClusterWord, clusterTopic, type ProcessState } from "../domain/cluster.ts";
import { Failure } from "../domain/failure.ts";
import type { Log } from "../telemetry/log.ts";
import type { Membership } from "./cluster.ts";
import { type Holder, Lease } from "./lease.ts";

interface ClusterOptions {
  /** Of PostgreSQL; not of a pooler. */
  readonly database: string;
  /** Of this process, made at its start. */
  readonly id: string;
  /** Where other processes reach this one; empty: they don't, and this one must lead. */
  readonly url: string;
  readonly version: string;
  readonly bus: Bus;
  readonly log: Log;
  readonly leaseMs: number;
  /** Called when the address of another process is heard of, before it is used. */
  met(url: string): void;
  /** Ends this process at once: another one leads. */
  deposed(): void;
}

/** Interval in which a process says that it lives, in ms, and after which it counts as gone. */
const aliveEveryMs = 1_000;
const goneAfterMs = 5_000;
/** Longest wait for a leader, in leases. */
const leasesToWait = 2.5;

/** Between two numbers of first events: more events than any Run has. */
const eventsMax = 2 ** 32;

export class Cluster implements Membership {
  readonly #options: ClusterOptions;
  readonly #lease: Lease;
  readonly #startedAt = Date.now();
  readonly #others = new Map<string, { readonly process: ProcessState; readonly heardAt: number }>();
  readonly #timer: Timer;
  readonly #unsubscribe: () => void;
  #holder: Holder | null = null;
  #isLeading = false;
  #known = Promise.withResolvers<void>();
  #lead: (() => Promise<void>) | null = null;
  #isEnding = false;
  #sockets = () => 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { database, id, url, leaseMs, log, bus } = options;
    this.#lease = new Lease({
      ...{ database, id, url, leaseMs },
      gained: (term) => void this.#takeOver(term),
      lost: options.deposed,
      changed: (holder) => this.#changed(holder),
      onError: (error) => log.warn("the lease could not be looked at", { error: String(error) }),
    });
    this.#unsubscribe = bus.subscribe(clusterTopic, (event) => event.kind === "cluster" && this.#hear(event));
    this.#timer = setInterval(() => this.#sayAlive(), aliveEveryMs).unref();
  }

  get id(): string {
    return this.#options.id;
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  get term(): number {
    return this.#holder?.term ?? 0;
  }

  get leader(): string | null {
    return this.#holder?.url ?? null;
  }

  /** See Lease. */
  get isHeld(): boolean {
    return this.#lease.isHeld;
  }

  /** The term that the writes of this process are checked by; 0 while it does not lead. */
  get ownTerm(): number {
    return this.#lease.term;
  }

  /** True once this process gives the lease up itself: that another one leads then is as it should be. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Number of the first event of a Run of this process: beyond those of all terms before. */
  get firstEvent(): number {
    return this.ownTerm * eventsMax;
  }

  get processes(): readonly ProcessState[] {
    this.#forgetGone();
    const others = [...this.#others.values()].map(({ process }) => process);
    return [this.#self, ...others].sort((a, b) => a.startedAt - b.startedAt);
  }

  get patienceMs(): number {
    return this.#options.leaseMs * leasesToWait;
  }

  urlOf(process: string): string | null {
    return this.processes.find(({ id }) => id === process)?.url ?? null;
  }

  async led(): Promise<void> {
    if (this.#isKnown) return;
    const waited = Bun.sleep(this.patienceMs).then(() => {
      throw new Failure("no_leader");
    });
    await Promise.race([this.#known.promise, waited]);
  }

  /**
   * Begins to look at the lease. `lead` is called, once, when this process has it. `sockets` are those
   * that are open here.
   */
  async start(lead: () => Promise<void>, sockets: () => number): Promise<void> {
    [this.#lead, this.#sockets] = [lead, sockets];
    this.#sayAlive();
    await this.#lease.start();
  }

  /** Waits until this process leads. @throws Failure `no_leader` when that takes longer than a lease holds */
  async mustLead(): Promise<void> {
    const until = performance.now() + this.patienceMs;
    while (!this.#isLeading && performance.now() < until) await Bun.sleep(aliveEveryMs / 20);
    if (!this.#isLeading) throw new Failure("no_leader");
  }

  /** Lets another process lead. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    clearInterval(this.#timer);
    this.#unsubscribe();
    await this.#lease.resign();
    this.#say({ word: "ended", process: this.id });
  }

  get #self(): ProcessState {
    const { id, url, version } = this.#options;
    return { id, url, version, startedAt: this.#startedAt, sockets: this.#sockets() };
  }

  get #isKnown(): boolean {
    return this.#isLeading || (this.#holder !== null && this.#holder.holder !== this.id);
  }

  #changed(holder: Holder | null): void {
    const { log, met } = this.#options;
    this.#holder = holder;
    if (holder?.url) met(holder.url);
    if (holder && holder.holder !== this.id) log.info("another process leads", { ...holder });
    this.#settle();
  }

  /** Those who wait for a leader go on once there is one. */
  #settle(): void {
    if (this.#isKnown) this.#known.resolve();
    else this.#known = Promise.withResolvers();
  }

  async #takeOver(term: number): Promise<void> {
    const { log } = this.#options;
    log.info("this process leads", { term });
    try {
      await this.#lead?.();
      this.#isLeading = true;
      this.#settle();
    } catch (error) {
      log.error("this process could not take over", { error: String(error) });
      this.#options.deposed();
    }
  }

  #hear(event: ClusterWord): void {
    if (event.word === "alive" && event.process.id !== this.id) {
      const { id, url } = event.process;
      if (url !== "" && !this.#others.has(id)) this.#options.met(url);
      this.#others.set(event.process.id, { process: event.process, heardAt: performance.now() });
    }
    if (event.word === "ended") this.#others.delete(event.process);
  }

  #forgetGone(): void {
    const since = performance.now() - goneAfterMs;
    for (const [id, { heardAt }] of this.#others) if (heardAt < since) this.#others.delete(id);
  }

  #sayAlive(): void {
    this.#say({ word: "alive", process: this.#self });
  }

  #say(word: ClusterWord): void {
    this.#options.bus.publish(clusterTopic, { kind: "cluster", ...word });
  }
}
