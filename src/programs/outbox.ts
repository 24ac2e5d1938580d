// Pieces of output for one program's socket. Nothing is skipped: while the client is behind, pieces wait in
// order, and a client with too many of them is disconnected.

import { disconnectSlow, full, sendTo, type Transport } from "../domain/outgoing.ts";

/**
 * A piece of output. While pieces wait, neighbours of the same kind are joined; `kind` null is never joined.
 */
export interface Piece {
  readonly kind: string | null;
  readonly text: string;
}

export class ProgramOutbox {
  readonly #transport: Transport;
  readonly #maxBytes: number;
  readonly #framesOf: (piece: Piece) => string | readonly string[];
  #isBehind = false;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #isOver = false;

  /**
   * @param maxBytes most bytes of text that wait
   * @param framesOf the frame of a piece, or several
   */
  constructor(
    transport: Transport,
    maxBytes: number,
    framesOf: (piece: Piece) => string | readonly string[],
  ) {
    this.#transport = transport;
    this.#maxBytes = maxBytes;
    this.#framesOf = framesOf;
  }

  /** Sends a piece, or holds it while the client is behind. */
  put(piece: Piece): void {
    if (this.#isOver) return;
    if (this.#isBehind) {
      this.#hold(piece);
      return;
    }
    const frames = this.#framesOf(piece);
    if (typeof frames === "string") this.#send(frames);
    else for (const frame of frames) this.#send(frame);
  }

  /** To be called when the socket's buffer is empty again. */
  drain(): void {
    this.#isBehind = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const piece of waiting) this.put(piece);
  }

  /** Drops what waits, and all that follows. */
  end(): void {
    this.#isOver = true;
    this.#waiting = [];
  }

  #send(frame: string): void {
    if (sendTo(this.#transport, frame) === full) this.#isBehind = true;
  }

  #hold(piece: Piece): void {
    const last = this.#waiting.at(-1);
    if (piece.kind !== null && last?.kind === piece.kind)
      this.#waiting[this.#waiting.length - 1] = { kind: piece.kind, text: last.text + piece.text };
    else this.#waiting.push(piece);
    this.#waitingBytes += Buffer.byteLength(piece.text);
    if (this.#waitingBytes <= this.#maxBytes) return;
    this.end();
    disconnectSlow(this.#transport);
  }
}
