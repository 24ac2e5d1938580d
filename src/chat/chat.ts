// What people can do in the house: say something, try again, stop, read a thread.
// Decides whether it may be done, has it stored, hands Runs on to chat/runs. No sockets, no HTML, no fetch.

import type { Bus } from "../bus/bus.ts";
import { type ConversationId, isTemporary, type MessageId, type ThreadPage } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { noSettings, type PersonaId, type Settings, type Voice } from "../domain/persona.ts";
import type { Snapshot } from "../domain/run.ts";
import type { Personas } from "../persona/persona.ts";
import type { Ask, Said, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Tap } from "./live-run.ts";
import { Runs, type RunsParts } from "./runs.ts";
import { Voices } from "./voice.ts";

export interface ChatBounds {
  readonly foldMs: number;
  readonly checkpointEveryMs: number;
  /** Messages of a thread that a page holds at first, and gets more of at a time. */
  readonly pageMaxMessages: number;
  /** Runs that may wait at once. */
  readonly queueMaxRuns: number;
  /** Longest message in UTF-8. */
  readonly messageMaxBytes: number;
  /** Room kept for an answer whose persona names no longest one. */
  readonly answerTokens: number;
}

export interface ChatParts extends Pick<RunsParts, "generateTitles"> {
  readonly store: Store;
  /** Keeps the conversations that are never written to disk. */
  readonly temporary: Store;
  readonly bus: Bus;
  readonly upstream: Upstream;
  readonly personas: Personas;
  /** Holds for everybody, whatever was chosen. */
  readonly enforcedPersona: PersonaId | null;
  readonly log: Log;
  readonly bounds: ChatBounds;
}

export interface Say {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly text: string;
  /** The earlier question that this one replaces, as a branch beside it. */
  readonly edits?: MessageId;
  /** Of the conversation, if this is the first that is said in it. */
  readonly settings?: Settings;
}

/** A thread, or a part of it, at one instant: what is being written in it, how it is answered. */
export type ThreadNow = ThreadPage & { readonly live: readonly Snapshot[]; readonly voice: Voice };

export class Chat {
  readonly voices: Voices;
  readonly #parts: ChatParts;
  readonly #runs: Runs;
  #closed = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.voices = new Voices(parts.personas, parts.enforcedPersona);
    this.#runs = new Runs({ ...parts, voices: this.voices, storeOf: (conversation) => this.storeOf(conversation) });
  }

  /** Runs by state, in this process. */
  get load(): { running: number; waiting: number } {
    return this.#runs.load;
  }

  /**
   * Stores a message and queues its answer. A message id that is known already changes nothing.
   * @throws Failure `message_empty`, `message_too_long`, `persona_missing`, `bad_setting`, `conversation_busy`, `queue_full`, `shutting_down`
   */
  async say(say: Say, tap?: Tap): Promise<void> {
    this.#refuseWhileClosing();
    const { messageMaxBytes, queueMaxRuns } = this.#parts.bounds;
    const bytes = Buffer.byteLength(say.text);
    if (say.text.trim() === "") throw new Failure("message_empty");
    if (bytes > messageMaxBytes) throw new Failure("message_too_long", { bytes, limitBytes: messageMaxBytes });
    const store = this.storeOf(say.conversation);
    // only the first question makes settings: a page that was open since then still sends those it began with
    if (say.settings && !(await store.conversation(say.conversation))) await this.voices.check(say.settings);
    const said = await store.say({ ...say, text: say.text.toWellFormed(), queueMaxRuns });
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
    await this.storeOf(conversation).select(conversation, message);
    this.#reshaped(conversation);
  }

  /** Deletes a message with what follows it. @throws Failure `not_found`, `conversation_busy` */
  async prune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.storeOf(conversation).prune(conversation, message);
    this.#reshaped(conversation);
  }

  /** How a conversation is answered from now on. @throws Failure `not_found`, `persona_missing`, `bad_setting` */
  async settle(conversation: ConversationId, settings: Settings): Promise<void> {
    await this.voices.check(settings);
    await this.storeOf(conversation).settle(conversation, settings);
    this.#reshaped(conversation);
  }

  /** Stops whatever Run the conversation has, waiting or running. No effect when there is none. */
  stop(conversation: ConversationId): void {
    this.#runs.stop(conversation);
  }

  /** The end of the thread (or of what stands before a message, or as much of it as reaches back to one). */
  async thread(conversation: ConversationId, part: { before?: MessageId; through?: MessageId } = {}): Promise<ThreadNow> {
    const store = this.storeOf(conversation);
    const voice = await this.voices.of((await store.conversation(conversation))?.settings ?? noSettings);
    const page = await store.thread(conversation, { ...part, limit: this.#parts.bounds.pageMaxMessages });
    return { ...page, voice, live: this.live(conversation) }; // nothing is waited for between the page and what is live
  }

  /** The Runs in progress of a conversation, as their events so far have told it. */
  live(conversation: ConversationId): readonly Snapshot[] {
    return this.#runs.of(conversation);
  }

  /** Where a conversation is kept. */
  storeOf(conversation: ConversationId): Store {
    return isTemporary(conversation) ? this.#parts.temporary : this.#parts.store;
  }

  /** Takes up what the process before this one left. */
  async recover(): Promise<void> {
    for (const left of await this.#parts.store.left()) this.#runs.recover(left);
  }

  /** Stops a conversation's Run and forgets the conversation once that has ended. */
  async forget(conversation: ConversationId): Promise<void> {
    this.stop(conversation);
    await this.#runs.over(conversation);
    if (!this.#closed) await this.storeOf(conversation).forget(conversation);
  }

  /** Forgets the temporary conversations in which nothing was said since `idleSince` (milliseconds since 1970) and that nobody looks at. */
  async forgetTemporary(idleSince: number, isWatched: (conversation: ConversationId) => boolean): Promise<void> {
    for (const id of await this.#parts.temporary.ids(idleSince)) {
      if (!isWatched(id) && this.live(id).length === 0) await this.#parts.temporary.forget(id);
    }
  }

  /** No new Runs; those that run get `graceMs`, then they are interrupted. Who waits is kept in the Store for the next process. */
  async close(graceMs: number): Promise<void> {
    await this.#runs.close(graceMs);
    this.#closed = true;
  }

  #refuseWhileClosing(): void {
    if (this.#runs.closing) throw new Failure("shutting_down");
  }

  async #again(wish: (store: Store, ask: Ask) => Promise<Said>, conversation: ConversationId, message: MessageId): Promise<void> {
    this.#refuseWhileClosing();
    const said = await wish(this.storeOf(conversation), { conversation, message, queueMaxRuns: this.#parts.bounds.queueMaxRuns });
    this.#enqueue(said, { isAddedAtEnd: false });
  }

  #enqueue(said: Said, { isAddedAtEnd, tap }: { isAddedAtEnd: boolean; tap?: Tap | undefined }): void {
    if (!isAddedAtEnd) this.#reshaped(said.run.conversation);
    this.#runs.enqueue(said, isAddedAtEnd ? said.question : null, tap);
  }

  #reshaped(conversation: ConversationId): void {
    this.#parts.bus.publish(conversation, { kind: "reshaped", conversation });
  }
}
