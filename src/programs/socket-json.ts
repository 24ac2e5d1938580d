// The /chat socket in JSON (sub-protocol parlor.json): what is said is kept as a conversation of the person,
// and told with places in line, thoughts and figures; or (`raw`) a prompt goes to the model as it stands.

import type { Language } from "../../views/words.ts";
import { type Identity, needScope } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { StoreOf } from "../chat/dependencies.ts";
import type { SettingsResolver } from "../chat/effective-settings.ts";
import type { Quota } from "../chat/quota.ts";
import type { Runs } from "../chat/runs.ts";
import type { Person } from "../domain/account.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import { type ConversationId, isId, isTemporary, newId, newTemporaryId, type RunId } from "../domain/id.ts";
import type { PromptProgress, Run } from "../domain/run.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { doneOf, errorOf, lastOf, type ProgramEvent, tapOf } from "./messages.ts";
import { type Piece, ProgramOutbox, type ProgramSocket } from "./outbox.ts";

interface JsonParts {
  readonly chat: Chat;
  readonly quota: Quota;
  readonly runs: Pick<Runs, "apiRequests" | "stop">;
  readonly settings: SettingsResolver;
  readonly storeOf: StoreOf;
  readonly upstream: Upstream;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** Conversations of sockets that are open. */
  readonly open: Set<ConversationId>;
  readonly outboxMaxBytes: number;
}

/** The name of the sub-protocol. */
export const jsonProtocol = "parlor.json";

/** Messages that `history` tells, at most. */
const historyMax = 1_000;

interface Wish {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly conversation?: unknown;
  readonly persona?: unknown;
  readonly raw?: unknown;
}

/** The handler of one socket. `known` is who opened it, as they are now. */
export function jsonDoor(
  language: Language,
  visitor: { known: () => Identity; request: string },
  parts: JsonParts,
) {
  return new JsonDoor(language, visitor, parts);
}

class JsonDoor {
  readonly kind = "program";
  readonly #language: Language;
  readonly #visitor: { known: () => Identity; request: string };
  readonly #parts: JsonParts;
  #way!: ProgramOutbox;
  /** The one that what is said without naming one goes on with. */
  #conversation: ConversationId | null = null;
  #isAnswering = false;
  /** What answers now; null where that is a raw prompt. */
  #run: RunId | null = null;
  /** It is to be stopped, but has no Run yet. */
  #isStopWished = false;
  /** Ends a raw prompt. */
  #abort: AbortController | null = null;
  #asked = 0;

  constructor(language: Language, visitor: { known: () => Identity; request: string }, parts: JsonParts) {
    this.#language = language;
    this.#visitor = visitor;
    this.#parts = parts;
  }

  open(ws: ProgramSocket): void {
    this.#way = new ProgramOutbox(ws, this.#parts.outboxMaxBytes, framesOf);
  }

  async message(_: ProgramSocket, frame: string | Uint8Array): Promise<void> {
    try {
      const wish = wishOf(frame);
      if (wish.type === "stop") this.#stop();
      else if (wish.type === "history") await this.#history(wish);
      else if (wish.type === "say" && typeof wish.text === "string") await this.#say(wish.text, wish);
      else throw new Failure("bad_frame");
    } catch (error) {
      this.#refuse(error);
    }
  }

  drain(): void {
    this.#way.drain();
  }

  expel(ws: ProgramSocket): void {
    this.#tell(errorOf({ code: "not_signed_in", facts: {} }, this.#language));
    ws.close(1008, "not signed in"); // RFC 6455 §7.4.1
  }

  close(): void {
    this.#way.end();
    this.#stop();
    if (this.#conversation === null) return;
    this.#parts.open.delete(this.#conversation);
    if (isTemporary(this.#conversation)) this.#parts.chat.forget(this.#conversation).catch(this.#parts.bug);
  }

  async #say(text: string, wish: Wish): Promise<void> {
    if (this.#isAnswering) throw new Failure("conversation_busy");
    this.#isAnswering = true;
    this.#isStopWished = false;
    try {
      if (wish.raw === true) await this.#complete(text);
      else await this.#ask(text, wish);
    } catch (error) {
      this.#isAnswering = false;
      throw error;
    }
  }

  async #ask(text: string, { conversation: named, persona }: Wish): Promise<void> {
    const { chat } = this.#parts;
    const known = this.#visitor.known();
    const conversation = await this.#goesOnWith(known, named);
    const settings =
      typeof persona === "string" && persona !== "" ? { settings: { persona, sampling: {} } } : {};
    const ended = (run: Run) => {
      this.#isAnswering = false;
      this.#run = null;
      this.#tell(lastOf(run, isTemporary(conversation) ? null : conversation, this.#language));
    };
    const say = { conversation, message: newId(), text, ...settings, request: this.#request };
    const tap = tapOf((told) => this.#tell(told), ended, { isAlone: isTemporary(conversation) });
    const run = await chat.say(known.person, say, tap);
    if (!this.#isAnswering || run === null) return; // it has ended meanwhile
    this.#run = run;
    if (this.#isStopWished) this.#stop();
  }

  /** Where it is said: what is named, else what this socket has begun. Whose key does not open conversations has one that is not kept. */
  async #goesOnWith(known: Identity, named: unknown): Promise<ConversationId> {
    const { chat, open } = this.#parts;
    if (named !== undefined && named !== this.#conversation) {
      if (!isId(named) || isTemporary(named)) throw new Failure("not_found");
      needScope(known, "conversations");
      if (!(await chat.enter(known.person, named))) throw new Failure("not_found");
      if (this.#conversation !== null) open.delete(this.#conversation);
      this.#conversation = named;
    }
    const isKept = !known.key || known.key.scopes.includes("conversations");
    this.#conversation ??= isKept ? newId() : newTemporaryId();
    open.add(this.#conversation);
    return this.#conversation;
  }

  /** A prompt with a template of its own; nothing of it is kept. */
  async #complete(prompt: string): Promise<void> {
    const { quota, runs, settings, upstream } = this.#parts;
    const { person } = this.#visitor.known();
    settings.refuseIfEnforced();
    refuseLength(quota, person, prompt);
    const abort = new AbortController();
    this.#abort = abort;
    const tell = (told: ProgramEvent) => this.#tell(told);
    const request = this.#request;
    const wish = {
      ...{ person, request, path: "/completion", model: null, signal: abort.signal },
      placed: (place: { position: number; of: number }) =>
        tell({ type: "queued", position: place.position, of: place.of }),
    };
    await runs.apiRequests
      .withSlot(wish, async (apiRequest) => {
        settings.refuseIfEnforced(); // it may have been set while this one waited
        const deltas = {
          text(text: string) {
            apiRequest.heard();
            apiRequest.tokens++;
            tell({ type: "delta", text });
          },
          reasoning: (text: string) => tell({ type: "reasoning", text }),
          prompt: ({ processed, total }: PromptProgress) => tell({ type: "prompt", processed, total }),
        };
        const end = await upstream.complete(
          { run: apiRequest.run, request },
          prompt,
          deltas,
          apiRequest.signal,
        );
        apiRequest.tokens =
          Math.max(0, (end.stats.promptTokens ?? 0) - (end.stats.cachedTokens ?? 0)) +
          (end.stats.outputTokens ?? apiRequest.tokens);
        tell(doneOf(end.finish, { ...end.stats, ...apiRequest.figures }, null));
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) throw error;
        tell(doneOf("stopped", {}, null));
      })
      .finally(() => {
        this.#abort = null;
      });
    this.#isAnswering = false;
  }

  async #history({ conversation }: Wish): Promise<void> {
    const known = this.#visitor.known();
    needScope(known, "conversations");
    if (!isId(conversation) || !(await this.#parts.chat.enter(known.person, conversation)))
      throw new Failure("not_found");
    const { thread } = await this.#parts.storeOf(conversation).thread(conversation, { limit: historyMax });
    this.#tell({
      type: "history",
      conversation,
      messages: thread.map(({ message: { role, text } }) => ({ role, text })),
    });
  }

  /** Ends what this socket has asked for; what others do in the same conversation goes on. */
  #stop(): void {
    if (!this.#isAnswering) return;
    if (this.#abort) this.#abort.abort(new Failure("stopped"));
    else if (this.#run !== null) this.#parts.runs.stop({ id: this.#run });
    else this.#isStopWished = true;
  }

  #refuse(error: unknown): void {
    this.#tell(errorOf(this.#parts.refuse(error).report, this.#language));
  }

  #tell(told: ProgramEvent): void {
    const isJoined = told.type === "delta" || told.type === "reasoning";
    this.#way.put(
      isJoined ? { kind: told.type, text: told.text } : { kind: null, text: JSON.stringify(told) },
    );
  }

  get #request(): string {
    return `${this.#visitor.request}.${++this.#asked}`;
  }
}

const framesOf = ({ kind, text }: Piece): string =>
  kind === null ? text : JSON.stringify({ type: kind, text });

/** @throws Failure `bad_frame` */
function wishOf(frame: string | Uint8Array): Wish {
  try {
    const value: unknown = typeof frame === "string" ? JSON.parse(frame) : null;
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // no JSON is no wish, either
  }
  throw new Failure("bad_frame");
}

/** @throws Failure `message_empty`, `message_too_long` */
function refuseLength(quota: Quota, person: Person, text: string): void {
  const [bytes, limitBytes] = [Buffer.byteLength(text), quota.messageMaxBytes(person)];
  if (text === "") throw new Failure("message_empty");
  if (bytes > limitBytes) throw new Failure("message_too_long", { bytes, limitBytes });
}
