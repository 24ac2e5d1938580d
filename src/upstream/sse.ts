// Parses Server-Sent Events from network reads: with a bound on line length, characters that are never split,
// and the position in the stream. The meaning of events is not known here.

import { createParser, type EventSourceParser, type ParseError } from "eventsource-parser";
import { Failure } from "../domain/failure.ts";

const lineFeed = 10;

export interface SseReader {
  /** The payload of one event. Returns true when the stream is complete. */
  event(data: string): boolean;
}

/** Parser of one stream. Reads may split characters and events anywhere. */
export class SseParser {
  readonly #reader: SseReader;
  readonly #lineMaxBytes: number;
  readonly #decoder = new TextDecoder();
  /** Bytes since the last event: the parser skips an endless unknown line silently. */
  #silentBytes = 0;
  #isComplete = false;
  #bytes = 0;
  #eventsBytes = 0;
  #endsWithLineFeed = false;
  readonly #parser: EventSourceParser;

  constructor(reader: SseReader, lineMaxBytes: number) {
    this.#reader = reader;
    this.#lineMaxBytes = lineMaxBytes;
    this.#parser = createParser({
      maxBufferSize: lineMaxBytes,
      onEvent: ({ data }) => {
        this.#silentBytes = 0;
        if (!this.#isComplete) this.#isComplete = this.#reader.event(data);
      },
      onError: (error) => this.#fail(error),
    });
  }

  /** An event has completed the stream. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Bytes of the stream up to the end of its last whole event, where a reader can resume. */
  get eventsBytes(): number {
    return this.#eventsBytes;
  }

  /**
   * Takes one network read.
   * @throws Failure `upstream_garbled`, `upstream_line_too_long`; whatever `event` throws
   */
  push(bytes: Uint8Array): void {
    this.#silentBytes += bytes.length;
    this.#findEventEnd(bytes);
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    if (!this.#isComplete && this.#silentBytes > this.#lineMaxBytes) throw this.#tooLong;
  }

  /** llama-server ends an event with two line feeds, which usually end the read as well. */
  #findEventEnd(bytes: Uint8Array): void {
    for (let at = bytes.length - 1; at >= 0; at--) {
      if (bytes[at] !== lineFeed || (at > 0 ? bytes[at - 1] !== lineFeed : !this.#endsWithLineFeed)) continue;
      this.#eventsBytes = this.#bytes + at + 1;
      break;
    }
    this.#bytes += bytes.length;
    this.#endsWithLineFeed = bytes.at(-1) === lineFeed;
  }

  get #tooLong(): Failure {
    return new Failure("upstream_line_too_long", { limitBytes: this.#lineMaxBytes });
  }

  #fail(error: ParseError): void {
    if (error.type === "max-buffer-size-exceeded") throw this.#tooLong;
    // llama-server reports some errors within a stream as a field: `error: {…}`
    if (error.field === "error") this.#isComplete = this.#reader.event(`{"error":${error.value}}`);
    else if (error.type === "unknown-field")
      throw new Failure("upstream_garbled", { detail: (error.line ?? error.message).slice(0, 80) });
  }
}
