// Replaces a page's WebSocket where a proxy lets none through: frames go out as server-sent events and come
// in by POST. Its handler sees an ordinary socket: `send` says when the reader is behind, `onDrain` when it
// has caught up.

import { OutgoingStream, type Transport } from "../domain/outgoing.ts";

/** Called when a reader that was behind has caught up, and when the connection is closed. */
interface SseTransportEvents {
  onDrain(): void;
  onClose(): void;
}

/** With this many unread bytes the reader counts as behind; the kernel's buffer is full by then. */
const behindBytes = 64 * 1024;

export class SseTransport<Data> extends OutgoingStream implements Transport {
  readonly data: Data;
  readonly #events: SseTransportEvents;
  readonly #maxBytes: number;

  /** With more than `maxBytes` unread beyond those of a reader that is behind, the connection is aborted. */
  constructor(data: Data, maxBytes: number, events: SseTransportEvents) {
    super(behindBytes);
    this.data = data;
    this.#maxBytes = behindBytes + maxBytes;
    this.#events = events;
  }

  protected onDrain(): void {
    this.#events.onDrain();
  }

  protected onOver(): void {
    this.#events.onClose();
  }

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

  override close(code = 1000, _reason = ""): void {
    this.sendEvent("bye", String(code));
    super.close();
  }

  terminate(): void {
    super.close();
  }

  #put(event: string): number {
    return this.write(`${event}\n\n`, this.#maxBytes);
  }
}
