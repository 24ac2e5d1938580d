// The Runs of this process, from a stored question to a stored answer: queued, begun when a Slot is granted,
// stopped, ended. What people may do is decided in chat/chat, who is next in runs/scheduler. What happens when
// this process starts and ends is in runs/handover.

import { publishListed } from "../bus/bus.ts";
import type { Person } from "../domain/account.ts";
import type { Message } from "../domain/conversation.ts";
import type { Snapshot } from "../domain/event.ts";
import { type ConversationId, isTemporary } from "../domain/id.ts";
import type { WhichRuns } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { QueuedRun, UnfinishedRun } from "../store/store.ts";
import type { Slot } from "../upstream/upstream.ts";
import { Attendance } from "./attendance.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Counts } from "./context.ts";
import type { RunsDependencies } from "./dependencies.ts";
import { endRun } from "./ending.ts";
import { sharerOf } from "./fair-share.ts";
import { InProgress } from "./in-progress.ts";
import { LiveRun } from "./live-run.ts";
import type { Origin } from "./origin.ts";
import { Queue } from "./queue.ts";
import { type Halt, halt, type RunnerDependencies, runOne } from "./runner.ts";
import type { NewRun, Runs } from "./runs.ts";

export class RunHost implements Runs {
  readonly #deps: RunsDependencies;
  readonly #attendance = new Attendance(() => this.queue.refresh());
  readonly inProgress = new InProgress(this.#attendance);
  readonly queue: Queue;
  readonly #counts = new Counts();
  readonly #checkpoints: Checkpoints;
  #hasLeft = false;

  constructor(deps: RunsDependencies) {
    this.#deps = deps;
    this.#checkpoints = new Checkpoints(deps.store, deps.bounds.checkpointEveryMs, deps.log);
    this.queue = new Queue(deps, this.inProgress, (live, slot) => this.#granted(live, slot));
  }

  get closing(): boolean {
    return this.queue.isClosed;
  }

  get load(): Runs["load"] {
    return this.queue.load;
  }

  async live(conversation: ConversationId): Promise<readonly Snapshot[]> {
    return this.inProgress.of(conversation);
  }

  unstored(conversation: ConversationId): Utterance | undefined {
    return this.inProgress.unstored.get(conversation);
  }

  ended(conversation: ConversationId): Promise<void> {
    return this.inProgress.overIn(conversation);
  }

  join(conversation: ConversationId): () => void {
    return this.#attendance.join(conversation);
  }

  attended(conversation: ConversationId): boolean {
    return this.#attendance.has(conversation);
  }

  enqueue(person: Person, said: QueuedRun, { question, model, tap, request = "" }: NewRun): void {
    const { run } = said;
    this.#deps.log.info("Run queued", {
      run: run.id,
      conversation: run.conversation,
      person: person.id,
      request,
      ...(this.#deps.logTexts && { text: said.question?.text }),
    });
    const live = this.add(said, question, { sharer: sharerOf(person), request, tap, model });
    publishListed(this.#deps.bus, run, true);
    this.queue.enqueue(live);
    // a title is written only in a slot that nobody waits for, and not in one whose conversation goes on
    const isWaiting = this.queue.isWaiting(live);
    for (const other of this.inProgress.values())
      if (other.over && (isWaiting || other.run.conversation === run.conversation))
        halt(other, "interrupted");
  }

  stop(which: WhichRuns): boolean {
    const matching = this.inProgress.matching(which);
    for (const live of matching) {
      if (live.stopping) continue;
      live.stop();
      if (this.queue.leave(live)) this.endUnstarted(live, "stopped");
      else halt(live, "stopped");
    }
    const isRequest = which.conversation === undefined && this.queue.apiRequests.stop(which);
    return isRequest || matching.length > 0;
  }

  /** Adds a Run that waits, and tells the pages. `question`: see RunFact. */
  add(queued: Pick<QueuedRun, "run" | "answer">, question: Message | null, origin: Origin): LiveRun {
    const { run, answer } = queued;
    const { bus, bounds, storeOf } = this.#deps;
    const checkpoints = isTemporary(run.conversation) ? null : this.#checkpoints;
    const store = storeOf(run.conversation);
    const firstEvent = this.#deps.firstEvent?.() ?? 0;
    const outlets = { bus, foldMs: bounds.foldMs, store, checkpoints, firstEvent };
    const live = new LiveRun(run, answer, outlets, origin);
    this.inProgress.add(live);
    live.publish({ kind: "queued", owner: run.owner, question, answer });
    return live;
  }

  #granted(live: LiveRun, slot: Slot): void {
    // a slot that still writes a title for the same conversation has its prompt cache: wait for that slot,
    // then use it
    const titled = this.inProgress.endOfTitling(live.run.conversation);
    const begin = () => runOne(live, slot, this.#runnerDeps);
    this.#track(live, titled ? titled.then(begin) : begin());
  }

  /** Goes on with a Run that the previous process began; see `runOne`. */
  resume(live: LiveRun, slot: Slot, unfinished: UnfinishedRun): void {
    this.#track(live, runOne(live, slot, this.#runnerDeps, unfinished));
  }

  /** Saves what all Runs have written and leaves them to another process: nothing of them is stored here. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    const running = this.inProgress
      .values()
      .filter(({ run, over }) => !over && !isTemporary(run.conversation));
    await this.#checkpoints.close(running.map(({ written }) => written).toArray());
  }

  /** Ends a Run that never had a slot. */
  endUnstarted(live: LiveRun, status: Halt): void {
    const outcome = { status, finish: null, failure: null, stats: {}, slotFreed: true };
    this.#track(live, endRun(live, outcome, this.#runnerDeps));
  }

  /** Lets the next Run begin once `ended` has settled. */
  #track(live: LiveRun, ended: Promise<void>): void {
    const bug = (error: unknown) =>
      this.#deps.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    this.inProgress.track(live, ended.catch(bug), () => !this.#hasLeft && this.queue.release(live));
  }

  get #runnerDeps(): RunnerDependencies {
    const { bounds, generateTitles, goesOn } = this.#deps;
    return {
      ...this.#deps,
      unstored: this.inProgress.unstored,
      hasLeft: () => this.#hasLeft,
      answerTokens: bounds.answerTokens,
      counts: this.#counts,
      goesOn: goesOn ?? (() => false),
      mayWriteTitle: () => generateTitles && !this.closing && this.load.waiting === 0,
    };
  }
}
