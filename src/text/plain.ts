// The plain-text socket of the tutorial: a text frame in is a prompt, text frames out are pieces of the answer, then
// [DONE], or [ERROR] and a sentence. One socket is one conversation, gone when it closes. Used by app.

import { type Language, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import type { Person } from "../domain/account.ts";
import { type ConversationId, newId, newTemporaryId } from "../domain/conversation.ts";
import { asFailure, Failure, type FailureReport } from "../domain/failure.ts";
import type { Run } from "../domain/run.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface PlainParts {
  readonly chat: Chat;
  readonly metrics: Metrics;
  bug(error: unknown): void;
  /** Conversations whose sockets are open. */
  readonly open: Set<ConversationId>;
  /** What may wait for a client that does not read; more and it is closed. */
  readonly outboxMaxBytes: number;
}

/** The part of Bun's ServerWebSocket that is used: `send` returns bytes, -1 (queued, you are behind) or 0 (dropped). */
export interface PlainSocket {
  send(text: string): number;
  close(code: number, reason: string): void;
}

/** The handler of one `/chat` socket. */
export function plainDoor(language: Language, visitor: { who: () => Person; request: string }, parts: PlainParts) {
  const conversation = newTemporaryId();
  let way: PlainWay;
  let answering = false;
  let asked = 0;

  const refuse = (failure: FailureReport) => way.close(`[ERROR] ${sentenceOf(failure, wordsOf(language))}`);
  const ended = (run: Run) => {
    answering = false;
    if (run.failure) refuse(run.failure);
    else if (run.status === "interrupted") refuse({ code: "shutting_down", facts: {} });
    else way.close("[DONE]");
  };

  return {
    kind: "program",
    open(ws: PlainSocket): void {
      way = new PlainWay(ws, parts.outboxMaxBytes);
      parts.open.add(conversation);
    },
    async message(_: PlainSocket, frame: string | Uint8Array): Promise<void> {
      try {
        if (typeof frame !== "string") throw new Failure("bad_frame");
        if (answering) throw new Failure("conversation_busy");
        answering = true;
        await parts.chat
          .say(
            visitor.who(),
            { conversation, message: newId(), text: frame, request: `${visitor.request}.${++asked}` },
            { text: (piece) => way.send(piece), ended },
          )
          .catch((error) => {
            answering = false;
            throw error;
          });
      } catch (error) {
        const failure = asFailure(error);
        if (failure.code === "internal") parts.bug(error);
        parts.metrics.refused(failure.code);
        refuse(failure.report);
      }
    },
    drain(): void {
      way.drain();
    },
    /** The one who opened it may not stay. */
    expel(ws: PlainSocket): void {
      refuse({ code: "not_signed_in", facts: {} });
      ws.close(1008, "not signed in"); // RFC 6455 §7.4.1
    },
    close(): void {
      way.end();
      parts.open.delete(conversation);
      parts.chat.forget(conversation).catch(parts.bug);
    },
  };
}

/** Sends in order, joins the text that waits for a slow reader into one frame, and drops one that does not read at all. */
class PlainWay {
  readonly #ws: PlainSocket;
  readonly #maxBytes: number;
  #behind = false;
  #waiting: { frame: string; isText: boolean }[] = [];
  #waitingBytes = 0;
  #over = false;

  constructor(ws: PlainSocket, maxBytes: number) {
    this.#ws = ws;
    this.#maxBytes = maxBytes;
  }

  /** A piece of text, which may be joined with its neighbours. */
  send(text: string): void {
    this.#put(text, true);
  }

  /** A closing word, which is a frame of its own. */
  close(word: string): void {
    this.#put(word, false);
  }

  drain(): void {
    this.#behind = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { frame, isText } of waiting) this.#put(frame, isText);
  }

  end(): void {
    this.#over = true;
    this.#waiting = [];
  }

  #put(frame: string, isText: boolean): void {
    if (this.#over) return;
    if (!this.#behind) {
      // what a model says is never taken for a closing word: such a frame goes in two
      const isLikeClosing = isText && (frame === "[DONE]" || frame.startsWith("[ERROR] "));
      const results = isLikeClosing ? [this.#ws.send("["), this.#ws.send(frame.slice(1))] : [this.#ws.send(frame)];
      this.#behind = results.includes(-1);
      return;
    }
    const last = this.#waiting.at(-1);
    if (isText && last?.isText) last.frame += frame;
    else this.#waiting.push({ frame, isText });
    this.#waitingBytes += Buffer.byteLength(frame);
    if (this.#waitingBytes <= this.#maxBytes) return;
    this.end();
    this.#ws.close(1013, "too slow");
  }
}
