// The Runs in progress of this process by id, and a promise for the moment when each gives its slot back.

import type { Snapshot } from "../domain/event.ts";
import type { ConversationId, RunId } from "../domain/id.ts";
import type { Run, RunNow, WhichRuns } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { Attendance } from "./attendance.ts";
import type { LiveRun } from "./live-run.ts";

export class InProgress {
  readonly #live = new Map<RunId, LiveRun>();
  readonly #ends = new Map<RunId, Promise<void>>();
  readonly #attendance: Pick<Attendance, "has">;
  /** See EndingDependencies. */
  readonly unstored = new Map<ConversationId, Utterance & { readonly run: Run }>();

  constructor(attendance: Pick<Attendance, "has">) {
    this.#attendance = attendance;
  }

  /** True while a person looks at the Run, or a program waits for it. */
  isAttended({ run, isTapped }: LiveRun): boolean {
    return isTapped || this.#attendance.has(run.conversation);
  }

  /** Number of Runs that were started, or ended without a slot, and are not finished with. */
  get begun(): number {
    return this.#ends.size;
  }

  values(): MapIterator<LiveRun> {
    return this.#live.values();
  }

  get(run: RunId): LiveRun | undefined {
    return this.#live.get(run);
  }

  /** The Runs that match all given fields and whose end has not been published. */
  matching(which: WhichRuns): LiveRun[] {
    const fields = Object.entries(which) as [keyof typeof which, string][];
    return this.values()
      .filter((live) => !live.over && fields.every(([name, value]) => live.run[name] === value))
      .toArray();
  }

  add(live: LiveRun): void {
    this.#live.set(live.run.id, live);
  }

  /** Keeps a Run until `ended` settles, then removes it and calls `after`. */
  track(live: LiveRun, ended: Promise<void>, after: () => void): void {
    const tracked = ended.finally(() => {
      this.#ends.delete(live.run.id);
      this.#live.delete(live.run.id);
      after();
    });
    this.#ends.set(live.run.id, tracked);
  }

  /**
   * Resolves when the slot in which a title is being written for a conversation is free; undefined if there
   * is none.
   */
  endOfTitling(conversation: ConversationId): Promise<void> | undefined {
    const titling = this.values().find(({ over, run }) => over && run.conversation === conversation);
    return titling && this.#ends.get(titling.run.id);
  }

  /** Resolves when all tracked Runs are finished with, or when `withinMs` have passed. */
  async over(withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const all = Promise.all(this.#ends.values());
    await (Number.isFinite(withinMs)
      ? Promise.race([all, Bun.sleep(this.#ends.size > 0 ? withinMs : 0)])
      : all);
  }

  /** Resolves when a conversation has no Run any more, not even one that is only giving its slot back. */
  async overIn(conversation: ConversationId): Promise<void> {
    while (this.values().some(({ run }) => run.conversation === conversation))
      await Promise.race(this.#ends.values());
  }

  /** Snapshots of a conversation's Runs whose end has not been published, as of the last event of each. */
  of(conversation: ConversationId): readonly Snapshot[] {
    return this.matching({ conversation }).map((live) => live.snapshot);
  }

  /** All Runs as the operator sees them, in the order in which they were queued. */
  get now(): readonly RunNow[] {
    return this.matching({}).map((live) => {
      const { run, status, place } = live;
      return {
        run: run.id,
        owner: run.owner,
        status,
        createdAt: run.createdAt,
        place,
        tokens: live.tokens.sum,
        isAttended: this.isAttended(live),
      };
    });
  }
}
