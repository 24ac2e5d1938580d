// A program's way out: in order, what waits for a slow reader joined where it can be, and one that does not read at all dropped. Used by text/plain
// and text/json.

/** The part of Bun's ServerWebSocket that is used: `send` returns bytes, -1 (queued, you are behind) or 0 (dropped). */
export interface ProgramSocket {
  send(text: string): number;
  close(code: number, reason: string): void;
}

/** A piece that may be joined with its neighbours of the same kind, or (`kind` null) a word of its own. */
export interface Piece {
  readonly kind: string | null;
  readonly text: string;
}

export class Way {
  readonly #ws: ProgramSocket;
  readonly #maxBytes: number;
  readonly #framesOf: (piece: Piece) => string | readonly string[];
  #behind = false;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #over = false;

  /** `framesOf` makes a frame of a piece, or several. */
  constructor(ws: ProgramSocket, maxBytes: number, framesOf: (piece: Piece) => string | readonly string[]) {
    this.#ws = ws;
    this.#maxBytes = maxBytes;
    this.#framesOf = framesOf;
  }

  put(piece: Piece): void {
    if (this.#over) return;
    if (!this.#behind) {
      const frames = this.#framesOf(piece);
      if (typeof frames === "string") this.#behind = this.#ws.send(frames) === -1;
      else for (const frame of frames) this.#behind = this.#ws.send(frame) === -1 || this.#behind;
      return;
    }
    const last = this.#waiting.at(-1);
    if (piece.kind !== null && last?.kind === piece.kind) this.#waiting[this.#waiting.length - 1] = { kind: piece.kind, text: last.text + piece.text };
    else this.#waiting.push(piece);
    this.#waitingBytes += Buffer.byteLength(piece.text);
    if (this.#waitingBytes <= this.#maxBytes) return;
    this.end();
    this.#ws.close(1013, "too slow");
  }

  drain(): void {
    this.#behind = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const piece of waiting) this.put(piece);
  }

  end(): void {
    this.#over = true;
    this.#waiting = [];
  }
}

/** The body of an answer over HTTP that is streamed: in order, and let go when whoever asked is gone or does not read. */
export class ProgramBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #left: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOver = false;

  /** `left` is called, once, when nobody reads it any more before it is closed. */
  constructor(maxBytes: number, gone: AbortSignal, left: () => void) {
    this.#left = left;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.leave(),
      },
      { highWaterMark: maxBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
    if (gone.aborted) this.leave();
    else gone.addEventListener("abort", () => this.leave(), { once: true });
  }

  /** Nothing more is put into it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  put(part: string | Uint8Array): void {
    if (this.#isOver || part.length === 0) return;
    this.#controller.enqueue(typeof part === "string" ? new TextEncoder().encode(part) : part);
    if ((this.#controller.desiredSize ?? 0) < 0) this.leave();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.close();
  }

  /** Breaks off, so that nobody takes what has come for the whole. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(error);
  }

  /** Nobody reads it. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.error(new Error("not read")); // whoever comes back to it must not take what has come for the whole
    this.#left();
  }
}
