// Decides which waiting Run gets a Slot, and says where in line the others are. Who goes first is
// chat/fair-share', how long it takes chat/wait-estimate'. Owns who waits and who runs, in this process. Does not own
// time, storage, sockets or requests: it calls out through Effects, so its tests need no process and no
// clock.

import type { PersonId, RunId } from "../domain/id.ts";
import type { Place } from "../domain/run.ts";
import { FairShare, type Sharer } from "./fair-share.ts";
import { WaitEstimates } from "./wait-estimate.ts";

/** What the scheduler causes, and asks. All are called synchronously and must not call back into it. */
interface Effects {
  /** A Slot is this Run's from now on, until `release`. */
  start(run: RunId): void;
  /** A waiting Run's place in line is new or has changed. */
  place(run: RunId, place: Place): void;
  /** In ms, from any beginning. */
  now(): number;
  /** Somebody sits before it. */
  isAttended(run: RunId): boolean;
  /** Tokens that a running Run has used so far. */
  spentTokens(run: RunId): number;
  /** What it needs is free: not every Slot can answer with every model. */
  hasRoom(run: RunId): boolean;
}

/** For `queue_full`: whole seconds until there is room, at least 1; nothing while the wait can't be estimated. */
export const waitFacts = (waitMs: number | null): { seconds?: number } =>
  waitMs === null ? {} : { seconds: Math.max(1, Math.ceil(waitMs / 1000)) };

interface SchedulerBounds {
  /** How long a Run that nobody looks at yields to those that somebody does. */
  readonly yieldMs: number;
}

/** With so many in line not every change is told to all at once: only so often, in ms. Each change moves everybody behind it. */
const crowd = 20;
const crowdToldEveryMs = 250;
/** Between two looks at whether what is said about waiting has changed, in ms. */
const toldEveryMs = 5_000;

/** What must have been seen of the Runs that run before their speed says anything. */
const [guessedFromMs, guessedFromTokens] = [500, 20];

interface Entry {
  readonly run: RunId;
  readonly sharer: Sharer;
  readonly since: number;
  /** Slots that it takes at once. */
  readonly slots: number;
}

export class Scheduler {
  readonly #effects: Effects;
  readonly #bounds: SchedulerBounds;
  readonly shares = new FairShare();
  readonly waits = new WaitEstimates();
  readonly #running = new Map<RunId, Entry>();
  /** How many of them each person has. */
  readonly #runningOf = new Map<PersonId, number>();
  #waiting: Entry[] = [];
  #slots: number;
  #announced = new Map<RunId, string>();
  /** When all were last told, and whether something has changed since. */
  #toldAt = Number.NEGATIVE_INFINITY;
  #isStale = false;

  constructor(effects: Effects, slots: number, bounds: SchedulerBounds) {
    this.#effects = effects;
    this.#slots = slots;
    this.#bounds = bounds;
  }

  /** Runs that hold a Slot. */
  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Puts a Run into the line; it may be started before this returns. `isRecovered` is for one that waited in the process before, `slots` for one that needs several. */
  enqueue(run: RunId, sharer: Sharer, { isRecovered = false, slots = 1 } = {}): void {
    if (this.#waiting.length === 0 && !isRecovered)
      this.shares.settle((other) => this.#effects.spentTokens(other));
    this.#waiting.push({ run, sharer, since: this.#effects.now(), slots });
    this.#pair(run);
  }

  /** A Run that holds a Slot already: one that the process before this one had started. */
  adopt(run: RunId, sharer: Sharer): void {
    this.#hold({ run, sharer, since: this.#effects.now(), slots: 1 });
  }

  isWaiting(run: RunId): boolean {
    return this.#waiting.some((other) => other.run === run);
  }

  /** Takes a Run out of the line; false when it was not in it. */
  leave(run: RunId): boolean {
    if (!this.isWaiting(run)) return false;
    this.#waiting = this.#waiting.filter((other) => other.run !== run);
    this.waits.left(run);
    this.#pair();
    return true;
  }

  /** Gives the Slot of a Run back, which has used so many tokens. */
  release(run: RunId, tokens: number): void {
    const entry = this.#running.get(run);
    if (!entry) return;
    this.#running.delete(run);
    this.#count(entry, -entry.slots);
    this.shares.end(run, tokens);
    this.waits.served(this.#effects.now() - entry.since);
    this.#pair();
  }

  /** The number of Slots has changed; Runs that hold one keep it. */
  resize(slots: number): void {
    if (slots === this.#slots) return;
    this.#slots = slots;
    this.#pair();
  }

  /** Somebody has come or gone: who yields may have changed. */
  refresh(): void {
    if (this.#waiting.length > 0) this.#pair();
  }

  /** Time has passed: places and times are said again where they have changed. To be called a few times a second. */
  tick(): void {
    const sinceMs = this.#effects.now() - this.#toldAt;
    if (this.#waiting.length > 0 && sinceMs >= (this.#isStale ? crowdToldEveryMs : toldEveryMs)) this.#pair();
  }

  /** Milliseconds until another Run in the line would start; null when that can't be said yet. */
  waitMs(): number | null {
    return this.#forecasts(this.#waiting.length + 1)?.at(-1) ?? null;
  }

  /** Starts whoever may start, and tells the others; `fresh` is one that has just come, who is told at once. */
  #pair(fresh?: RunId): void {
    if (this.#waiting.length === 0) {
      this.#isStale = false;
      this.#announced.clear();
      return;
    }
    const now = this.#effects.now();
    const isScarce = this.#waiting.length > this.#slots - this.#used; // else it does not matter who has had how much
    if (isScarce)
      for (const run of this.#running.keys()) this.shares.spent(run, this.#effects.spentTokens(run));
    const line = this.#waiting.map((entry) => ({
      ...entry,
      isAttended: this.#effects.isAttended(entry.run),
    }));
    const yieldedBefore = now - this.#bounds.yieldMs;
    while (this.#used < this.#slots) {
      const mayStart = line.filter(({ run }) => this.#effects.hasRoom(run));
      const next = this.shares.next(mayStart, this.#runningOf, yieldedBefore);
      // one that needs several slots waits for them at its place: if others passed it, they would never be free at once
      if (next === null || this.#used + Math.min(next.slots, this.#slots) > this.#slots) break;
      line.splice(line.indexOf(next), 1);
      this.#begin(next, now);
    }
    this.#isStale = line.length > crowd && now - this.#toldAt < crowdToldEveryMs;
    if (this.#isStale && fresh === undefined) return;
    const order = this.shares.order(line, this.#runningOf, yieldedBefore).map(({ run }) => run);
    this.#announce(order, now, this.#isStale ? fresh : undefined);
  }

  /** Slots that are held. */
  get #used(): number {
    return this.#running.values().reduce((sum, { slots }) => sum + slots, 0);
  }

  #begin({ run, sharer, slots }: Entry, now: number): void {
    this.#waiting = this.#waiting.filter((other) => other.run !== run);
    this.#announced.delete(run);
    this.waits.started(run, now);
    this.#hold({ run, sharer, since: now, slots: Math.min(slots, this.#slots) });
    this.#effects.start(run);
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

  /** Tells those whose place or time has changed, or `only` one. */
  #announce(order: readonly RunId[], now: number, only?: RunId): void {
    const forecasts = this.#forecasts(order.length);
    const announced = only === undefined ? new Map<RunId, string>() : this.#announced;
    if (only === undefined) this.#toldAt = now;
    order.forEach((run, i) => {
      if (only !== undefined && run !== only) return;
      const ms = forecasts?.[i];
      const wait = ms === undefined ? {} : { wait: this.waits.tell(run, i + 1, ms, now) };
      const place: Place = { position: i + 1, of: order.length, ...wait };
      const said = JSON.stringify(place);
      const isNew = this.#announced.get(run) !== said;
      announced.set(run, said);
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

  /** How long a Run takes, in ms, to judge by how many tokens those that run have used so far: a first guess. */
  #guess(now: number): number | null {
    let [tokens, ms] = [0, 0];
    for (const { run, since } of this.#running.values()) {
      tokens += this.#effects.spentTokens(run);
      ms += now - since;
    }
    return ms < guessedFromMs || tokens < guessedFromTokens
      ? null
      : (this.shares.expectedTokens * ms) / tokens;
  }
}
