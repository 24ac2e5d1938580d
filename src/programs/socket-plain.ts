// The plain-text socket of the tutorial: a text frame in is a prompt, text frames out are pieces of the
// answer, then [DONE], or [ERROR] and a sentence. One socket is one conversation, gone when it closes.

import { type Language, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import type { Person } from "../domain/account.ts";
import { Failure, type FailureReport, type Refuse } from "../domain/failure.ts";
import { type ConversationId, newId, newTemporaryId } from "../domain/id.ts";
import type { Run } from "../domain/run.ts";
import { type Piece, ProgramOutbox, type ProgramSocket } from "./outbox.ts";

interface PlainParts {
  readonly chat: Chat;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** Conversations whose sockets are open. */
  readonly open: Set<ConversationId>;
  /** What may wait for a client that does not read; more and it is closed. */
  readonly outboxMaxBytes: number;
}

/** The handler of one `/chat` socket. */
export function plainDoor(
  language: Language,
  visitor: { who: () => Person; request: string },
  parts: PlainParts,
) {
  const conversation = newTemporaryId();
  let way: ProgramOutbox;
  let answering = false;
  let asked = 0;
  let isClosed = false;

  const forget = () => void parts.chat.forget(conversation).catch(parts.bug);
  const close = (word: string) => way.put({ kind: null, text: word });
  const closeWith = (failure: FailureReport) => close(`[ERROR] ${sentenceOf(failure, wordsOf(language))}`);
  const ended = (run: Run) => {
    answering = false;
    if (run.failure) closeWith(run.failure);
    else if (run.status === "interrupted") closeWith({ code: "shutting_down", facts: {} });
    else close("[DONE]");
  };

  return {
    kind: "program",
    open(ws: ProgramSocket): void {
      way = new ProgramOutbox(ws, parts.outboxMaxBytes, framesOf);
      parts.open.add(conversation);
    },
    async message(_: ProgramSocket, frame: string | Uint8Array): Promise<void> {
      try {
        if (typeof frame !== "string") throw new Failure("bad_frame");
        if (answering) throw new Failure("conversation_busy");
        answering = true;
        await parts.chat
          .say(
            visitor.who(),
            { conversation, message: newId(), text: frame, request: `${visitor.request}.${++asked}` },
            { isAlone: true, text: (text) => way.put({ kind: "text", text }), ended },
          )
          .catch((error) => {
            answering = false;
            throw error;
          });
        if (isClosed) forget(); // while it was being asked
      } catch (error) {
        closeWith(parts.refuse(error).report);
      }
    },
    drain(): void {
      way.drain();
    },
    /** The one who opened it may not stay. */
    expel(ws: ProgramSocket): void {
      closeWith({ code: "not_signed_in", facts: {} });
      ws.close(1008, "not signed in"); // RFC 6455 §7.4.1
    },
    close(): void {
      isClosed = true;
      way.end();
      parts.open.delete(conversation);
      forget();
    },
  };
}

/** A piece of text, or a closing word. What a model says is never taken for a closing word: such a frame goes in two. */
function framesOf({ kind, text }: Piece): string | readonly string[] {
  const isLikeClosing = kind !== null && (text === "[DONE]" || text.startsWith("[ERROR] "));
  return isLikeClosing ? ["[", text.slice(1)] : text;
}
