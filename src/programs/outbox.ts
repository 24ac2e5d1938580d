// Bounded output to an API client: a socket's outbox, and the body of an HTTP answer. Both keep the order and
// disconnect a client that does not read.

/**
 * The part of Bun's ServerWebSocket that is used. `send` returns the bytes sent, -1 (queued: the client is
 * slow), or 0 (dropped).
 */
export interface ProgramSocket {
  send(text: string): number;
  close(code: number, reason: string): void;
}

/**
 * A piece of output. While pieces wait, neighbours of the same kind are joined; `kind` null is never joined.
 */
export interface Piece {
  readonly kind: string | null;
  readonly text: string;
}

export class ProgramOutbox {
  readonly #ws: ProgramSocket;
  readonly #maxBytes: number;
  readonly #framesOf: (piece: Piece) => string | readonly string[];
  #behind = false;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #over = false;

  /** @param framesOf the frame of a piece, or several */
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
    if (piece.kind !== null && last?.kind === piece.kind)
      this.#waiting[this.#waiting.length - 1] = { kind: piece.kind, text: last.text + piece.text };
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

interface ResponseBodyOptions {
  /** Most bytes that wait for the reader. */
  readonly maxBytes: number;
  /** A reader that takes nothing for this long is disconnected. A slow one that goes on reading is not. */
  readonly slowMs: number;
  /** Aborted when the client has disconnected or has lost its access. */
  readonly gone: AbortSignal;
  /** Called once when the reader is gone before the end. */
  left(): void;
}

/** The body of a streamed HTTP answer. It ends when the client has disconnected or does not read. */
export class ResponseBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #options: ResponseBodyOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOver = false;
  /** Resolves when there is room again. */
  #room: PromiseWithResolvers<void> | null = null;
  #slow: Timer | undefined;
  readonly #onGone = () => this.leave();

  constructor(options: ResponseBodyOptions) {
    this.#options = options;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#hasRoom(),
        cancel: () => this.leave(),
      },
      { highWaterMark: options.maxBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
    if (options.gone.aborted) this.leave();
    else options.gone.addEventListener("abort", this.#onGone, { once: true });
  }

  /** The body has ended; further parts are dropped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Adds a part whose source can't wait, such as a token of a running answer. A reader beyond the bound is
   * disconnected.
   */
  put(part: string | Uint8Array): void {
    if (this.#isOver || part.length === 0) return;
    this.#controller.enqueue(typeof part === "string" ? new TextEncoder().encode(part) : part);
    if ((this.#controller.desiredSize ?? 0) < 0) this.leave();
  }

  /**
   * Adds a part whose source can wait: a returned promise resolves when the reader has caught up or is gone.
   */
  offer(part: Uint8Array): Promise<void> | undefined {
    if (this.#isOver || part.length === 0) return undefined;
    this.#controller.enqueue(part);
    if ((this.#controller.desiredSize ?? 0) > 0) return undefined;
    this.#slow = setTimeout(() => this.leave(), this.#options.slowMs);
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  close(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller.close();
  }

  /** Aborts the connection, so that no client takes the received part for the whole answer. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller.error(error);
  }

  /** The reader is gone. */
  leave(): void {
    if (this.#isOver) return;
    this.#end();
    this.#controller.error(new Error("not read"));
    this.#options.left();
  }

  #end(): void {
    this.#isOver = true;
    this.#options.gone.removeEventListener("abort", this.#onGone);
    this.#hasRoom();
  }

  #hasRoom(): void {
    clearTimeout(this.#slow);
    this.#room?.resolve();
    this.#room = null;
  }
}
