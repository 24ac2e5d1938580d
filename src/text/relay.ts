// The doors of OpenAI's and Anthropic's programs: what they ask goes through the line as anything does, and then to llama-server and back byte for byte.
// Nothing of it is kept. Used by doors.

import { type Known, needScope } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { ReadBody } from "../domain/body.ts";
import { asFailure, Failure } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { RelaySink, Upstream } from "../upstream/upstream.ts";
import { askingOf } from "./asking.ts";
import { modelList, oneModel } from "./models.ts";
import { passedStatus, passedType } from "./passed.ts";
import { type Dialect, dialectOf, eventOf, programRefusal, refusalText } from "./refusing.ts";
import { modelAt, servedAt } from "./served.ts";
import { ProgramBody } from "./way.ts";

/** What an answer on its way to a program is bounded by. */
interface PassingParts {
  /** Aborted when the program is gone, or may not ask any more. */
  readonly gone: AbortSignal;
  /** What may wait for a program that reads slowly. */
  readonly outboxMaxBytes: number;
  /** A program that takes nothing for this long is let go. */
  readonly programSlowMs: number;
  /** Between two signs of life in a stream that is silent. */
  readonly heartbeatMs: number;
}

export interface RelayParts extends PassingParts {
  /** All is over. */
  over(): void;
  readonly chat: Pick<Chat, "runs" | "voices" | "mayAsk">;
  readonly readBody: ReadBody;
  /** See http/base: for the addresses that a program is told. */
  readonly basePath: string;
  readonly upstream: Upstream;
  readonly metrics: Metrics;
  bug(error: unknown): void;
  /** Largest request. */
  readonly programMaxBytes: number;
}

/** Answers a program's request; `pathname` is the address inside. Everything that can refuse it is asked before its body is read. */
export async function relay(request: Request, pathname: string, known: Known | null, id: string, parts: RelayParts): Promise<Response> {
  const { search } = new URL(request.url);
  const dialect = dialectOf(pathname, request.headers);
  let release = () => {};
  const over = () => {
    release();
    parts.over();
  };
  try {
    const route = servedAt(pathname, request.method, parts.basePath);
    if (!known) throw new Failure("not_signed_in");
    needScope(known, route.scope);
    if (route.isAnswer) parts.chat.voices.refusePast();
    const { state, servers } = parts.upstream;
    const wished = modelAt(pathname);
    if (wished !== null || (route.method === "GET" && servers.length > 1)) {
      const listed =
        wished === null ? modelList(state.models.map(({ name }) => name)) : await oneModel({ run: id, request: id }, wished, parts.upstream, parts.gone);
      over();
      return listed;
    }
    if (!route.isFree) await parts.chat.mayAsk(known.person);
    const body = await parts.readBody(request, { maxBytes: parts.programMaxBytes, owner: known.person.id });
    release = body.release;
    const asking = await askingOf(request, body.bytes, route.prompts);
    const passing = new Passing(asking.isStream && !route.isFree ? dialect : null, parts);
    const relayed = { method: route.method, path: pathname + search, ...asking } as const;
    const wish = {
      person: known.person,
      request: id,
      path: pathname,
      model: asking.model,
      slots: asking.slots,
      signal: passing.signal,
      placed: (place: Place) => passing.placed(place),
    };
    const passedOn = route.isFree
      ? parts.upstream.pass({ run: id, request: id }, relayed, passing, passing.signal)
      : parts.chat.runs.leases.hold(wish, async (lease) => {
          if (route.isAnswer) parts.chat.voices.refusePast(); // it may have been set while this one waited
          passing.heard = (bytes) => {
            lease.heard();
            lease.tokens = tokensIn(bytes, lease.tokens);
          };
          await parts.upstream.relay({ run: lease.run, request: id }, relayed, passing, lease.signal);
        });
    passedOn.finally(over).then(
      () => passing.end(),
      (error: unknown) => {
        if (asFailure(error).code === "internal" && !passing.signal.aborted) parts.bug(error);
        passing.fail(error, (failure) => refusalText(failure, dialect));
      },
    );
    const response = await passing.response;
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  } catch (error) {
    const failure = asFailure(error);
    if (failure.code === "internal") parts.bug(error);
    parts.metrics.refused(failure.code);
    over();
    return programRefusal(failure, dialect);
  }
}

const lineFeed = 10;

/** What keeps a silent stream open on its way through proxies, and means nothing to its reader. */
const beatOf: Readonly<Record<Dialect, string>> = { openai: ": alive\n\n", anthropic: 'event: ping\ndata: {"type": "ping"}\n\n' };

/**
 * An answer on its way to a program. Its head goes out as soon as it is known; that of a stream at the latest with the first
 * word about the queue or the first heartbeat, so that no proxy takes the silence for the end.
 */
class Passing implements RelaySink {
  readonly #dialect: Dialect | null;
  readonly #abort = new AbortController();
  readonly #response = Promise.withResolvers<Response>();
  readonly #body: ProgramBody;
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
  /** Told of each piece. */
  heard: (bytes: Uint8Array) => void = () => {};

  /** `dialect` is that of the events of a stream; null where the answer comes in one piece. */
  constructor(dialect: Dialect | null, { outboxMaxBytes, programSlowMs, heartbeatMs, gone }: PassingParts) {
    this.#dialect = dialect;
    const left = () => {
      clearInterval(this.#pulse);
      this.#abort.abort(new Failure("stopped"));
    };
    this.#body = new ProgramBody({ maxBytes: outboxMaxBytes, slowMs: programSlowMs, gone, left });
    if (dialect !== null && !this.#body.isOver) this.#pulse = setInterval(() => this.#beat(dialect), heartbeatMs);
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
    if (!this.#hasHead) this.#respond(passedStatus(status), { "content-type": passedType(headers.get("content-type")) });
    else if (status !== 200) this.#refusal = { text: "" };
  }

  body(bytes: Uint8Array): Promise<void> | undefined {
    this.heard(bytes);
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
    this.#response.resolve(new Response(this.#body.stream, { status, headers: { ...headers, "cache-control": "no-store", "x-accel-buffering": "no" } }));
  }
}

/** Of what llama-server says when it refuses, so much is passed on, in UTF-16 units. */
const refusalMaxChars = 16 * 1024;

/** Names under which llama-server says at the end of an answer how many tokens it cost, in its own dialect and those of programs. */
const figures = /"(prompt_n|predicted_n|output_tokens|completion_tokens|total_tokens)":\s*(\d{1,9})(?!\d)/g;

/** Tokens that an answer has cost, as far as these bytes tell: what it says of them itself at its end, else one for each event. */
function tokensIn(bytes: Uint8Array, before: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes('_n"') && !text.includes('_tokens"')) return before + eventsIn(text);
  const found: Record<string, number> = {};
  for (const [, name, value] of text.toString("latin1").matchAll(figures)) found[name as string] ??= Number(value);
  const { prompt_n: read, predicted_n: written, output_tokens, completion_tokens, total_tokens } = found;
  if (read !== undefined && written !== undefined) return read + written;
  return [output_tokens, completion_tokens, total_tokens].find((each) => each !== undefined && each > before) ?? before + eventsIn(text);
}

function eventsIn(bytes: Buffer): number {
  let events = bytes.indexOf("data: ") === 0 ? 1 : 0;
  for (let at = bytes.indexOf("\ndata: "); at >= 0; at = bytes.indexOf("\ndata: ", at + 1)) events++;
  return events;
}
