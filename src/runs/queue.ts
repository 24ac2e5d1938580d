// The queue of this process: the Runs and API requests that wait for a Slot. Connects the Scheduler, which
// decides who is next, with the slots of the llama-servers, the clock, and what the queue has learned.

import type { RunId } from "../domain/id.ts";
import type { RunNow } from "../domain/run.ts";
import type { Slot } from "../upstream/upstream.ts";
import { type ApiRequest, ApiRequests } from "./api-requests.ts";
import type { RunsDependencies } from "./dependencies.ts";
import type { InProgress } from "./in-progress.ts";
import type { LiveRun } from "./live-run.ts";
import { QueueMemory } from "./queue-memory.ts";
import { type Effects, Scheduler } from "./scheduler.ts";
import { UnqueuedRequests } from "./unqueued.ts";

/** Between two ticks of the scheduler, in ms. */
const tickMs = 250;

export class Queue {
  readonly #deps: RunsDependencies;
  readonly #inProgress: InProgress;
  readonly #begin: (live: LiveRun, slot: Slot) => void;
  readonly #scheduler: Scheduler;
  readonly #memory: QueueMemory;
  readonly #timer: Timer;
  readonly apiRequests: ApiRequests;
  readonly unqueued: UnqueuedRequests;
  #isClosed = false;

  /** `begin` is called when a Run of `inProgress` gets its Slot. */
  constructor(deps: RunsDependencies, inProgress: InProgress, begin: (live: LiveRun, slot: Slot) => void) {
    this.#deps = deps;
    this.#inProgress = inProgress;
    this.#begin = begin;
    const { store, upstream, log, bounds } = deps;
    this.#scheduler = new Scheduler(this.#effects(), this.slots, bounds);
    this.#memory = new QueueMemory(this.#scheduler, store, log);
    this.apiRequests = new ApiRequests(
      { ...deps, usage: store.usage, queueMaxRuns: bounds.queueMaxRuns },
      this.#scheduler,
    );
    this.unqueued = new UnqueuedRequests({ usage: store.usage, log });
    upstream.watch(() => this.#resize());
    this.#timer = setInterval(() => this.#scheduler.tick(), tickMs);
    this.#timer.unref();
  }

  /** Slots that no other client of llama-server holds; at least 1, because llama-server has its own queue. */
  get slots(): number {
    const { slots, foreignSlots } = this.#deps.upstream.state;
    return Math.max(1, Math.min(slots - foreignSlots, this.#deps.bounds.slotsMax));
  }

  /** Number of Runs and API requests by state. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  /** All running and waiting Runs and API requests, as the operator sees them. */
  get now(): readonly RunNow[] {
    return [...this.#inProgress.now, ...this.apiRequests.now];
  }

  /** True once no more Runs may begin. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Continues with the shares and the wait statistics of the previous process. */
  restore(): Promise<void> {
    return this.#memory.restore();
  }

  /** Puts a Run into the queue; it may begin before this returns. */
  enqueue({ run, origin }: LiveRun): void {
    this.#scheduler.enqueue(run.id, origin.sharer);
    this.#saveShares();
  }

  /** Puts a Run into the queue that waited in the previous process. */
  requeue({ run, origin }: LiveRun): void {
    this.#scheduler.enqueue(run.id, origin.sharer, { isRecovered: true });
  }

  /** Counts a Run that the previous process began. */
  adopt({ run, origin }: LiveRun): void {
    this.#scheduler.adopt(run.id, origin.sharer);
  }

  isWaiting({ run }: LiveRun): boolean {
    return this.#scheduler.isWaiting(run.id);
  }

  /** Takes a Run out of the queue; false if it did not wait. */
  leave({ run }: LiveRun): boolean {
    return this.#scheduler.leave(run.id);
  }

  /** The Run has given its Slot back: the next one may begin. Saves what the queue has learned. */
  release({ run, tokens }: LiveRun): void {
    this.#scheduler.release(run.id, tokens.sum);
    this.#saveShares();
    this.#memory.saveWaits();
  }

  /** To be called when somebody begins or ceases to look at a conversation. */
  refresh(): void {
    this.#scheduler.refresh();
  }

  /** Lets no more Runs begin. Those that wait stay in the queue. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#scheduler.resize(0);
  }

  /** What the Scheduler asks and does. */
  #effects(): Effects {
    const { upstream } = this.#deps;
    return {
      take: (run) =>
        upstream.take(this.#of(run)?.origin.model ?? null, this.apiRequests.get(run)?.options.slots),
      start: (run, slot) => this.#start(run, slot),
      place: (run, place) => this.#of(run)?.moved(place),
      now: () => performance.now(),
      isAttended: (run) =>
        this.apiRequests.get(run) !== undefined ||
        this.#inProgress.isAttended(this.#inProgress.get(run) as LiveRun),
      spentTokens: (run) => this.apiRequests.get(run)?.tokens ?? this.#inProgress.get(run)?.tokens.sum ?? 0,
    };
  }

  #of(run: RunId): LiveRun | ApiRequest | undefined {
    return this.apiRequests.get(run) ?? this.#inProgress.get(run);
  }

  #start(run: RunId, slot: Slot): void {
    const apiRequest = this.apiRequests.get(run);
    if (apiRequest) apiRequest.begin(slot);
    else this.#begin(this.#inProgress.get(run) as LiveRun, slot);
  }

  #resize(): void {
    if (this.#isClosed) return;
    this.#scheduler.resize(this.slots);
    this.#scheduler.refresh(); // the same number of slots may be on other servers now
  }

  #saveShares(): void {
    if (!this.#isClosed) this.#memory.saveShares();
  }
}
