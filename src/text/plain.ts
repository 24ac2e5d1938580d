// The plain-text socket of the tutorial: a text frame in is a prompt, text frames out are pieces of the answer, then
// [DONE], or [ERROR] and a sentence. One socket is one conversation, gone when it closes. Used by app.

import { type Language, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import { newId } from "../domain/conversation.ts";
import { asFailure, Failure, type FailureReport } from "../domain/failure.ts";
import type { Run } from "../domain/run.ts";

export interface PlainParts {
  readonly chat: Chat;
  bug(error: unknown): void;
  /** What may wait for a client that does not read; more and it is closed. */
  readonly outboxMaxBytes: number;
}

/** The part of Bun's ServerWebSocket that is used: `send` returns bytes, -1 (queued, you are behind) or 0 (dropped). */
export interface PlainSocket {
  send(text: string): number;
  close(code: number, reason: string): void;
}

/** The handler of one `/chat` socket. */
export function plainDoor(language: Language, parts: PlainParts) {
  const conversation = newId();
  let way: PlainWay;
  let answering = false;

  const refuse = (failure: FailureReport) => way.send(`[ERROR] ${sentenceOf(failure, wordsOf(language))}`);
  const ended = (run: Run) => {
    answering = false;
    if (run.failure) refuse(run.failure);
    else if (run.status === "interrupted") refuse({ code: "shutting_down", facts: {} });
    else way.send("[DONE]");
  };

  return {
    open(ws: PlainSocket): void {
      way = new PlainWay(ws, parts.outboxMaxBytes);
    },
    async message(_: PlainSocket, frame: string | Uint8Array): Promise<void> {
      try {
        if (typeof frame !== "string") throw new Failure("bad_frame");
        if (answering) throw new Failure("conversation_busy");
        answering = true;
        await parts.chat.say({ conversation, message: newId(), text: frame }, { text: (piece) => way.send(piece), ended }).catch((error) => {
          answering = false;
          throw error;
        });
      } catch (error) {
        const failure = asFailure(error);
        if (failure.code === "internal") parts.bug(error);
        refuse(failure.report);
      }
    },
    drain(): void {
      way.drain();
    },
    close(): void {
      way.end();
      parts.chat.forget(conversation).catch(parts.bug);
    },
  };
}

/** Sends in order, joins what waits for a slow reader into one frame, and closes on one that does not read at all. */
class PlainWay {
  readonly #ws: PlainSocket;
  readonly #maxBytes: number;
  #behind = false;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #over = false;

  constructor(ws: PlainSocket, maxBytes: number) {
    this.#ws = ws;
    this.#maxBytes = maxBytes;
  }

  send(text: string): void {
    if (this.#over) return;
    if (!this.#behind) {
      this.#behind = this.#ws.send(text) === -1;
      return;
    }
    this.#waiting.push(text);
    this.#waitingBytes += Buffer.byteLength(text);
    if (this.#waitingBytes > this.#maxBytes) this.#close();
  }

  drain(): void {
    this.#behind = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    // the closing word is a frame of its own
    const last = waiting.at(-1);
    const closing = last === "[DONE]" || last?.startsWith("[ERROR] ") ? waiting.pop() : undefined;
    if (waiting.length > 0) this.send(waiting.join(""));
    if (closing !== undefined) this.send(closing);
  }

  end(): void {
    this.#over = true;
    this.#waiting = [];
  }

  #close(): void {
    this.end();
    this.#ws.close(1013, "too slow");
  }
}
