// POST /ask, for curl and scripts: the body is the question, the answer comes as plain text, or as events
// where that is asked for.

import { type Language, languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import { type Identity, needScope } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Quota } from "../chat/quota.ts";
import type { Runs } from "../chat/runs.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure, type Refuse, statusOf } from "../domain/failure.ts";
import { type ConversationId, isId, isTemporary, newId, newTemporaryId, type RunId } from "../domain/id.ts";
import { comeAgainSeconds } from "./errors.ts";
import { errorOf, lastOf, type ProgramEvent, tapOf } from "./messages.ts";
import { ResponseBody } from "./outbox.ts";

interface AskParts {
  /** Aborted when the program is gone, or may not ask any more. */
  readonly gone: AbortSignal;
  /** All is over. */
  over(): void;
  readonly chat: Chat;
  readonly quota: Quota;
  readonly runs: Pick<Runs, "stop">;
  readonly readBody: ReadBody;
  /** See http/base: for the address that a program is told. */
  readonly basePath: string;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** What may wait for a program that does not read; more and it is let go. */
  readonly outboxMaxBytes: number;
  /** A program that takes nothing for this long is let go. */
  readonly programSlowMs: number;
  /** Between two comments that keep a stream of events open on its way through proxies. */
  readonly heartbeatMs: number;
}

/** What is asked: the body itself, or JSON with more to it. */
interface Question {
  readonly text: string;
  readonly persona: string | null;
  /** null: it is not kept. */
  readonly conversation: ConversationId | null;
  /** It is to be kept, and is the first of its conversation. */
  readonly isNew: boolean;
}

/** The header that names the conversation of an answer, where it is kept. */
const conversationHeader = "x-conversation";

/** JSON escapes every character twice over at most six bytes; the rest is names. */
const bodyOverheadBytes = 4096;

/** Answers `POST /ask`. */
export async function ask(
  request: Request,
  known: Identity | null,
  id: string,
  parts: AskParts,
): Promise<Response> {
  const language = languageOf(request.headers.get("accept-language"));
  const isEvents = request.headers.get("accept")?.includes("text/event-stream") ?? false;
  try {
    if (request.method !== "POST")
      throw new Failure("no_such_address", {
        path: `${request.method} ${parts.basePath}/ask`,
        known: `POST ${parts.basePath}/ask`,
      });
    if (!known) throw new Failure("not_signed_in");
    needScope(known, "answers");
    const limitBytes = parts.quota.messageMaxBytes(known.person);
    await parts.quota.mayAsk(known.person);
    const body = await parts.readBody(request, {
      maxBytes: limitBytes * 6 + bodyOverheadBytes,
      owner: known.person.id,
    });
    body.release(); // what is left of it is a question, which has a bound of its own
    const question = questionIn(Buffer.from(body.bytes).toString("utf8"), request.headers);
    if (question.conversation !== null) {
      needScope(known, "conversations");
      if (!question.isNew && !(await parts.chat.enter(known.person, question.conversation)))
        throw new Failure("not_found");
    }
    return await answered(question, known, { id, language, isEvents }, parts);
  } catch (error) {
    const failure = parts.refuse(error);
    parts.over();
    const status = statusOf(failure);
    const headers: Record<string, string> = { "cache-control": "no-store" };
    const seconds = comeAgainSeconds(failure);
    if (seconds !== null) headers["retry-after"] = String(seconds);
    if (failure.code === "body_slow") headers["connection"] = "close"; // the rest of the body may never come
    const sentence = sentenceOf(failure.report, wordsOf(language));
    return isEvents
      ? Response.json(errorOf(failure.report, language), { status, headers })
      : new Response(`${sentence}\n`, { status, headers });
  }
}

/** @throws Failure `bad_request`, `not_found` */
function questionIn(body: string, headers: Headers): Question {
  if (!headers.get("content-type")?.startsWith("application/json"))
    return { text: body, persona: null, conversation: null, isNew: true };
  let fields: { text?: unknown; persona?: unknown; conversation?: unknown; keep?: unknown } | null;
  try {
    fields = JSON.parse(body);
  } catch {
    throw new Failure("bad_request", { detail: "JSON" });
  }
  const { text, persona, conversation, keep } = fields ?? {};
  if (typeof text !== "string") throw new Failure("bad_request", { detail: "text" });
  if (conversation !== undefined && (!isId(conversation) || isTemporary(conversation)))
    throw new Failure("not_found");
  const where = isId(conversation)
    ? { conversation, isNew: false }
    : { conversation: keep === true ? newId() : null, isNew: true };
  return { text, persona: typeof persona === "string" && persona !== "" ? persona : null, ...where };
}

interface Manner {
  readonly id: string;
  readonly language: Language;
  readonly isEvents: boolean;
}

/** The answer as it comes. @throws Failure as `Chat.say` */
async function answered(
  { text, persona, conversation: kept }: Question,
  { person }: Identity,
  manner: Manner,
  { chat, runs, bug, outboxMaxBytes, programSlowMs, heartbeatMs, gone, over }: AskParts,
): Promise<Response> {
  const { language, isEvents } = manner;
  const conversation = kept ?? newTemporaryId();
  let run: RunId | null = null;
  let pulse: Timer | undefined;
  const leave = () => {
    clearInterval(pulse);
    if (run !== null) runs.stop({ id: run });
  };
  const body = new ResponseBody({ maxBytes: outboxMaxBytes, slowMs: programSlowMs, gone, left: leave });
  const tell = (told: ProgramEvent) =>
    body.put(isEvents ? `event: ${told.type}\ndata: ${JSON.stringify(told)}\n\n` : plain(told));
  const tap = tapOf(
    tell,
    (ended) => {
      tell(lastOf(ended, kept, language));
      clearInterval(pulse);
      body.close();
      over();
      if (kept === null) chat.forget(conversation).catch(bug);
    },
    { isAlone: kept === null },
  );
  const settings = persona === null ? {} : { settings: { persona, sampling: {} } };
  run = await chat.say(
    person,
    { conversation, message: newId(), text, ...settings, request: manner.id },
    tap,
  );
  // plain text has no place for a sign of life: a proxy's time-out holds for it
  if (isEvents && !body.isOver) pulse = setInterval(() => body.put(": alive\n\n"), heartbeatMs);
  if (gone.aborted) leave(); // meanwhile
  const type = isEvents ? "text/event-stream" : "text/plain; charset=utf-8";
  const named = kept === null ? {} : { [conversationHeader]: kept };
  return new Response(body.stream, {
    headers: { "content-type": type, "cache-control": "no-store", "x-accel-buffering": "no", ...named },
  });
}

/** What plain text shows: the answer, a line's end behind it, and what went wrong. */
function plain(told: ProgramEvent): string {
  if (told.type === "delta") return told.text;
  if (told.type === "done") return "\n";
  return told.type === "error" ? `\n[ERROR] ${told.message}\n` : "";
}
