// Decides which waiting Run gets a slot, and tells the others their place in the queue. Owns who waits and
// who runs in this process. The order comes from runs/fair-share, the wait times from runs/wait-estimate.
// Owns no clock, storage, sockets or requests: it calls out through Effects, so that tests need none of
// them.

import type { PersonId, RunId } from "../domain/id.ts";
import type { Place } from "../domain/run.ts";
import type { Slot } from "../upstream/upstream.ts";
import { FairShare, type Sharer } from "./fair-share.ts";
import { WaitEstimates } from "./wait-estimate.ts";

/** Called synchronously by the scheduler. They must not call back into it. */
export interface Effects {
  /** Takes a Slot for a waiting Run; null if none is free that can serve its model. */
  take(run: RunId): Slot | null;
  /** The Run starts in this Slot. It counts as running until `release`. */
  start(run: RunId, slot: Slot): void;
  /** A waiting Run's place in the queue is new or has changed. */
  place(run: RunId, place: Place): void;
  /** A monotonic clock, in ms. */
  now(): number;
  /** True while a person has the Run's conversation open, or a program waits for it. */
  isAttended(run: RunId): boolean;
  /** Tokens that a running Run has used so far. */
  spentTokens(run: RunId): number;
}

interface SchedulerBounds {
  /** How long an unattended Run yields to attended ones, in ms. */
  readonly yieldMs: number;
}

/**
 * With more waiting Runs than this, places are announced to all at most every `crowdAnnounceEveryMs`: each
 * change of the queue moves everybody behind it.
 */
const crowd = 20;
const crowdAnnounceEveryMs = 250;
/** Between two announcements of wait times in an unchanged queue, in ms. */
const announceEveryMs = 5_000;

/**
 * The speed of running Runs is used for a guess once they have run this long, and written this much, in
 * total.
 */
const [guessMinMs, guessMinTokens] = [500, 20];

interface Entry {
  readonly run: RunId;
  readonly sharer: Sharer;
  readonly since: number;
  /** Slots that it holds at once. */
  readonly slots: number;
}

export class Scheduler {
  readonly #effects: Effects;
  readonly #bounds: SchedulerBounds;
  readonly shares = new FairShare();
  readonly waits = new WaitEstimates();
  readonly #running = new Map<RunId, Entry>();
  /** Slots that each person's Runs hold. */
  readonly #runningOf = new Map<PersonId, number>();
  #waiting: Entry[] = [];
  #slots: number;
  #announced = new Map<RunId, string>();
  /** When places were last announced to all, and whether the queue has changed since. */
  #announcedAt = Number.NEGATIVE_INFINITY;
  #isStale = false;

  constructor(effects: Effects, slots: number, bounds: SchedulerBounds) {
    this.#effects = effects;
    this.#slots = slots;
    this.#bounds = bounds;
  }

  /** Number of Runs that hold a slot. */
  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Puts a Run into the queue; it may be started before this returns. `isRecovered`: it already waited in the
   * previous process. `slots`: how many it needs at once.
   */
  enqueue(run: RunId, sharer: Sharer, { isRecovered = false, slots = 1 } = {}): void {
    if (this.#waiting.length === 0 && !isRecovered)
      this.shares.reset((other) => this.#effects.spentTokens(other));
    this.#waiting.push({ run, sharer, since: this.#effects.now(), slots });
    this.#assign(run);
  }

  /** Adds a Run that holds a slot already, because the previous process started it. */
  adopt(run: RunId, sharer: Sharer): void {
    this.#hold({ run, sharer, since: this.#effects.now(), slots: 1 });
  }

  isWaiting(run: RunId): boolean {
    return this.#waiting.some((other) => other.run === run);
  }

  /** Takes a Run out of the queue; false if it did not wait. */
  leave(run: RunId): boolean {
    if (!this.isWaiting(run)) return false;
    this.#waiting = this.#waiting.filter((other) => other.run !== run);
    this.waits.forget(run);
    this.#assign();
    return true;
  }

  /** A Run that has used so many tokens has given its Slot back. */
  release(run: RunId, tokens: number): void {
    const entry = this.#running.get(run);
    if (!entry) return;
    this.#running.delete(run);
    this.#count(entry, -entry.slots);
    this.shares.end(run, tokens);
    this.waits.served(this.#effects.now() - entry.since);
    this.#assign();
  }

  /** Sets the number of slots. Runs that hold one keep it. */
  resize(slots: number): void {
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#assign();
  }

  /** To be called when attendance or free slots have changed. */
  refresh(): void {
    if (this.#waiting.length > 0) this.#assign();
  }

  /** Announces places and wait times that have changed. To be called a few times a second. */
  tick(): void {
    const sinceMs = this.#effects.now() - this.#announcedAt;
    if (this.#waiting.length > 0 && sinceMs >= (this.#isStale ? crowdAnnounceEveryMs : announceEveryMs))
      this.#assign();
  }

  /** Milliseconds until a Run queued now would start; null while that can't be estimated. */
  waitMs(): number | null {
    return this.#forecasts(this.#waiting.length + 1)?.at(-1) ?? null;
  }

  /**
   * Starts the Runs that may start and announces the places of the others. `fresh` was just queued: it
   * hears at once.
   */
  #assign(fresh?: RunId): void {
    if (this.#waiting.length === 0) {
      this.#isStale = false;
      this.#announced.clear();
      return;
    }
    const now = this.#effects.now();
    // with enough slots for all, shares do not matter
    const isScarce = this.#waiting.length > this.#slots - this.#used;
    if (isScarce)
      for (const run of this.#running.keys()) this.shares.spent(run, this.#effects.spentTokens(run));
    const queue = this.#waiting.map((each) => ({ ...each, isAttended: this.#effects.isAttended(each.run) }));
    const yieldedBefore = now - this.#bounds.yieldMs;
    const mayStart = [...queue];
    while (this.#used < this.#slots) {
      const next = this.shares.next(mayStart, this.#runningOf, yieldedBefore);
      if (next === null) break;
      mayStart.splice(mayStart.indexOf(next), 1);
      const slot = this.#effects.take(next.run);
      if (slot === null) continue;
      // a Run that needs several slots blocks those behind it: else the slots would never be free at once
      if (this.#used + Math.min(next.slots, this.#slots) > this.#slots) {
        void slot.release();
        break;
      }
      queue.splice(queue.indexOf(next), 1);
      this.#begin(next, slot, now);
    }
    this.#isStale = queue.length > crowd && now - this.#announcedAt < crowdAnnounceEveryMs;
    if (this.#isStale && fresh === undefined) return;
    const order = this.shares.order(queue, this.#runningOf, yieldedBefore).map(({ run }) => run);
    this.#announce(order, now, this.#isStale ? fresh : undefined);
  }

  /** Number of slots that are held. */
  get #used(): number {
    return this.#running.values().reduce((sum, { slots }) => sum + slots, 0);
  }

  #begin({ run, sharer, slots }: Entry, slot: Slot, now: number): void {
    this.#waiting = this.#waiting.filter((other) => other.run !== run);
    this.#announced.delete(run);
    this.waits.started(run, now);
    this.#hold({ run, sharer, since: now, slots: Math.min(slots, this.#slots) });
    this.#effects.start(run, slot);
  }

  #hold(entry: Entry): void {
    this.#running.set(entry.run, entry);
    this.#count(entry, entry.slots);
    this.shares.begin(entry.run, entry.sharer);
  }

  #count({ sharer: { id } }: Entry, by: number): void {
    const count = (this.#runningOf.get(id) ?? 0) + by;
    if (count === 0) this.#runningOf.delete(id);
    else this.#runningOf.set(id, count);
  }

  /** Announces places and wait times that have changed, to all or to `only` one. */
  #announce(order: readonly RunId[], now: number, only?: RunId): void {
    const forecasts = this.#forecasts(order.length);
    const announced = only === undefined ? new Map<RunId, string>() : this.#announced;
    if (only === undefined) this.#announcedAt = now;
    order.forEach((run, i) => {
      if (only !== undefined && run !== only) return;
      const ms = forecasts?.[i];
      const wait = ms === undefined ? {} : { wait: this.waits.announce(run, i + 1, ms, now) };
      const place: Place = { position: i + 1, of: order.length, ...wait };
      const text = JSON.stringify(place);
      const isNew = this.#announced.get(run) !== text;
      announced.set(run, text);
      if (isNew) this.#effects.place(run, place);
    });
    this.#announced = announced;
  }

  #forecasts(count: number): number[] | null {
    const now = this.#effects.now();
    return this.waits.forecasts(
      count,
      this.#slots,
      [...this.#running.values()].flatMap(({ since, slots }) => Array<number>(slots).fill(now - since)),
      this.waits.isSure ? null : this.#guess(now),
    );
  }

  /** A first guess of a Run's time in ms, from the tokens that running ones have used; null if too early. */
  #guess(now: number): number | null {
    let [tokens, ms] = [0, 0];
    for (const { run, since } of this.#running.values()) {
      tokens += this.#effects.spentTokens(run);
      ms += now - since;
    }
    return ms < guessMinMs || tokens < guessMinTokens ? null : (this.shares.expectedTokens * ms) / tokens;
  }
}
