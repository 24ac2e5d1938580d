// The JSON protocol of the /chat socket (sub-protocol parlor.json). Messages are stored in a conversation of
// the person; events carry the place in the queue, thoughts and usage. A `raw` prompt is in
// programs/raw-prompt.

import type { Language } from "../../views/words.ts";
import { type Identity, needScope } from "../auth/auth.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Forgetting } from "../chat/forgetting.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import { type ConversationId, isId, isTemporary, newId, newTemporaryId, type RunId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { Run } from "../domain/run.ts";
import type { Runs } from "../runs/runs.ts";
import type { StoreOf } from "../store/chooser.ts";
import { errorEvent, eventTap, finalEventOf, type ProgramEvent } from "./messages.ts";
import { type Piece, ProgramOutbox } from "./outbox.ts";
import { documentsIn } from "./question.ts";
import { completeRaw, type RawPromptOptions } from "./raw-prompt.ts";

interface JsonSocketOptions extends RawPromptOptions {
  readonly attachments: Pick<Attachments, "lend">;
  readonly chat: Chat;
  readonly forgetting: Forgetting;
  readonly runs: Pick<Runs, "join" | "stop">;
  readonly storeOf: StoreOf;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  readonly outboxMaxBytes: number;
}

/** The name of the sub-protocol. */
export const jsonProtocol = "parlor.json";

/** Most messages that a `history` event holds. */
const historyMax = 1_000;

/** A frame from the client; no field is checked yet. */
interface ClientFrame {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly conversation?: unknown;
  readonly persona?: unknown;
  readonly raw?: unknown;
  readonly collections?: unknown;
  readonly files?: unknown;
}

/** The handler of one socket. `visitor.identity` returns the current identity of the person who opened it. */
export function jsonSocketHandler(
  language: Language,
  visitor: { identity: () => Identity; requestId: string },
  options: JsonSocketOptions,
) {
  return new JsonSocket(language, visitor, options);
}

class JsonSocket {
  readonly kind = "program";
  readonly #language: Language;
  readonly #visitor: { identity: () => Identity; requestId: string };
  readonly #options: JsonSocketOptions;
  #outbox!: ProgramOutbox;
  /** The conversation of messages that name none. */
  #conversation: ConversationId | null = null;
  /** Ends what `Runs.join` began for the conversation. */
  #leave: (() => void) | null = null;
  #isAnswering = false;
  /** The Run that answers now; null for a raw prompt. */
  #run: RunId | null = null;
  /** The client has sent `stop` before the Run was known. */
  #isStopRequested = false;
  /** Ends a raw prompt that is being answered. */
  #abort: AbortController | null = null;
  #requests = 0;

  constructor(
    language: Language,
    visitor: { identity: () => Identity; requestId: string },
    options: JsonSocketOptions,
  ) {
    this.#language = language;
    this.#visitor = visitor;
    this.#options = options;
  }

  open(ws: Transport): void {
    this.#outbox = new ProgramOutbox(ws, this.#options.outboxMaxBytes, framesOf);
  }

  async message(_: Transport, frame: string | Uint8Array): Promise<void> {
    try {
      const fields = parseFrame(frame);
      if (fields.type === "stop") this.#stop();
      else if (fields.type === "history") await this.#history(fields);
      else if (fields.type === "say" && typeof fields.text === "string") await this.#say(fields.text, fields);
      else throw new Failure("bad_frame");
    } catch (error) {
      this.#refuse(error);
    }
  }

  drain(): void {
    this.#outbox.drain();
  }

  onAccessLost(ws: Transport): void {
    this.#send(errorEvent({ code: "not_signed_in", facts: {} }, this.#language));
    ws.close(1008, "not signed in"); // RFC 6455 §7.4.1
  }

  close(): void {
    this.#outbox.end();
    this.#stop();
    this.#leave?.();
    if (this.#conversation !== null && isTemporary(this.#conversation))
      this.#options.forgetting.forget(this.#conversation).catch(this.#options.bug);
  }

  async #say(text: string, fields: ClientFrame): Promise<void> {
    if (this.#isAnswering) throw new Failure("conversation_busy");
    this.#isAnswering = true;
    this.#isStopRequested = false;
    try {
      if (fields.raw === true) await this.#completeRaw(text);
      else await this.#ask(text, fields);
    } catch (error) {
      this.#isAnswering = false;
      throw error;
    }
  }

  async #ask(text: string, frame: ClientFrame): Promise<void> {
    const { attachments, chat, quota } = this.#options;
    const { conversation: requested, persona } = frame;
    const identity = this.#visitor.identity();
    const { files = [], ...named } = documentsIn(frame, identity);
    const conversation = await this.#conversationFor(identity, requested);
    const settings =
      typeof persona === "string" && persona !== "" ? { settings: { persona, sampling: {} } } : {};
    const onEnded = (run: Run) => {
      this.#isAnswering = false;
      this.#run = null;
      this.#send(finalEventOf(run, isTemporary(conversation) ? null : conversation, this.#language));
    };
    const say = {
      ...{ conversation, message: newId(), text },
      ...{ ...settings, ...named, request: this.#nextRequestId() },
    };
    const { bug } = this.#options;
    const how = { isAlone: isTemporary(conversation), bug };
    const tap = eventTap((event) => this.#send(event), onEnded, how);
    if (files.length > 0) await quota.mayAsk(identity.person);
    const run = await attachments.lend(identity.person, conversation, files, (lent) =>
      chat.say(identity.person, { ...say, files: lent }, tap),
    );
    if (!this.#isAnswering || run === null) return; // the Run has ended meanwhile
    this.#run = run;
    if (this.#isStopRequested) this.#stop();
  }

  /**
   * The conversation of a message: the requested one, else the one of this socket. Without the scope
   * `conversations` it is a temporary one.
   * @throws Failure `not_found`, `key_scope`
   */
  async #conversationFor(identity: Identity, requested: unknown): Promise<ConversationId> {
    const { chat, runs } = this.#options;
    if (requested !== undefined && requested !== this.#conversation) {
      if (!isId(requested) || isTemporary(requested)) throw new Failure("not_found");
      needScope(identity, "conversations");
      if (!(await chat.enter(identity.person, requested))) throw new Failure("not_found");
      this.#leave?.();
      this.#leave = null;
      this.#conversation = requested;
    }
    const isStored = !identity.key || identity.key.scopes.includes("conversations");
    this.#conversation ??= isStored ? newId() : newTemporaryId();
    this.#leave ??= runs.join(this.#conversation);
    return this.#conversation;
  }

  async #completeRaw(prompt: string): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    const { person } = this.#visitor.identity();
    const send = (event: ProgramEvent) => this.#send(event);
    const raw = { person, prompt, requestId: this.#nextRequestId(), signal: abort.signal, send };
    await completeRaw(raw, this.#options).finally(() => {
      this.#abort = null;
    });
    this.#isAnswering = false;
  }

  async #history({ conversation }: ClientFrame): Promise<void> {
    const identity = this.#visitor.identity();
    needScope(identity, "conversations");
    if (!isId(conversation) || !(await this.#options.chat.enter(identity.person, conversation)))
      throw new Failure("not_found");
    const { thread } = await this.#options.storeOf(conversation).thread(conversation, { limit: historyMax });
    this.#send({
      type: "history",
      conversation,
      messages: thread.map(({ message: { role, text } }) => ({ role, text })),
    });
  }

  /** Stops the answer to this socket; other Runs of the same conversation go on. */
  #stop(): void {
    if (!this.#isAnswering) return;
    if (this.#abort) this.#abort.abort(new Failure("stopped"));
    else if (this.#run !== null) this.#options.runs.stop({ id: this.#run });
    else this.#isStopRequested = true;
  }

  #refuse(error: unknown): void {
    this.#send(errorEvent(this.#options.refuse(error).report, this.#language));
  }

  #send(event: ProgramEvent): void {
    const isJoinable = event.type === "delta" || event.type === "reasoning";
    this.#outbox.put(
      isJoinable ? { kind: event.type, text: event.text } : { kind: null, text: JSON.stringify(event) },
    );
  }

  #nextRequestId(): string {
    return `${this.#visitor.requestId}.${++this.#requests}`;
  }
}

const framesOf = ({ kind, text }: Piece): string =>
  kind === null ? text : JSON.stringify({ type: kind, text });

/** @throws Failure `bad_frame` */
function parseFrame(frame: string | Uint8Array): ClientFrame {
  try {
    const value: unknown = typeof frame === "string" ? JSON.parse(frame) : null;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // refused below, like JSON that is no object
  }
  throw new Failure("bad_frame");
}
