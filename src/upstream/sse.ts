// Reads Server-Sent Events as their bytes come: bounds on silence and on line length, characters never split.
// The only importer of eventsource-parser. Knows nothing of what the events mean; called by upstream/llama.

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
  #isCut = false;
  #isBetween = true;
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

  /** Text of `bytes`; what is cut at its end comes with the next. */
  decode(bytes: Buffer, start: number, end: number): string {
    // a line end is never within a character: then nothing is cut, and the quicker way will do
    if (this.#isCut || bytes[end - 1] !== lineFeed) {
      this.#isCut = bytes[end - 1] !== lineFeed;
      return this.#decoder.decode(bytes.subarray(start, end), { stream: true });
    }
    return bytes.toString("utf8", start, end);
  }

  /** What comes next begins an event. */
  get isBetween(): boolean {
    return this.#isBetween;
  }

  /** @throws Failure `upstream_garbled`, `upstream_line_too_long`; whatever `event` throws */
  push(text: string): void {
    this.#silentBytes += text.length;
    this.#isBetween = text.endsWith("\n\n");
    this.#parser.feed(text);
    if (!this.#isComplete && this.#silentBytes > this.#lineMaxBytes) throw this.#tooLong;
  }

  get #tooLong(): Failure {
    return new Failure("upstream_line_too_long", { limitBytes: this.#lineMaxBytes });
  }

  #fail(error: ParseError): void {
    if (error.type === "max-buffer-size-exceeded") throw this.#tooLong;
    // llama-server reports some errors in mid-stream as a field of its own: `error: {…}`
    if (error.field === "error") this.#isComplete = this.#reader.event(`{"error":${error.value}}`);
    else if (error.type === "unknown-field") throw new Failure("upstream_garbled", { detail: (error.line ?? error.message).slice(0, 80) });
  }
}

/** Aborts `controller` with `upstream_stalled` when `heard` has not been called for `stallMs`, unless `mayGoOn` says that this is as it should be. */
export class StallWatch {
  readonly #controller: AbortController;
  readonly #stallMs: number;
  readonly #mayGoOn: () => boolean;
  #heardAt = performance.now();
  #timer: Timer;

  constructor(controller: AbortController, stallMs: number, mayGoOn: () => boolean = () => false) {
    this.#controller = controller;
    this.#stallMs = stallMs;
    this.#mayGoOn = mayGoOn;
    this.#timer = setTimeout(() => this.#check(), stallMs);
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One timer for a whole stream: it is set again for what is left, never per token. */
  #check(): void {
    if (performance.now() - this.#heardAt >= this.#stallMs && this.#mayGoOn()) this.heard();
    const left = this.#heardAt + this.#stallMs - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#check(), left + 1);
    else this.#controller.abort(new Failure("upstream_stalled", { seconds: Math.round(this.#stallMs / 1000) }));
  }
}
