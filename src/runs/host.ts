// The Runs in progress of this process, kept in its memory: queued, started when a slot is granted, stopped,
// recovered after a restart, ended. Knows who waits, who runs, and which conversations are looked at. What
// people may do is decided in chat/chat.

import { publishListed, publishReshaped } from "../bus/bus.ts";
import type { Person } from "../domain/account.ts";
import type { Snapshot } from "../domain/event.ts";
import { type ConversationId, isTemporary, type RunId } from "../domain/id.ts";
import type { Run, RunNow } from "../domain/run.ts";
import type { QueuedRun, UnfinishedRun } from "../store/store.ts";
import type { Slot } from "../upstream/upstream.ts";
import { type ApiRequest, ApiRequests } from "./api-requests.ts";
import { Attendance } from "./attendance.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Counts } from "./context.ts";
import type { RunsDependencies } from "./dependencies.ts";
import { endRun } from "./ending.ts";
import { sharerOf } from "./fair-share.ts";
import { InProgress } from "./in-progress.ts";
import { LiveRun, type Origin } from "./live-run.ts";
import { QueueMemory } from "./queue-memory.ts";
import { type Halt, halt, type RunnerDependencies, runOne } from "./runner.ts";
import type { NewRun, Runs } from "./runs.ts";
import { Scheduler } from "./scheduler.ts";

/** Between two ticks of the scheduler, in ms. */
const tickMs = 250;

export class RunHost implements Runs {
  readonly #deps: RunsDependencies;
  readonly #counts = new Counts();
  readonly #scheduler: Scheduler;
  readonly #memory: QueueMemory;
  readonly apiRequests: ApiRequests;
  readonly inProgress = new InProgress((live) => this.#isAttended(live));
  readonly #checkpoints: Checkpoints;
  readonly #timer: Timer;
  readonly #attendance = new Attendance(() => this.#scheduler.refresh());
  #closing = false;

  constructor(deps: RunsDependencies) {
    this.#deps = deps;
    const { upstream, log, bounds } = deps;
    this.#checkpoints = new Checkpoints(deps.store, bounds.checkpointEveryMs, log);
    this.#scheduler = new Scheduler(
      {
        take: (run) =>
          upstream.take(this.#of(run)?.origin.model ?? null, this.apiRequests.get(run)?.options.slots),
        start: (run, slot) => this.#start(run, slot),
        place: (run, place) => this.#of(run)?.moved(place),
        now: () => performance.now(),
        isAttended: (run) =>
          this.apiRequests.get(run) !== undefined || this.#isAttended(this.inProgress.get(run) as LiveRun),
        spentTokens: (run) => this.apiRequests.get(run)?.tokens ?? this.inProgress.get(run)?.tokens.sum ?? 0,
      },
      this.slots,
      bounds,
    );
    this.#memory = new QueueMemory(this.#scheduler, deps.store, log);
    this.apiRequests = new ApiRequests(
      { ...deps, usage: deps.store.usage, queueMaxRuns: bounds.queueMaxRuns },
      this.#scheduler,
    );
    upstream.watch(() => this.#resize());
    this.#timer = setInterval(() => this.#scheduler.tick(), tickMs);
    this.#timer.unref();
  }

  /** Slots that no other client of llama-server holds; at least 1, because llama-server has its own queue. */
  get slots(): number {
    const { slots, foreignSlots } = this.#deps.upstream.state;
    return Math.max(1, Math.min(slots - foreignSlots, this.#deps.bounds.slotsMax));
  }

  /** All running and waiting Runs and API requests, as the operator sees them. */
  get now(): readonly RunNow[] {
    return [...this.inProgress.now, ...this.apiRequests.now];
  }

  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  get closing(): boolean {
    return this.#closing;
  }

  async live(conversation: ConversationId): Promise<readonly Snapshot[]> {
    return this.inProgress.of(conversation);
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

  /** Continues with the shares, the wait statistics and the unfinished Runs of the previous process. */
  async recover(): Promise<void> {
    const { store } = this.#deps;
    await this.#memory.restore();
    for (const unfinished of await store.unfinishedRuns())
      this.#recover(unfinished, await store.people.person(unfinished.run.owner));
  }

  enqueue(person: Person, said: QueuedRun, { question, model, tap, request = "" }: NewRun): void {
    const live = this.#make(said, { sharer: sharerOf(person), request, tap, model });
    this.#deps.log.info("Run queued", {
      run: said.run.id,
      conversation: said.run.conversation,
      person: person.id,
      request,
      ...(this.#deps.logTexts && { text: said.question?.text }),
    });
    live.publish({ kind: "queued", owner: said.run.owner, question, answer: said.answer });
    publishListed(this.#deps.bus, live.run, true);
    this.#scheduler.enqueue(said.run.id, live.origin.sharer);
    this.#saveShares();
    // a title is written only in a slot that nobody waits for, and not in one whose conversation goes on
    const isWaiting = this.#scheduler.isWaiting(said.run.id);
    for (const other of this.inProgress.values())
      if (other.over && (isWaiting || other.run.conversation === said.run.conversation))
        halt(other, "interrupted");
  }

  /**
   * Continues a Run of the previous process. A waiting Run waits again. A running one continues from
   * llama-server's stream, or ends as interrupted if llama-server no longer has it. `person` is null if the
   * account is gone.
   */
  #recover(unfinished: UnfinishedRun, person: Person | null): void {
    const { run, answer } = unfinished;
    const sharer = person ? sharerOf(person) : { id: run.owner, weight: 1, runningMax: null };
    const live = this.#make(unfinished, { sharer, request: "", tap: undefined, model: null });
    live.publish({ kind: "queued", owner: run.owner, question: null, answer });
    if (run.status === "queued") this.#scheduler.enqueue(run.id, sharer, { isRecovered: true });
    else {
      this.#scheduler.adopt(run.id, sharer);
      this.#track(runOne(live, this.#deps.upstream.adopt(), this.#runnerDeps, unfinished), live);
    }
  }

  stop(which: Partial<Pick<Run, "id" | "conversation" | "owner">>): boolean {
    const matching = this.inProgress.matching(which);
    for (const live of matching) {
      if (live.stopping) continue;
      live.stop();
      if (this.#scheduler.leave(live.run.id)) this.#endUnstarted(live, "stopped");
      else halt(live, "stopped");
    }
    const isRequest = which.conversation === undefined && this.apiRequests.stop(which);
    return isRequest || matching.length > 0;
  }

  /** Waiting Runs of programs end as well: their sockets close with this process. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    this.#scheduler.resize(0);
    for (const live of this.inProgress.values()) if (live.over) halt(live, "interrupted");
    for (const live of this.inProgress.values())
      if (live.isTapped && this.#scheduler.leave(live.run.id)) this.#endUnstarted(live, "interrupted");
    await Promise.all([this.inProgress.over(graceMs), this.apiRequests.close(graceMs)]);
    for (const live of this.inProgress.values())
      if (!this.#scheduler.isWaiting(live.run.id)) halt(live, "interrupted");
    while (this.inProgress.begun > 0) await this.inProgress.over();
  }

  #of(run: RunId): LiveRun | ApiRequest | undefined {
    return this.apiRequests.get(run) ?? this.inProgress.get(run);
  }

  #make(said: QueuedRun, origin: Origin): LiveRun {
    const { bus, bounds } = this.#deps;
    const store = this.#deps.storeOf(said.run.conversation);
    const checkpoints = isTemporary(said.run.conversation) ? null : this.#checkpoints;
    const outlets = { bus, foldMs: bounds.foldMs, store, checkpoints };
    const live = new LiveRun(said.run, said.answer, outlets, origin);
    this.inProgress.add(live);
    return live;
  }

  get #runnerDeps(): RunnerDependencies {
    const { bus, bounds, generateTitles } = this.#deps;
    return {
      ...this.#deps,
      answerTokens: bounds.answerTokens,
      counts: this.#counts,
      goesOn: this.#deps.goesOn ?? (() => false),
      mayWriteTitle: () => generateTitles && !this.#closing && this.#scheduler.waiting === 0,
      ended: ({ run }) => publishListed(bus, run, true),
      titled: ({ run }) => {
        publishListed(bus, run, false);
        publishReshaped(bus, run.conversation);
      },
    };
  }

  #start(run: RunId, slot: Slot): void {
    const apiRequest = this.apiRequests.get(run);
    if (apiRequest) {
      apiRequest.begin(slot);
      return;
    }
    const live = this.inProgress.get(run) as LiveRun;
    // a slot that still writes a title for the same conversation has its prompt cache: wait for that slot,
    // then use it
    const before = this.inProgress.endOfTitling(live.run.conversation);
    const begin = () => runOne(live, slot, this.#runnerDeps);
    this.#track(before ? before.then(begin) : begin(), live);
  }

  #resize(): void {
    if (this.#closing) return;
    this.#scheduler.resize(this.slots);
    this.#scheduler.refresh(); // the same number of slots may be on other servers now
  }

  #isAttended({ run, isTapped }: LiveRun): boolean {
    return isTapped || this.attended(run.conversation);
  }

  #saveShares(): void {
    if (!this.#closing) this.#memory.saveShares();
  }

  /** Ends a Run that never had a slot. */
  #endUnstarted(live: LiveRun, status: Halt): void {
    const outcome = { status, finish: null, failure: null, stats: {}, slotFreed: true };
    this.#track(endRun(live, outcome, this.#runnerDeps), live);
  }

  /** Lets the next Run start once `ended` has settled, and saves what the queue has learned. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const bug = (error: unknown) =>
      this.#deps.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    this.inProgress.track(live, ended.catch(bug), () => {
      this.#scheduler.release(live.run.id, live.tokens.sum);
      this.#saveShares();
      this.#memory.saveWaits();
    });
  }
}
