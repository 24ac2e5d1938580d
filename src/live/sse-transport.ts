// Replaces a page's WebSocket where a proxy lets none through: frames go out as server-sent events and come
// in by POST. Its handler sees an ordinary socket: `send` says when the reader is behind, `drained` when it
// has caught up.

/** Told of the state of a transport. */
interface SseTransportOwner {
  drained(): void;
  closed(): void;
}

/** With more unread bytes than this the reader counts as behind; the kernel's buffer is full by then. */
const behindBytes = 64 * 1024;

export class SseTransport<Data> {
  readonly data: Data;
  readonly body: ReadableStream<Uint8Array>;
  readonly #owner: SseTransportOwner;
  readonly #maxBytes: number;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isBehind = false;
  #isOver = false;

  /** With more than `maxBytes` unread the stream is closed. */
  constructor(data: Data, maxBytes: number, owner: SseTransportOwner) {
    this.data = data;
    this.#maxBytes = maxBytes;
    this.#owner = owner;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          if (!this.#isBehind) return;
          this.#isBehind = false;
          this.#owner.drained();
        },
        cancel: () => this.#over(),
      },
      { highWaterMark: behindBytes, size: (bytes) => bytes?.byteLength ?? 0 },
    );
  }

  /** True while the last frame has not been read. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** As Bun's: returns bytes sent, -1 if the reader is behind, 0 if it has disconnected. */
  send(frame: string): number {
    return this.#put(`data: ${frame.split(/\r\n|\r|\n/).join("\ndata: ")}`);
  }

  /** Sends a named event, which is not a frame. */
  sendEvent(name: string, data: string): void {
    this.#put(`event: ${name}\ndata: ${data}`);
  }

  /** Sends a comment. A reader of events never answers: only the connection itself shows that it is there. */
  ping(): void {
    this.#put(":");
  }

  close(code = 1000, _reason = ""): void {
    this.sendEvent("bye", String(code));
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
    if (room < -this.#maxBytes) this.terminate(); // as Bun does with a WebSocket
    return this.#isBehind ? -1 : bytes.byteLength;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.closed();
  }
}
