// What people can do in the house: say something, try again, stop, read a thread.
// Decides whether it may be done, has it stored, hands Runs to scheduler and runner. No sockets, no HTML, no fetch.

import type { Bus } from "../bus/bus.ts";
import { type ConversationId, isTemporary, type MessageId, type ThreadPage } from "../domain/conversation.ts";
import { listTopic } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import type { RunId, Snapshot } from "../domain/run.ts";
import type { Ask, Said, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { LiveRun, type Tap } from "./live-run.ts";
import { close, type Halt, halt, type RunnerParts, runOne } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";

export interface ChatBounds {
  readonly foldMs: number;
  readonly checkpointEveryMs: number;
  /** Messages of a thread that a page holds at first, and gets more of at a time. */
  readonly pageMaxMessages: number;
  /** Runs that may wait at once. */
  readonly queueMaxRuns: number;
  /** Longest message in UTF-8. */
  readonly messageMaxBytes: number;
}

export interface ChatParts {
  readonly store: Store;
  /** Keeps the conversations that are never written to disk. */
  readonly temporary: Store;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly bounds: ChatBounds;
}

export interface Say {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly text: string;
  /** The earlier question that this one replaces, as a branch beside it. */
  readonly edits?: MessageId;
}

export class Chat {
  readonly #parts: ChatParts;
  readonly #scheduler: Scheduler;
  readonly #live = new Map<RunId, LiveRun>();
  readonly #running = new Set<Promise<void>>();
  #closing = false;
  #closed = false;

  constructor(parts: ChatParts) {
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

  /** Runs by state, in this process. */
  get load(): { running: number; waiting: number } {
    return { running: this.#scheduler.running, waiting: this.#scheduler.waiting };
  }

  /**
   * Stores a message and queues its answer. A message id that is known already changes nothing.
   * @throws Failure `message_empty`, `message_too_long`, `conversation_busy`, `queue_full`, `shutting_down`
   */
  async say(say: Say, tap?: Tap): Promise<void> {
    this.#refuseWhileClosing();
    const { messageMaxBytes, queueMaxRuns } = this.#parts.bounds;
    const bytes = Buffer.byteLength(say.text);
    if (say.text.trim() === "") throw new Failure("message_empty");
    if (bytes > messageMaxBytes) throw new Failure("message_too_long", { bytes, limitBytes: messageMaxBytes });
    const said = await this.#storeOf(say.conversation).say({ ...say, text: say.text.toWellFormed(), queueMaxRuns });
    if (said) this.#enqueue(said, { isAddedAtEnd: say.edits === undefined, tap });
  }

  /**
   * Queues another attempt at an answer, as a branch beside it.
   * @throws Failure `not_found`, `conversation_busy`, `queue_full`, `shutting_down`
   */
  async retry(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#again((store, ask) => store.retry(ask), conversation, message);
  }

  /**
   * Queues a Run that goes on with the last answer where it ended.
   * @throws Failure `not_found`, `conversation_busy`, `queue_full`, `shutting_down`
   */
  async continue(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#again((store, ask) => store.continue(ask), conversation, message);
  }

  /** Shows another branch. @throws Failure `not_found`, `conversation_busy` */
  async select(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#storeOf(conversation).select(conversation, message);
    this.#reshaped(conversation);
  }

  /** Deletes a message with what follows it. @throws Failure `not_found`, `conversation_busy` */
  async prune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#storeOf(conversation).prune(conversation, message);
    this.#reshaped(conversation);
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

  /**
   * The end of the thread (or of what stands before a message, or as much of it as reaches back to one), with what is being
   * written in it now, at one instant.
   */
  async thread(conversation: ConversationId, part: { before?: MessageId; through?: MessageId } = {}): Promise<ThreadPage & { live: readonly Snapshot[] }> {
    const page = await this.#storeOf(conversation).thread(conversation, { ...part, limit: this.#parts.bounds.pageMaxMessages });
    return { ...page, live: this.live(conversation) };
  }

  /** Takes up what the process before this one left: who waited waits on, what ran is taken up or closed as interrupted. */
  async recover(): Promise<void> {
    for (const left of await this.#parts.store.left()) {
      const live = this.#makeLive(left);
      live.publish({ kind: "queued", question: null, answer: left.answer });
      if (left.run.status === "queued") this.#scheduler.enqueue(left.run.id);
      else {
        this.#scheduler.adopt(left.run.id);
        this.#track(runOne(live, this.#runnerParts, left), live);
      }
    }
  }

  /** The Runs in progress of a conversation, as their events so far have told it. */
  live(conversation: ConversationId): readonly Snapshot[] {
    return [...this.#live.values()].filter((live) => live.run.conversation === conversation && !live.over).map((live) => live.snapshot);
  }

  /** Stops a conversation's Run and forgets the conversation once that has ended. */
  async forget(conversation: ConversationId): Promise<void> {
    this.stop(conversation);
    const isLive = () => [...this.#live.values()].some((live) => live.run.conversation === conversation);
    while (isLive()) await Promise.race(this.#running);
    if (!this.#closed) await this.#storeOf(conversation).forget(conversation);
  }

  /**
   * No new Runs; those that run get `graceMs`, then they are interrupted. Who waits is kept in the Store for the next
   * process, but for programs, whose sockets end with this one.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#scheduler.resize(0);
    for (const live of this.#live.values()) if (live.isTapped && this.#scheduler.leave(live.run.id)) this.#leave(live, "interrupted");
    await Promise.race([Promise.all(this.#running), Bun.sleep(this.#running.size > 0 ? graceMs : 0)]);
    for (const live of this.#live.values()) if (!this.#scheduler.isWaiting(live.run.id)) halt(live, "interrupted");
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#closed = true;
  }

  #refuseWhileClosing(): void {
    if (this.#closing) throw new Failure("shutting_down");
  }

  async #again(wish: (store: Store, ask: Ask) => Promise<Said>, conversation: ConversationId, message: MessageId): Promise<void> {
    this.#refuseWhileClosing();
    const said = await wish(this.#storeOf(conversation), { conversation, message, queueMaxRuns: this.#parts.bounds.queueMaxRuns });
    this.#enqueue(said, { isAddedAtEnd: false });
  }

  #enqueue(said: Said, { isAddedAtEnd, tap }: { isAddedAtEnd: boolean; tap?: Tap | undefined }): void {
    const live = this.#makeLive(said, tap);
    if (!isAddedAtEnd) this.#reshaped(said.run.conversation);
    live.publish({ kind: "queued", question: isAddedAtEnd ? said.question : null, answer: said.answer });
    this.#listed(said.run.conversation);
    this.#scheduler.enqueue(said.run.id);
  }

  #makeLive(said: Said, tap?: Tap): LiveRun {
    const { bus, bounds, log } = this.#parts;
    const store = this.#storeOf(said.run.conversation);
    const checkpointFailed = (run: RunId, error: unknown) => log.error("a checkpoint could not be written", { run, error: String(error) });
    const live = new LiveRun(said.run, said.answer, { bus, ...bounds, store, checkpointFailed }, tap);
    this.#live.set(said.run.id, live);
    return live;
  }

  get #runnerParts(): RunnerParts {
    const holdsSlot = (live: LiveRun) => live.status === "running" && !live.leaving && !live.abort.signal.aborted;
    return { ...this.#parts, running: () => [...this.#live.values()].filter(holdsSlot).length };
  }

  #storeOf(conversation: ConversationId): Store {
    return isTemporary(conversation) ? this.#parts.temporary : this.#parts.store;
  }

  #reshaped(conversation: ConversationId): void {
    this.#parts.bus.publish(conversation, { kind: "reshaped", conversation });
  }

  /** Something was said, or has ended: the conversation is the latest now. */
  #listed(conversation: ConversationId): void {
    if (!isTemporary(conversation)) this.#parts.bus.publish(listTopic, { kind: "listed", conversation, isLatest: true });
  }

  #start(run: RunId): void {
    const live = this.#live.get(run) as LiveRun;
    this.#track(runOne(live, this.#runnerParts), live);
  }

  /** Ends a Run that never had a Slot. */
  #leave(live: LiveRun, status: Halt): void {
    this.#track(close(live, { status, finish: null, failure: null, stats: {}, slotFreed: true }, this.#parts), live);
  }

  /** Keeps the promise of a Run's end, and cleans up behind it. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const bug = (error: unknown) => this.#parts.log.error("a bug ended a Run", { run: live.run.id, error: String(error) });
    const tracked = ended.catch(bug).finally(() => {
      this.#running.delete(tracked);
      this.#live.delete(live.run.id);
      this.#scheduler.release(live.run.id);
      this.#listed(live.run.conversation);
    });
    this.#running.add(tracked);
  }
}
