// The Runs in progress of this process: queued, started when a slot is granted, stopped, recovered after a
// restart, ended. Knows who waits and who runs. What people may do is decided in chat/chat.

import type { Person } from "../domain/account.ts";
import type { Message } from "../domain/conversation.ts";
import { isTemporary, type RunId } from "../domain/id.ts";
import type { Run, RunNow } from "../domain/run.ts";
import type { QueuedRun, UnfinishedRun } from "../store/store.ts";
import { type ApiRequest, ApiRequests } from "./api-requests.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Counts } from "./context.ts";
import { publishListed, publishReshaped } from "./conversation-events.ts";
import type { RunsDependencies } from "./dependencies.ts";
import { sharerOf } from "./fair-share.ts";
import { InProgress } from "./in-progress.ts";
import { LiveRun, type Origin, type Tap } from "./live-run.ts";
import { QueueMemory } from "./queue-memory.ts";
import { close, type Halt, halt, type RunnerDependencies, runOne } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";

/** Between two ticks of the scheduler, in ms. */
const tickMs = 250;

interface NewRun {
  /** Published with the Run where the thread simply goes on; else null. */
  readonly question: Message | null;
  readonly model: string | null;
  readonly tap?: Tap | undefined;
  /** Id of the request in logs. */
  readonly request?: string | undefined;
}

export class Runs {
  readonly #deps: RunsDependencies;
  readonly #counts = new Counts();
  readonly #scheduler: Scheduler;
  readonly #memory: QueueMemory;
  readonly apiRequests: ApiRequests;
  readonly inProgress = new InProgress((live) => this.#isAttended(live));
  readonly #checkpoints: Checkpoints;
  readonly #timer: Timer;
  #closing = false;

  constructor(deps: RunsDependencies) {
    this.#deps = deps;
    const { upstream, log, bounds } = deps;
    this.#checkpoints = new Checkpoints(deps.store, bounds.checkpointEveryMs, log);
    this.#scheduler = new Scheduler(
      {
        start: (run) => this.#start(run),
        place: (run, place) => this.#of(run)?.moved(place),
        now: () => performance.now(),
        isAttended: (run) =>
          this.apiRequests.get(run) !== undefined || this.#isAttended(this.inProgress.get(run) as LiveRun),
        spentTokens: (run) => this.#of(run)?.spentTokens ?? 0,
        hasRoom: (run) =>
          upstream.hasRoom(this.#of(run)?.origin.model ?? null, this.apiRequests.get(run)?.slots),
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

  /** Number of Runs and API requests by state. */
  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  /** True once no new Runs may begin. */
  get closing(): boolean {
    return this.#closing;
  }

  get queue(): Pick<Scheduler, "waitMs" | "refresh"> {
    return this.#scheduler;
  }

  /** Continues with the shares and the wait statistics of the previous process. */
  restore(): Promise<void> {
    return this.#memory.restore();
  }

  /** Puts a stored Run into the queue. */
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
  recover(unfinished: UnfinishedRun, person: Person | null): void {
    const { run, answer } = unfinished;
    const sharer = person ? sharerOf(person) : { id: run.owner, weight: 1, runningMax: null };
    const live = this.#make(unfinished, { sharer, request: "", tap: undefined, model: null });
    live.publish({ kind: "queued", owner: run.owner, question: null, answer });
    if (run.status === "queued") this.#scheduler.enqueue(run.id, sharer, { isRecovered: true });
    else {
      this.#scheduler.adopt(run.id, sharer);
      this.#track(runOne(live, this.#runnerDeps, unfinished), live);
    }
  }

  /** Stops the Runs that match all given fields, waiting or running; false when there are none. */
  stop(which: Partial<Pick<Run, "id" | "conversation" | "owner">>): boolean {
    const matching = this.inProgress.matching(which);
    for (const live of matching) {
      if (live.stopping) continue;
      live.stop();
      if (this.#scheduler.leave(live.run.id)) this.#endUnstarted(live, "stopped");
      else halt(live, "stopped");
    }
    const { id, owner, conversation } = which;
    return (
      (conversation === undefined &&
        this.apiRequests.stop({ ...(id !== undefined && { id }), ...(owner !== undefined && { owner }) })) ||
      matching.length > 0
    );
  }

  /**
   * Accepts no new Runs. Running ones get `graceMs` and are interrupted after that. Waiting ones stay in
   * the Store for the next process, except those of programs, whose sockets close with this process.
   */
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
      mayWriteTitle: () => generateTitles && !this.#closing && this.#scheduler.waiting === 0,
      ended: ({ run }) => publishListed(bus, run, true),
      titled: ({ run }) => {
        publishListed(bus, run, false);
        publishReshaped(bus, run.conversation);
      },
    };
  }

  #start(run: RunId): void {
    const apiRequest = this.apiRequests.get(run);
    this.#deps.upstream.reserve(run, this.#of(run)?.origin.model ?? null, apiRequest?.slots);
    if (apiRequest) {
      apiRequest.begin();
      return;
    }
    const live = this.inProgress.get(run) as LiveRun;
    // a slot that still writes a title for the same conversation has its prompt cache: wait for that slot,
    // then use it
    const before = this.inProgress.endOfTitling(live.run.conversation);
    const begin = () => runOne(live, this.#runnerDeps);
    this.#track(before ? before.then(begin) : begin(), live);
  }

  #resize(): void {
    if (this.#closing) return;
    this.#scheduler.resize(this.slots);
    this.#scheduler.refresh(); // the same number of slots may be on other servers now
  }

  #isAttended({ run, isTapped }: LiveRun): boolean {
    return isTapped || this.#deps.isAttended(run.conversation);
  }

  #saveShares(): void {
    if (!this.#closing) this.#memory.saveShares();
  }

  /** Ends a Run that never had a slot. */
  #endUnstarted(live: LiveRun, status: Halt): void {
    const outcome = { status, finish: null, failure: null, stats: {}, slotFreed: true };
    this.#track(close(live, outcome, this.#runnerDeps), live);
  }

  /** Frees the slot and what else belongs to a Run once `ended` has settled. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const bug = (error: unknown) =>
      this.#deps.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    this.inProgress.track(live, ended.catch(bug), () => {
      this.#deps.upstream.release(live.run.id);
      this.#scheduler.release(live.run.id, live.spentTokens);
      this.#saveShares();
      this.#memory.saveWaits();
    });
  }
}
