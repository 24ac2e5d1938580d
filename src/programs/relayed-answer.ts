// Passes llama-server's answer to an API client: the head as early as possible, the body no faster than the
// client reads, and heartbeats while llama-server is silent. What a client may ask is decided in
// programs/relay.

import { asFailure, Failure } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { RelaySink } from "../upstream/upstream.ts";
import { type Dialect, eventOf } from "./errors.ts";
import { passedStatus, passedType } from "./passed-headers.ts";
import { ResponseBody } from "./response-body.ts";

/** Bounds of an answer to an API client. */
export interface RelayedAnswerBounds {
  /** Aborted when the client has disconnected or has lost its access. */
  readonly clientSignal: AbortSignal;
  /** Most bytes that wait for a slow client. */
  readonly outboxMaxBytes: number;
  /** A client that reads nothing for this long is disconnected. */
  readonly programSlowMs: number;
  /** Interval of heartbeats in a silent stream. */
  readonly heartbeatMs: number;
}

const lineFeed = 10;

/**
 * The heartbeat of each dialect. It keeps a silent stream open through proxies and means nothing to the
 * client.
 */
const heartbeatOf: Readonly<Record<Dialect, string>> = {
  openai: ": alive\n\n",
  anthropic: 'event: ping\ndata: {"type": "ping"}\n\n',
};

/**
 * An answer to an API client. The head is sent as soon as it is known. The head of a stream is sent with the
 * first comment about the queue or the first heartbeat at the latest, so that no proxy times out.
 */
export class RelayedAnswer implements RelaySink {
  readonly #dialect: Dialect | null;
  readonly #abort = new AbortController();
  readonly #response = Promise.withResolvers<Response>();
  readonly #body: ResponseBody;
  readonly #timer: Timer | undefined;
  /** The body of a refusal by llama-server that came after the head was sent. */
  #refusal: { text: string } | null = null;
  #hasHead = false;
  /** The queue position that was sent last. */
  #position = 0;
  /** Data was sent since the last heartbeat. */
  #wasActive = false;
  /** The last event is complete: a heartbeat would not split an event. */
  #isBetweenEvents = true;
  /** Called with each piece of the body. */
  onBytes: (bytes: Uint8Array) => void = () => {};

  /** @param dialect of parlor's own events in a stream; null for an answer that must stay unchanged */
  constructor(
    dialect: Dialect | null,
    { outboxMaxBytes, programSlowMs, heartbeatMs, clientSignal }: RelayedAnswerBounds,
  ) {
    this.#dialect = dialect;
    const onDisconnect = () => {
      clearInterval(this.#timer);
      this.#abort.abort(new Failure("stopped"));
    };
    this.#body = new ResponseBody({
      maxBytes: outboxMaxBytes,
      slowMs: programSlowMs,
      clientSignal,
      onDisconnect,
    });
    if (dialect !== null && !this.#body.isOver)
      this.#timer = setInterval(() => this.#heartbeat(dialect), heartbeatMs);
  }

  /** Aborted when the client is gone or does not read. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves with the head; the body follows. Rejects with an error from before the head. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** Sends the queue position, as a comment of a stream; other answers have no place for it. */
  placed({ position }: Place): void {
    if (this.#dialect === null || position === this.#position) return;
    this.#position = position;
    this.#insert(`: X-Queue-Position: ${position}\n\n`);
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
    this.#wasActive = true;
    this.#isBetweenEvents = bytes.at(-1) === lineFeed && bytes.at(-2) === lineFeed;
    return this.#body.offer(bytes);
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#refusal) this.#body.put(eventOf(this.#refusal.text, this.#dialect ?? "openai"));
    this.#body.close();
  }

  /** @param text the body of a Failure in the client's dialect */
  fail(error: unknown, text: (failure: Failure) => string): void {
    clearInterval(this.#timer);
    if (!this.#hasHead) this.#response.reject(error);
    else if (this.#dialect === null)
      this.#body.fail(error); // only a stream can hold an error after its head
    else {
      this.#body.put(eventOf(text(asFailure(error)), this.#dialect));
      this.#body.close();
    }
  }

  #heartbeat(dialect: Dialect): void {
    if (!this.#wasActive && this.#isBetweenEvents) this.#insert(heartbeatOf[dialect]);
    this.#wasActive = false;
  }

  /** Inserts an event of parlor between those of llama-server. */
  #insert(text: string): void {
    if (!this.#hasHead) this.#respond(200, { "content-type": "text/event-stream" });
    this.#wasActive = true;
    this.#body.put(text);
  }

  #respond(status: number, headers: Record<string, string>): void {
    this.#hasHead = true;
    this.#response.resolve(
      new Response(this.#body.readable, {
        status,
        headers: { ...headers, "cache-control": "no-store", "x-accel-buffering": "no" },
      }),
    );
  }
}

/** Longest refusal of llama-server that is passed on, in UTF-16 units. */
const refusalMaxChars = 16 * 1024;
