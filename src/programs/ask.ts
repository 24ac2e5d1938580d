// POST /ask, for curl and scripts: the body is the question, the answer is plain text, or events on request.

import { type Language, languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import { type Identity, needScope } from "../auth/auth.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Forgetting } from "../chat/forgetting.ts";
import type { Quota } from "../chat/quota.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure, type Refuse, statusOf } from "../domain/failure.ts";
import { newId, newTemporaryId, type RunId } from "../domain/id.ts";
import type { Runs } from "../runs/runs.ts";
import { retryAfterSeconds } from "./errors.ts";
import { errorEvent, eventTap, finalEventOf, type ProgramEvent } from "./messages.ts";
import { collectionsAt, type Question, questionIn } from "./question.ts";
import { ResponseBody } from "./response-body.ts";

interface AskOptions {
  readonly attachments: Pick<Attachments, "lend">;
  /** Aborted when the client has disconnected or has lost its access. */
  readonly clientSignal: AbortSignal;
  /** Called when the request is finished, whatever its outcome. */
  onFinished(): void;
  readonly chat: Chat;
  readonly forgetting: Forgetting;
  readonly quota: Quota;
  readonly runs: Pick<Runs, "stop">;
  readonly readBody: ReadBody;
  /** Prefix of the addresses in refusals; see http/base. */
  readonly basePath: string;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** Most bytes that wait for a slow client; beyond them the connection is closed. */
  readonly outboxMaxBytes: number;
  /** A client that reads nothing for this long is disconnected. */
  readonly programSlowMs: number;
  /** Interval of the comments that keep an event stream open through proxies. */
  readonly heartbeatMs: number;
}

/** Response header with the id of a stored conversation. */
const conversationHeader = "x-conversation";

/** Room for JSON around the text, in bytes. A byte of text needs at most six in JSON (`\u0000`). */
const bodyOverheadBytes = 4096;

/** Answers `POST /ask`. Never rejects: a Failure becomes an answer. */
export async function ask(
  request: Request,
  identity: Identity | null,
  id: string,
  options: AskOptions,
): Promise<Response> {
  const language = languageOf(request.headers.get("accept-language"));
  const isEvents = request.headers.get("accept")?.includes("text/event-stream") ?? false;
  try {
    if (request.method !== "POST")
      throw new Failure("no_such_address", {
        path: `${request.method} ${options.basePath}/ask`,
        known: `POST ${options.basePath}/ask`,
      });
    if (!identity) throw new Failure("not_signed_in");
    needScope(identity, "answers");
    const named = collectionsAt(request, identity);
    const limitBytes = options.quota.messageMaxBytes(identity.person);
    await options.quota.mayAsk(identity.person);
    const body = await options.readBody(request, {
      maxBytes: limitBytes * 6 + bodyOverheadBytes,
      owner: identity.person.id,
    });
    body.release(); // only the question is kept, which has a bound of its own
    const asked = questionIn(Buffer.from(body.bytes).toString("utf8"), request.headers, identity);
    const question = { ...asked, ...named };
    if (question.conversation !== null) {
      needScope(identity, "conversations");
      if (!question.isNew && !(await options.chat.enter(identity.person, question.conversation)))
        throw new Failure("not_found");
    }
    return await respond(question, identity, { id, language, isEvents }, options);
  } catch (error) {
    const failure = options.refuse(error);
    options.onFinished();
    const status = statusOf(failure);
    const headers: Record<string, string> = { "cache-control": "no-store" };
    const seconds = retryAfterSeconds(failure);
    if (seconds !== null) headers["retry-after"] = String(seconds);
    // the client may never send the rest of the body
    if (failure.code === "body_slow") headers["connection"] = "close";
    const sentence = sentenceOf(failure.report, wordsOf(language));
    return isEvents
      ? Response.json(errorEvent(failure.report, language), { status, headers })
      : new Response(`${sentence}\n`, { status, headers });
  }
}

interface AnswerFormat {
  readonly id: string;
  readonly language: Language;
  readonly isEvents: boolean;
}

/** Asks the question and streams the answer. @throws Failure as `Chat.say` */
async function respond(
  { text, persona, conversation: stored, collections, files = [] }: Question,
  { person }: Identity,
  format: AnswerFormat,
  options: AskOptions,
): Promise<Response> {
  const { attachments, chat, forgetting, runs, bug, clientSignal, onFinished } = options;
  const { language, isEvents } = format;
  const conversation = stored ?? newTemporaryId();
  let run: RunId | null = null;
  let heartbeat: Timer | undefined;
  const stop = () => {
    clearInterval(heartbeat);
    if (run !== null) runs.stop({ id: run });
  };
  const body = new ResponseBody({
    maxBytes: options.outboxMaxBytes,
    slowMs: options.programSlowMs,
    clientSignal,
    onDisconnect: stop,
  });
  const send = (event: ProgramEvent) =>
    body.put(isEvents ? `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n` : plainText(event));
  const tap = eventTap(
    send,
    (ended) => {
      send(finalEventOf(ended, stored, language));
      clearInterval(heartbeat);
      body.close();
      onFinished();
      if (stored === null) forgetting.forget(conversation).catch(bug);
    },
    { isAlone: stored === null, bug },
  );
  const settings = persona === null ? {} : { settings: { persona, sampling: {} } };
  const say = { conversation, message: newId(), text, ...settings, request: format.id };
  const wished = { ...say, ...(collections && { collections }) };
  run = await attachments.lend(person, conversation, files, (lent) =>
    chat.say(person, { ...wished, files: lent }, tap),
  );
  // plain text can't hold a heartbeat, so a proxy's idle timeout applies to it
  if (isEvents && !body.isOver) heartbeat = setInterval(() => body.put(": alive\n\n"), options.heartbeatMs);
  if (clientSignal.aborted) stop(); // it may have been aborted during `say`
  const type = isEvents ? "text/event-stream" : "text/plain; charset=utf-8";
  const storedHeader = stored === null ? {} : { [conversationHeader]: stored };
  return new Response(body.readable, {
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      ...storedHeader,
    },
  });
}

/** An event as plain text: pieces of the answer, a final line feed, and errors. */
function plainText(event: ProgramEvent): string {
  if (event.type === "delta") return event.text;
  if (event.type === "done") return "\n";
  return event.type === "error" ? `\n[ERROR] ${event.message}\n` : "";
}
