// The Runs in progress of this process: queued, given to the runner when a Slot is theirs, stopped, taken up after a restart,
// brought to an end. Knows who waits and who runs; what people may do is chat/chat's.

import type { Bus } from "../bus/bus.ts";
import { type ConversationId, isTemporary, type Message } from "../domain/conversation.ts";
import { listTopic } from "../domain/event.ts";
import type { RunId, Snapshot } from "../domain/run.ts";
import type { Left, Said, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { Counts } from "./context.ts";
import { LiveRun, type Tap } from "./live-run.ts";
import { close, type Halt, halt, type RunnerParts, runOne } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";
import type { Voices } from "./voice.ts";

export interface RunsParts {
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly voices: Voices;
  /** Has the model make a title behind the first answer. */
  readonly generateTitles: boolean;
  readonly bounds: { readonly foldMs: number; readonly checkpointEveryMs: number; readonly answerTokens: number };
  /** Where a conversation is kept. */
  storeOf(conversation: ConversationId): Store;
}

export class Runs {
  readonly #parts: RunsParts;
  readonly #counts = new Counts();
  readonly #scheduler: Scheduler;
  readonly #live = new Map<RunId, LiveRun>();
  /** When each Run that has begun has given its Slot back. */
  readonly #ends = new Map<RunId, Promise<void>>();
  #closing = false;

  constructor(parts: RunsParts) {
    this.#parts = parts;
    this.#scheduler = new Scheduler(
      {
        start: (run) => this.#start(run),
        place: (run, place) => this.#live.get(run)?.moved(place),
      },
      parts.upstream.state.slots,
    );
    parts.upstream.watch((state) => {
      if (!this.#closing) this.#scheduler.resize(state.slots);
    });
  }

  /** Runs by state. */
  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  /** No new Runs may begin any more. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Puts a Run that is stored into the line; `question` is told with it where the thread simply goes on. */
  enqueue(said: Said, question: Message | null, tap?: Tap): void {
    const live = this.#make(said, tap);
    live.publish({ kind: "queued", question, answer: said.answer });
    this.#listed(said.run.conversation);
    this.#scheduler.enqueue(said.run.id);
    // a title is made in a Slot that nobody waits for, and that nobody wants to go on in
    const isWaiting = this.#scheduler.isWaiting(said.run.id);
    for (const other of this.#live.values()) if (other.over && (isWaiting || other.run.conversation === said.run.conversation)) halt(other, "interrupted");
  }

  /** Takes up what the process before this one left: who waited waits on; what ran is taken up, or closed as interrupted. */
  recover(left: Left): void {
    const live = this.#make(left);
    live.publish({ kind: "queued", question: null, answer: left.answer });
    if (left.run.status === "queued") this.#scheduler.enqueue(left.run.id);
    else {
      this.#scheduler.adopt(left.run.id);
      this.#track(runOne(live, this.#runnerParts, left), live);
    }
  }

  /** Stops whatever Run the conversation has, waiting or running. No effect when there is none. */
  stop(conversation: ConversationId): void {
    for (const live of this.#live.values()) {
      if (live.run.conversation !== conversation || live.stopping || live.over) continue;
      live.stop();
      if (this.#scheduler.leave(live.run.id)) this.#leave(live, "stopped");
      else halt(live, "stopped");
    }
  }

  /** The Runs in progress of a conversation, as their events so far have told it. */
  of(conversation: ConversationId): readonly Snapshot[] {
    return [...this.#live.values()].filter((live) => live.run.conversation === conversation && !live.over).map((live) => live.snapshot);
  }

  /** Resolves when a conversation has no Run any more, not even one that only gives its Slot back. */
  async over(conversation: ConversationId): Promise<void> {
    const isLive = () => [...this.#live.values()].some((live) => live.run.conversation === conversation);
    while (isLive()) await Promise.race(this.#ends.values());
  }

  /**
   * No new Runs; those that run get `graceMs`, then they are interrupted. Who waits is kept in the Store for the next
   * process, but for programs, whose sockets end with this one.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#scheduler.resize(0);
    for (const live of this.#live.values()) if (live.over) halt(live, "interrupted");
    for (const live of this.#live.values()) if (live.isTapped && this.#scheduler.leave(live.run.id)) this.#leave(live, "interrupted");
    await Promise.race([Promise.all(this.#ends.values()), Bun.sleep(this.#ends.size > 0 ? graceMs : 0)]);
    for (const live of this.#live.values()) if (!this.#scheduler.isWaiting(live.run.id)) halt(live, "interrupted");
    while (this.#ends.size > 0) await Promise.all(this.#ends.values());
  }

  #make(said: Said, tap?: Tap): LiveRun {
    const { bus, bounds, log, storeOf } = this.#parts;
    const store = storeOf(said.run.conversation);
    const checkpointFailed = (run: RunId, error: unknown) => log.error("a checkpoint could not be written", { run, error: String(error) });
    const live = new LiveRun(said.run, said.answer, { bus, ...bounds, store, checkpointFailed }, tap);
    this.#live.set(said.run.id, live);
    return live;
  }

  get #runnerParts(): RunnerParts {
    const holdsSlot = (live: LiveRun) => live.status === "running" && !live.leaving && !live.abort.signal.aborted;
    const running = () => [...this.#live.values()].filter(holdsSlot).length;
    const { bus, bounds, generateTitles } = this.#parts;
    return {
      ...this.#parts,
      answerTokens: bounds.answerTokens,
      counts: this.#counts,
      running,
      mayEntitle: () => generateTitles && !this.#closing && this.#scheduler.waiting === 0,
      closed: (live) => this.#listed(live.run.conversation),
      entitled: ({ run: { conversation } }) => {
        if (!isTemporary(conversation)) bus.publish(listTopic, { kind: "listed", conversation, isLatest: false });
        bus.publish(conversation, { kind: "reshaped", conversation });
      },
    };
  }

  /** Something was said, or has ended: the conversation is the latest now. */
  #listed(conversation: ConversationId): void {
    if (!isTemporary(conversation)) this.#parts.bus.publish(listTopic, { kind: "listed", conversation, isLatest: true });
  }

  #start(run: RunId): void {
    const live = this.#live.get(run) as LiveRun;
    // the Slot that still makes a title of the same conversation has its prompt cache: waited for, it is the one that is taken
    const entitling = [...this.#live.values()].find((other) => other.over && other.run.conversation === live.run.conversation);
    const before = entitling && this.#ends.get(entitling.run.id);
    this.#track(before ? before.then(() => runOne(live, this.#runnerParts)) : runOne(live, this.#runnerParts), live);
  }

  /** Ends a Run that never had a Slot. */
  #leave(live: LiveRun, status: Halt): void {
    this.#track(close(live, { status, finish: null, failure: null, stats: {}, slotFreed: true }, this.#runnerParts), live);
  }

  /** Keeps the promise of a Run's end, and cleans up behind it. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const bug = (error: unknown) => this.#parts.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    const tracked = ended.catch(bug).finally(() => {
      this.#ends.delete(live.run.id);
      this.#live.delete(live.run.id);
      this.#scheduler.release(live.run.id);
    });
    this.#ends.set(live.run.id, tracked);
  }
}
