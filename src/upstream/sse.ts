// Reads Server-Sent Events as their bytes come: a bound on line length, characters never split, the place in the stream.
// The only importer of eventsource-parser. Knows nothing of what the events mean.

import { createParser, type EventSourceParser, type ParseError } from "eventsource-parser";
import { Failure } from "../domain/failure.ts";

const lineFeed = 10;

export interface SseReader {
  /** The payload of one event. Returns true when the stream is complete. */
  event(data: string): boolean;
}

/** A stream of events as its bytes come. Characters and events may be cut anywhere. */
export class SseParser {
  readonly #reader: SseReader;
  readonly #lineMaxBytes: number;
  readonly #decoder = new TextDecoder();
  /** Since the last event: the parser skips an endless unknown line without a word. */
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

  /** Bytes of the stream up to the end of its last whole event, which is where a reader can begin anew. */
  get eventsBytes(): number {
    return this.#eventsBytes;
  }

  /** Takes one network read. @throws Failure `upstream_garbled`, `upstream_line_too_long`; whatever `event` throws */
  push(bytes: Uint8Array): void {
    this.#silentBytes += bytes.length;
    this.#findEventEnd(bytes);
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    if (!this.#isComplete && this.#silentBytes > this.#lineMaxBytes) throw this.#tooLong;
  }

  /** llama-server ends an event with two line feeds; as a rule they end the read, too. */
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
    // llama-server reports some errors in mid-stream as a field of its own: `error: {…}`
    if (error.field === "error") this.#isComplete = this.#reader.event(`{"error":${error.value}}`);
    else if (error.type === "unknown-field")
      throw new Failure("upstream_garbled", { detail: (error.line ?? error.message).slice(0, 80) });
  }
}
