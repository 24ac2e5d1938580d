// Output to a reader that may be slower than its source: the contract of a transport of frames, and a stream
// of bytes that says the same. What to do about a reader that is behind (skip, hold, pause, disconnect) is
// not decided here, but by each writer.

/** The part of Bun's ServerWebSocket that writers use. */
export interface Transport {
  /**
   * Sends a frame.
   * @returns the bytes that were written; `full` if the frame was taken, but the reader is behind and nothing
   * more should be sent until the transport has drained; 0 if the frame was dropped, because the transport is
   * closed or over its bound
   */
  send(frame: string): number;
  close(code: number, reason: string): void;
}

/** Result of `Transport.send`: the reader is behind. */
export const full = -1;

/** Sends a frame. If it was dropped, the reader is disconnected. @returns as `Transport.send` */
export function sendTo(transport: Transport, frame: string): number {
  const result = transport.send(frame);
  // Bun returns 0 for an empty frame, too, although it sends it
  if (result === 0 && frame !== "") disconnectSlow(transport);
  return result;
}

/** Disconnects a reader that is too slow, with IANA's close code for "try again later". */
export function disconnectSlow(transport: Transport): void {
  transport.close(1013, "too slow");
}

/** The body of an HTTP answer that is written while it is read. */
export abstract class OutgoingStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #fullBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isBehind = false;
  #isOver = false;

  /** @param fullBytes with this many unread bytes, the reader is behind */
  constructor(fullBytes: number) {
    this.#fullBytes = fullBytes;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          if (!this.#isBehind) return;
          this.#isBehind = false;
          this.onDrain();
        },
        cancel: () => void this.#over(true),
      },
      { highWaterMark: fullBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
  }

  /** A reader that was behind has caught up. */
  protected abstract onDrain(): void;

  /** The stream is over. Called once. `isCut`: the reader left or was disconnected before the end. */
  protected abstract onOver(isCut: boolean): void;

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** The stream has ended for any reason; further data is dropped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Adds bytes, or text as UTF-8. With more than `maxBytes` unread after that, the reader is disconnected.
   * @returns as `Transport.send`
   */
  protected write(data: string | Uint8Array, maxBytes: number): number {
    if (this.#isOver) return 0;
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    this.#controller.enqueue(bytes);
    const room = this.#controller.desiredSize ?? 0;
    if (room > 0) return bytes.byteLength;
    this.#isBehind = true;
    if (this.#fullBytes - room > maxBytes) this.disconnect();
    return full;
  }

  /** Ends the stream. What is unread can still be read. */
  close(): void {
    if (this.#over(false)) this.#controller.close();
  }

  /** Aborts the connection, so that no client takes the received part for the whole answer. */
  fail(error: unknown): void {
    if (this.#over(false)) this.#controller.error(error);
  }

  /** Aborts the connection of a reader that is gone, or does not read. */
  disconnect(): void {
    if (this.#over(true)) this.#controller.error(new Error("not read"));
  }

  /** @returns false if it was over already */
  #over(isCut: boolean): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.onOver(isCut);
    return true;
  }
}
