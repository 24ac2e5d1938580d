// The Runs in progress of this process, by their ids, and when each has given its Slot back.

import type { Snapshot } from "../domain/event.ts";
import type { ConversationId, RunId } from "../domain/id.ts";
import type { RunNow } from "../domain/run.ts";
import type { LiveRun } from "./live-run.ts";

export class InProgress {
  readonly #live = new Map<RunId, LiveRun>();
  readonly #ends = new Map<RunId, Promise<void>>();
  readonly #isAttended: (live: LiveRun) => boolean;

  constructor(isAttended: (live: LiveRun) => boolean) {
    this.#isAttended = isAttended;
  }

  /** Runs that have begun and have their Slot still. */
  get begun(): number {
    return this.#ends.size;
  }

  values(): MapIterator<LiveRun> {
    return this.#live.values();
  }

  get(run: RunId): LiveRun | undefined {
    return this.#live.get(run);
  }

  add(live: LiveRun): void {
    this.#live.set(live.run.id, live);
  }

  /** Keeps the promise of a Run's end; then it is in progress no more, and `after` is called. */
  track(live: LiveRun, ended: Promise<void>, after: () => void): void {
    const tracked = ended.finally(() => {
      this.#ends.delete(live.run.id);
      this.#live.delete(live.run.id);
      after();
    });
    this.#ends.set(live.run.id, tracked);
  }

  endOf(run: RunId): Promise<void> | undefined {
    return this.#ends.get(run);
  }

  /** Resolves when all that have begun are over, or when `withinMs` have passed. */
  async over(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const all = Promise.all(this.#ends.values());
    await (Number.isFinite(withinMs)
      ? Promise.race([all, Bun.sleep(this.#ends.size > 0 ? withinMs : 0)])
      : all);
  }

  /** Resolves when a conversation has no Run any more, not even one that only gives its Slot back. */
  async overIn(conversation: ConversationId): Promise<void> {
    while (this.values().some(({ run }) => run.conversation === conversation))
      await Promise.race(this.#ends.values());
  }

  /** Those of a conversation, as their events so far have told it. */
  of(conversation: ConversationId): readonly Snapshot[] {
    return this.values()
      .filter(({ run, over }) => run.conversation === conversation && !over)
      .map((live) => live.snapshot)
      .toArray();
  }

  /** All, as the operator sees them, in the order in which they came. */
  get now(): readonly RunNow[] {
    return this.values()
      .filter(({ over }) => !over)
      .map((live) => {
        const { run, status, place, spentTokens: tokens } = live;
        return {
          run: run.id,
          owner: run.owner,
          status,
          createdAt: run.createdAt,
          place,
          tokens,
          isAttended: this.#isAttended(live),
        };
      })
      .toArray();
  }
}
