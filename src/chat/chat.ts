// What people can do in the house: say something, try again, stop, read a thread.
// Decides whether it may be done, has it stored, hands Runs to scheduler and runner. No sockets, no HTML, no fetch.

import type { Bus } from "../bus/bus.ts";
import type { ConversationId, MessageId, Thread } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { RunId, Snapshot } from "../domain/run.ts";
import type { Said, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { LiveRun, type Tap } from "./live-run.ts";
import { close, halt, runOne } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";

export interface ChatBounds {
  /** Deltas that come within this time of the last event go out together. */
  readonly foldMs: number;
  /** Runs that may wait at once. */
  readonly queueMaxRuns: number;
  /** Longest message in UTF-8. */
  readonly messageMaxBytes: number;
}

export interface ChatParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly log: Log;
  readonly bounds: ChatBounds;
}

export interface Say {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly text: string;
}

export class Chat {
  readonly #parts: ChatParts;
  readonly #scheduler: Scheduler;
  readonly #live = new Map<RunId, LiveRun>();
  readonly #running = new Set<Promise<void>>();
  #closing = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.#scheduler = new Scheduler(
      {
        start: (run) => this.#start(run),
        place: (run, place) => this.#live.get(run)?.moved(place),
      },
      parts.upstream.state.slots,
    );
    parts.upstream.watch((state) => this.#scheduler.resize(state.slots));
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
    const said = await this.#parts.store.say({ ...say, text: say.text.toWellFormed(), queueMaxRuns });
    if (said) this.#enqueue(said, null, tap);
  }

  /**
   * Queues another attempt at the conversation's last answer.
   * @throws Failure `not_found`, `conversation_busy`, `queue_full`, `shutting_down`
   */
  async retry(conversation: ConversationId, message: MessageId): Promise<void> {
    this.#refuseWhileClosing();
    const said = await this.#parts.store.retry({ conversation, message, queueMaxRuns: this.#parts.bounds.queueMaxRuns });
    this.#enqueue(said, message);
  }

  /** Stops whatever Run the conversation has, waiting or running. No effect when there is none. */
  stop(conversation: ConversationId): void {
    for (const live of this.#live.values()) {
      if (live.run.conversation !== conversation || live.stopping || live.over) continue;
      live.stop();
      if (this.#scheduler.leave(live.run.id)) void this.#leave(live);
      else halt(live, "stopped");
    }
  }

  /** The thread with what is being written in it now, at one instant. */
  async thread(conversation: ConversationId): Promise<{ thread: Thread; live: readonly Snapshot[] }> {
    const thread = await this.#parts.store.thread(conversation);
    return { thread, live: this.live(conversation) };
  }

  /** The Runs in progress of a conversation, as their events so far have told it. */
  live(conversation: ConversationId): readonly Snapshot[] {
    return [...this.#live.values()].filter((live) => live.run.conversation === conversation && !live.over).map((live) => live.snapshot);
  }

  /** Stops a conversation's Run and forgets the conversation once that has ended. */
  async forget(conversation: ConversationId): Promise<void> {
    this.stop(conversation);
    while (this.live(conversation).length > 0) await Promise.race(this.#running);
    await this.#parts.store.forget(conversation);
  }

  /** No new Runs; those that run get `graceMs`, then they and all that wait are interrupted. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    await Promise.race([Promise.all(this.#running), Bun.sleep(this.#running.size > 0 ? graceMs : 0)]);
    for (const live of this.#live.values()) if (live.status === "running") halt(live, "interrupted");
    await Promise.all(this.#running);
  }

  #refuseWhileClosing(): void {
    if (this.#closing) throw new Failure("shutting_down");
  }

  #enqueue(said: Said, replaces: MessageId | null, tap?: Tap): void {
    const { bus, bounds } = this.#parts;
    const live = new LiveRun(said.run, said.answer, bus, bounds.foldMs, tap);
    this.#live.set(said.run.id, live);
    live.publish({ kind: "queued", question: said.question, answer: said.answer, replaces });
    this.#scheduler.enqueue(said.run.id);
  }

  #start(run: RunId): void {
    const live = this.#live.get(run) as LiveRun;
    this.#track(runOne(live, { ...this.#parts, running: () => this.#scheduler.running }), live);
  }

  async #leave(live: LiveRun): Promise<void> {
    this.#track(close(live, { status: "stopped", finish: null, failure: null, stats: {}, slotFreed: true }, this.#parts), live);
  }

  /** Keeps the promise of a Run's end, and cleans up behind it. */
  #track(ended: Promise<void>, live: LiveRun): void {
    const tracked = ended.finally(() => {
      this.#running.delete(tracked);
      this.#live.delete(live.run.id);
      this.#scheduler.release(live.run.id);
    });
    this.#running.add(tracked);
  }
}
