// An answer of llama-server on its way to a program: its head as soon as there is something to say, its body no faster than the
// program reads, signs of life while it is silent. Not a place for what may be asked (programs/relay).

import { asFailure, Failure } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { RelaySink } from "../upstream/upstream.ts";
import { type Dialect, eventOf } from "./errors.ts";
import { ResponseBody } from "./outbox.ts";
import { passedStatus, passedType } from "./passed-headers.ts";

/** What an answer on its way to a program is bounded by. */
export interface RelayedAnswerBounds {
  /** Aborted when the program is gone, or may not ask any more. */
  readonly gone: AbortSignal;
  /** What may wait for a program that reads slowly. */
  readonly outboxMaxBytes: number;
  /** A program that takes nothing for this long is let go. */
  readonly programSlowMs: number;
  /** Between two signs of life in a stream that is silent. */
  readonly heartbeatMs: number;
}

const lineFeed = 10;

/** What keeps a silent stream open on its way through proxies, and means nothing to its reader. */
const beatOf: Readonly<Record<Dialect, string>> = {
  openai: ": alive\n\n",
  anthropic: 'event: ping\ndata: {"type": "ping"}\n\n',
};

/**
 * An answer on its way to a program. Its head goes out as soon as it is known; that of a stream at the latest with the first
 * word about the queue or the first heartbeat, so that no proxy takes the silence for the end.
 */
export class RelayedAnswer implements RelaySink {
  readonly #dialect: Dialect | null;
  readonly #abort = new AbortController();
  readonly #response = Promise.withResolvers<Response>();
  readonly #body: ResponseBody;
  readonly #pulse: Timer | undefined;
  /** llama-server refused after a head had been sent: its words. */
  #refusal: { text: string } | null = null;
  #hasHead = false;
  /** The place that was told last. */
  #position = 0;
  /** Something was sent since the last heartbeat. */
  #isAlive = false;
  /** Nothing was sent, or whole events alone: a heartbeat would tear no event apart. */
  #isBetweenEvents = true;
  /** Called with each piece of the body. */
  onBytes: (bytes: Uint8Array) => void = () => {};

  /** `dialect` is that of the events of a stream; null where the answer comes in one piece. */
  constructor(
    dialect: Dialect | null,
    { outboxMaxBytes, programSlowMs, heartbeatMs, gone }: RelayedAnswerBounds,
  ) {
    this.#dialect = dialect;
    const left = () => {
      clearInterval(this.#pulse);
      this.#abort.abort(new Failure("stopped"));
    };
    this.#body = new ResponseBody({ maxBytes: outboxMaxBytes, slowMs: programSlowMs, gone, left });
    if (dialect !== null && !this.#body.isOver)
      this.#pulse = setInterval(() => this.#beat(dialect), heartbeatMs);
  }

  /** Aborted when the program is gone or does not read. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Its head, and the rest as it comes. Rejects with what went wrong before there was one. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** Only a stream can be told its place in line: as a comment, which programs skip that know nothing of it. */
  placed({ position }: Place): void {
    if (this.#dialect === null || position === this.#position) return;
    this.#position = position;
    this.#say(`: X-Queue-Position: ${position}\n\n`);
  }

  head(status: number, headers: Headers): void {
    if (!this.#hasHead)
      this.#respond(passedStatus(status), { "content-type": passedType(headers.get("content-type")) });
    else if (status !== 200) this.#refusal = { text: "" };
  }

  body(bytes: Uint8Array): Promise<void> | undefined {
    this.onBytes(bytes);
    if (this.#refusal) {
      this.#refusal.text = (this.#refusal.text + new TextDecoder().decode(bytes)).slice(0, refusalMaxChars);
      return undefined;
    }
    this.#isAlive = true;
    this.#isBetweenEvents = bytes.at(-1) === lineFeed && bytes.at(-2) === lineFeed;
    return this.#body.offer(bytes);
  }

  end(): void {
    clearInterval(this.#pulse);
    if (this.#refusal) this.#body.put(eventOf(this.#refusal.text, this.#dialect ?? "openai"));
    this.#body.close();
  }

  /** `text` words a Failure for a program. */
  fail(error: unknown, text: (failure: Failure) => string): void {
    clearInterval(this.#pulse);
    if (!this.#hasHead) this.#response.reject(error);
    else if (this.#dialect === null)
      this.#body.fail(error); // only a stream can say what went wrong
    else {
      this.#body.put(eventOf(text(asFailure(error)), this.#dialect));
      this.#body.close();
    }
  }

  #beat(dialect: Dialect): void {
    if (!this.#isAlive && this.#isBetweenEvents) this.#say(beatOf[dialect]);
    this.#isAlive = false;
  }

  /** Says something of ours between llama-server's events. */
  #say(text: string): void {
    if (!this.#hasHead) this.#respond(200, { "content-type": "text/event-stream" });
    this.#isAlive = true;
    this.#body.put(text);
  }

  #respond(status: number, headers: Record<string, string>): void {
    this.#hasHead = true;
    this.#response.resolve(
      new Response(this.#body.stream, {
        status,
        headers: { ...headers, "cache-control": "no-store", "x-accel-buffering": "no" },
      }),
    );
  }
}

/** Of what llama-server says when it refuses, so much is passed on, in UTF-16 units. */
const refusalMaxChars = 16 * 1024;
