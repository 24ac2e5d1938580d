// The Runs in progress of this process: queued, given to the runner when a Slot is theirs, stopped, taken up after a restart,
// brought to an end. Knows who waits and who runs; what people may do is chat/chat's.

import type { Person } from "../domain/account.ts";
import type { Message } from "../domain/conversation.ts";
import { listTopic } from "../domain/event.ts";
import { isTemporary, type RunId } from "../domain/id.ts";
import type { Run, RunNow } from "../domain/run.ts";
import type { FairShareKept } from "../store/accounts.ts";
import type { QueuedRun, UnfinishedRun } from "../store/store.ts";
import { type ApiRequest, ApiRequests } from "./api-requests.ts";
import { Checkpoints } from "./checkpoints.ts";
import { Counts } from "./context.ts";
import { sharerOf } from "./fair-share.ts";
import { InProgress } from "./in-progress.ts";
import { LiveRun, type Origin, type Tap } from "./live-run.ts";
import type { RunsParts } from "./parts.ts";
import { close, type Halt, halt, type RunnerParts, runOne } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";

/** Between two looks at the line, in ms. */
const tickMs = 250;

/** Between two times that what is learned about waiting is kept, in ms: a restart loses at most so much. */
const waitsKeptEveryMs = 10_000;

export class Runs {
  readonly #parts: RunsParts;
  readonly #counts = new Counts();
  readonly #scheduler: Scheduler;
  readonly leases: ApiRequests;
  readonly inProgress = new InProgress((live) => this.#isAttended(live));
  readonly #checkpoints: Checkpoints;
  readonly #timer: Timer;
  #closing = false;
  /** When what is learned about waiting was last kept. */
  #waitsKeptAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RunsParts) {
    this.#parts = parts;
    const { upstream, log, bounds } = parts;
    this.#checkpoints = new Checkpoints(parts.store, bounds.checkpointEveryMs, log);
    this.#scheduler = new Scheduler(
      {
        start: (run) => this.#start(run),
        place: (run, place) => this.#of(run)?.moved(place),
        now: () => performance.now(),
        isAttended: (run) =>
          this.leases.get(run) !== undefined || this.#isAttended(this.inProgress.get(run) as LiveRun),
        spent: (run) => this.#of(run)?.spentTokens ?? 0,
        hasRoom: (run) => upstream.hasRoom(this.#of(run)?.origin.model ?? null, this.leases.get(run)?.slots),
      },
      this.slots,
      bounds,
    );
    this.leases = new ApiRequests(
      { ...parts, usage: parts.store.usage, queueMaxRuns: bounds.queueMaxRuns },
      this.#scheduler,
    );
    parts.upstream.watch(() => this.#resize());
    this.#timer = setInterval(() => this.#scheduler.tick(), tickMs);
    this.#timer.unref();
  }

  /** Slots that may be used: those that nobody else holds, and one always, for llama-server has a line of its own. */
  get slots(): number {
    const { slots, strays } = this.#parts.upstream.state;
    return Math.max(1, Math.min(slots - strays, this.#parts.bounds.slotsMax));
  }

  /** All that run or wait, as the operator sees them. */
  get now(): readonly RunNow[] {
    return [...this.inProgress.now, ...this.leases.now];
  }

  /** Runs by state. */
  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  /** No new Runs may begin any more. */
  get closing(): boolean {
    return this.#closing;
  }

  /** The line. */
  get line(): Pick<Scheduler, "waitMs" | "refresh"> {
    return this.#scheduler;
  }

  /** Goes on with the shares of the process before this one, and with what it has learned about waiting. */
  restore(shares: FairShareKept, waits: string | null): void {
    this.#scheduler.shares.restore(shares);
    if (waits !== null) this.#scheduler.waits.restore(waits);
  }

  /** Puts a Run that is stored into the line; `question` is told with it where the thread simply goes on. */
  enqueue(
    person: Person,
    said: QueuedRun,
    {
      question,
      model,
      tap,
      request = "",
    }: {
      question: Message | null;
      model: string | null;
      tap?: Tap | undefined;
      request?: string | undefined;
    },
  ): void {
    const live = this.#make(said, { sharer: sharerOf(person), request, tap, model });
    this.#parts.log.info("Run queued", {
      run: said.run.id,
      conversation: said.run.conversation,
      person: person.id,
      request,
      ...(this.#parts.logTexts && { text: said.question?.text }),
    });
    live.publish({ kind: "queued", owner: said.run.owner, question, answer: said.answer });
    this.#listed(live);
    this.#scheduler.enqueue(said.run.id, live.origin.sharer);
    this.#keepShares();
    // a title is made in a Slot that nobody waits for, and that nobody wants to go on in
    const isWaiting = this.#scheduler.isWaiting(said.run.id);
    for (const other of this.inProgress.values())
      if (other.over && (isWaiting || other.run.conversation === said.run.conversation))
        halt(other, "interrupted");
  }

  /** Takes up what the process before this one left: who waited waits on; what ran is taken up, or closed as interrupted. */
  recover(left: UnfinishedRun, person: Person | null): void {
    const sharer = person ? sharerOf(person) : { id: left.run.owner, weight: 1, runningMax: null };
    const live = this.#make(left, { sharer, request: "", tap: undefined, model: null });
    live.publish({ kind: "queued", owner: left.run.owner, question: null, answer: left.answer });
    if (left.run.status === "queued") this.#scheduler.enqueue(left.run.id, sharer, { isLeft: true });
    else {
      this.#scheduler.adopt(left.run.id, sharer);
      this.#track(runOne(live, this.#runnerParts, left), live);
    }
  }

  /** Stops the Runs that are meant, waiting or running; false when there are none. */
  stop(which: Partial<Pick<Run, "id" | "conversation" | "owner">>): boolean {
    const wished = Object.entries(which) as [keyof typeof which, string][];
    const isMeant = ({ run }: LiveRun) => wished.every(([name, value]) => run[name] === value);
    const meant = this.inProgress
      .values()
      .filter((live) => isMeant(live) && !live.over)
      .toArray();
    for (const live of meant) {
      if (live.stopping) continue;
      live.stop();
      if (this.#scheduler.leave(live.run.id)) this.#leave(live, "stopped");
      else halt(live, "stopped");
    }
    const { id, owner, conversation } = which;
    return (
      (conversation === undefined &&
        this.leases.stop({ ...(id !== undefined && { id }), ...(owner !== undefined && { owner }) })) ||
      meant.length > 0
    );
  }

  /**
   * No new Runs; those that run get `graceMs`, then they are interrupted. Who waits is kept in the Store for the next
   * process, but for programs, whose sockets end with this one.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    this.#scheduler.resize(0);
    for (const live of this.inProgress.values()) if (live.over) halt(live, "interrupted");
    for (const live of this.inProgress.values())
      if (live.isTapped && this.#scheduler.leave(live.run.id)) this.#leave(live, "interrupted");
    await Promise.all([this.inProgress.over(graceMs), this.leases.close(graceMs)]);
    for (const live of this.inProgress.values())
      if (!this.#scheduler.isWaiting(live.run.id)) halt(live, "interrupted");
    while (this.inProgress.begun > 0) await this.inProgress.over();
  }

  #of(run: RunId): LiveRun | ApiRequest | undefined {
    return this.leases.get(run) ?? this.inProgress.get(run);
  }

  #make(said: QueuedRun, origin: Origin): LiveRun {
    const { bus, bounds } = this.#parts;
    const store = this.#parts.storeOf(said.run.conversation);
    const checkpoints = isTemporary(said.run.conversation) ? null : this.#checkpoints;
    const live = new LiveRun(
      said.run,
      said.answer,
      { bus, foldMs: bounds.foldMs, store, checkpoints },
      origin,
    );
    this.inProgress.add(live);
    return live;
  }

  get #runnerParts(): RunnerParts {
    const { bus, bounds, generateTitles } = this.#parts;
    return {
      ...this.#parts,
      answerTokens: bounds.answerTokens,
      counts: this.#counts,
      mayEntitle: () => generateTitles && !this.#closing && this.#scheduler.waiting === 0,
      closed: (live) => this.#listed(live),
      entitled: ({ run: { conversation, owner } }) => {
        if (!isTemporary(conversation))
          bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: false });
        bus.publish(conversation, { kind: "reshaped", conversation });
      },
    };
  }

  /** Something was said, or has ended: the conversation is the latest now. */
  #listed({ run: { conversation, owner } }: LiveRun): void {
    if (!isTemporary(conversation))
      this.#parts.bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest: true });
  }

  #start(run: RunId): void {
    const lease = this.leases.get(run);
    this.#parts.upstream.reserve(run, this.#of(run)?.origin.model ?? null, lease?.slots);
    if (lease) {
      lease.begin();
      return;
    }
    const live = this.inProgress.get(run) as LiveRun;
    // the Slot that still makes a title of the same conversation has its prompt cache: waited for, it is the one that is taken
    const entitling = this.inProgress
      .values()
      .find((other) => other.over && other.run.conversation === live.run.conversation);
    const before = entitling && this.inProgress.endOf(entitling.run.id);
    this.#track(
      before ? before.then(() => runOne(live, this.#runnerParts)) : runOne(live, this.#runnerParts),
      live,
    );
  }

  #resize(): void {
    if (this.#closing) return;
    this.#scheduler.resize(this.slots);
    this.#scheduler.refresh(); // as many slots as before may be other ones
  }

  #isAttended({ run, isTapped }: LiveRun): boolean {
    return isTapped || this.#parts.isAttended(run.conversation);
  }

  /** While somebody waits it matters who has had how much, also to the process after this one. */
  #keepShares(): void {
    if (this.#scheduler.waiting === 0 || this.#closing) return;
    this.#parts.store.usage
      .keepShares(this.#scheduler.shares.changes())
      .catch((error) => this.#parts.log.error("shares could not be kept", { error: String(error) }));
  }

  /** Ends a Run that never had a Slot. */
  #leave(live: LiveRun, status: Halt): void {
    this.#track(
      close(live, { status, finish: null, failure: null, stats: {}, slotFreed: true }, this.#runnerParts),
      live,
    );
  }

  /** Keeps the promise of a Run's end, and cleans up behind it. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const bug = (error: unknown) =>
      this.#parts.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    this.inProgress.track(live, ended.catch(bug), () => {
      this.#parts.upstream.release(live.run.id);
      this.#scheduler.release(live.run.id, live.spentTokens);
      this.#keepShares();
      this.#keepWaits();
    });
  }

  /** What is learned about waiting is kept now and then: a little that is lost is learned again. */
  #keepWaits(): void {
    if (performance.now() - this.#waitsKeptAt < waitsKeptEveryMs) return;
    this.#waitsKeptAt = performance.now();
    this.#parts.store.settings
      .set("waits", this.#scheduler.waits.kept)
      .catch((error) =>
        this.#parts.log.error("what is known about waiting could not be kept", { error: String(error) }),
      );
  }
}
