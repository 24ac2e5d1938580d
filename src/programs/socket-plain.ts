// The plain-text protocol of the /chat socket. A text frame from the client is a prompt; text frames to it
// are pieces of the answer, then [DONE], or [ERROR] and a sentence. A socket is one conversation, deleted
// when it closes.

import { type Language, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import type { Forgetting } from "../chat/forgetting.ts";
import type { Person } from "../domain/account.ts";
import { Failure, type FailureReport, type Refuse } from "../domain/failure.ts";
import { newId, newTemporaryId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { Run } from "../domain/run.ts";
import type { Runs } from "../runs/runs.ts";
import { type Piece, ProgramOutbox } from "./outbox.ts";

interface PlainSocketOptions {
  readonly chat: Chat;
  readonly forgetting: Pick<Forgetting, "forget">;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  readonly runs: Pick<Runs, "join">;
  /** Most bytes that wait for a slow client; the socket is closed beyond them. */
  readonly outboxMaxBytes: number;
}

/** The handler of one `/chat` socket. */
export function plainSocketHandler(
  language: Language,
  visitor: { person: () => Person; requestId: string },
  options: PlainSocketOptions,
) {
  const conversation = newTemporaryId();
  let outbox: ProgramOutbox;
  let isAnswering = false;
  let requests = 0;
  let isClosed = false;
  let leave = (): void => {};

  const forget = () => void options.forgetting.forget(conversation).catch(options.bug);
  const sendClosing = (word: string) => outbox.put({ kind: null, text: word });
  const sendError = (failure: FailureReport) =>
    sendClosing(`[ERROR] ${sentenceOf(failure, wordsOf(language))}`);
  const ended = (run: Run) => {
    isAnswering = false;
    if (run.failure) sendError(run.failure);
    else if (run.status === "interrupted") sendError({ code: "shutting_down", facts: {} });
    else sendClosing("[DONE]");
  };

  return {
    kind: "program",
    open(ws: Transport): void {
      outbox = new ProgramOutbox(ws, options.outboxMaxBytes, framesOf);
      leave = options.runs.join(conversation);
    },
    async message(_: Transport, frame: string | Uint8Array): Promise<void> {
      try {
        if (typeof frame !== "string") throw new Failure("bad_frame");
        if (isAnswering) throw new Failure("conversation_busy");
        isAnswering = true;
        await options.chat
          .say(
            visitor.person(),
            { conversation, message: newId(), text: frame, request: `${visitor.requestId}.${++requests}` },
            {
              isAlone: true,
              part: (kind, text) => kind === "text" && outbox.put({ kind, text }),
              ended,
            },
          )
          .catch((error) => {
            isAnswering = false;
            throw error;
          });
        if (isClosed) forget(); // the socket was closed while the message was stored
      } catch (error) {
        sendError(options.refuse(error).report);
      }
    },
    drain(): void {
      outbox.drain();
    },
    /** Called when the person has lost access. */
    onAccessLost(ws: Transport): void {
      sendError({ code: "not_signed_in", facts: {} });
      ws.close(1008, "not signed in"); // RFC 6455 §7.4.1
    },
    close(): void {
      isClosed = true;
      outbox.end();
      leave();
      forget();
    },
  };
}

/**
 * Frames of a piece. Text of the model that looks like a closing word is split in two, so that no client
 * takes it for one.
 */
function framesOf({ kind, text }: Piece): string | readonly string[] {
  const isLikeClosing = kind !== null && (text === "[DONE]" || text.startsWith("[ERROR] "));
  return isLikeClosing ? ["[", text.slice(1)] : text;
}
