// What a page's socket is where a proxy lets no WebSocket through: frames go out as server-sent events, and
// come in by POST. To its door it is a socket like any other: `send` says when the reader is behind, and
// `drained` when it has caught up.

/** How a seat tells its door. */
interface SseTransportOwner {
  drained(): void;
  closed(): void;
}

/** Bytes that may wait in the stream before the reader counts as behind; the kernel's buffer is filled by then. */
const behindBytes = 64 * 1024;

export class SseTransport<Data> {
  readonly data: Data;
  readonly body: ReadableStream<Uint8Array>;
  readonly #holder: SseTransportOwner;
  readonly #maxBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isBehind = false;
  #isOver = false;

  /** `maxBytes` is what may wait for one that does not read; more and it is closed. */
  constructor(data: Data, maxBytes: number, holder: SseTransportOwner) {
    this.data = data;
    this.#maxBytes = maxBytes;
    this.#holder = holder;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          if (!this.#isBehind) return;
          this.#isBehind = false;
          this.#holder.drained();
        },
        cancel: () => this.#over(),
      },
      { highWaterMark: behindBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
  }

  /** What was sent last waits to be read. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** As Bun's: bytes, -1 when the reader is behind, 0 when it is gone. */
  send(frame: string): number {
    return this.#put(`data: ${frame.split(/\r\n|\r|\n/).join("\ndata: ")}`);
  }

  /** A named event, which is no frame. */
  tell(name: string, data: string): void {
    this.#put(`event: ${name}\ndata: ${data}`);
  }

  /** Nothing is heard of a reader of events but that the connection stands. */
  ping(): void {
    this.#put(":");
  }

  close(code = 1000, _reason = ""): void {
    this.tell("bye", String(code));
    this.terminate();
  }

  terminate(): void {
    if (this.#isOver) return;
    this.#controller.close();
    this.#over();
  }

  #put(event: string): number {
    if (this.#isOver) return 0;
    const bytes = new TextEncoder().encode(`${event}\n\n`);
    this.#controller.enqueue(bytes);
    const room = this.#controller.desiredSize ?? 0;
    this.#isBehind = room <= 0;
    if (room < -this.#maxBytes) this.terminate(); // as Bun does with a socket
    return this.#isBehind ? -1 : bytes.byteLength;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#holder.closed();
  }
}
