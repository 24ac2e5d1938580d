// What llama-server answers: its streamed chunks in our words, its refusals as Failures. A llama-server can be broken, foreign
// or taken over, so nothing that it says is believed to have the type that it should have.

import { Failure } from "../domain/failure.ts";
import type { PromptProgress, RunStats } from "../domain/run.ts";
import { SseParser, type SseReader } from "./sse.ts";
import type { ChatEnd, Deltas } from "./upstream.ts";

export interface AnswerLimits {
  /** Longest line of the stream. */
  readonly lineMaxBytes: number;
  /** Longest answer, thoughts included, in UTF-16 units of its text. */
  readonly answerMaxChars: number;
}

/** A JSON object of which nothing is known. */
type Unknown = Readonly<Record<string, unknown>>;

/** An answer as it comes: events, folded into one call per kind and network read. */
export class Answer implements SseReader {
  readonly #deltas: Deltas;
  readonly #limits: AnswerLimits;
  readonly #events: SseParser;
  readonly #fromBytes: number;
  #text = "";
  #thought = "";
  #chars = 0;
  #finish: string | null = null;
  #stats: RunStats = {};

  /** `fromBytes`: where in the stream the first byte stands that comes. */
  constructor(deltas: Deltas, limits: AnswerLimits, fromBytes = 0) {
    this.#deltas = deltas;
    this.#limits = limits;
    this.#events = new SseParser(this, limits.lineMaxBytes);
    this.#fromBytes = fromBytes;
  }

  get isComplete(): boolean {
    return this.#events.isComplete;
  }

  /** @throws Failure `upstream_garbled` when it is no stream of events */
  begin(headers: Headers): void {
    const type = headers.get("content-type") ?? "missing";
    if (!type.startsWith("text/event-stream"))
      throw new Failure("upstream_garbled", { detail: `content-type ${type.slice(0, 80)}` });
  }

  /** Takes one network read. @throws Failure `upstream_*`, `answer_too_long`, `context_overflow` */
  push(bytes: Uint8Array): void {
    this.#events.push(bytes);
    this.flush();
    if (this.#chars > this.#limits.answerMaxChars)
      throw new Failure("answer_too_long", { limitChars: this.#limits.answerMaxChars });
  }

  event(data: string): boolean {
    if (data === "[DONE]") return true;
    const chunk = parse(data);
    if (!chunk) throw new Failure("upstream_garbled", { detail: data.slice(0, 80) });
    if (chunk["error"]) throw errorOf(chunk["error"], 500);
    this.#take(chunk);
    return false;
  }

  /** Hands on what has come since the last call. */
  flush(): void {
    if (this.#thought !== "") this.#deltas.reasoning(this.#thought);
    if (this.#text !== "") this.#deltas.text(this.#text);
    this.#thought = this.#text = "";
    this.#deltas.streamed?.(this.#fromBytes + this.#events.eventsBytes);
  }

  /** What is known at the end of it. @throws Failure `upstream_cut` */
  end(): ChatEnd {
    if (!this.isComplete && this.#finish === null) throw new Failure("upstream_cut");
    return { finish: this.#finish ?? "stop", stats: this.#stats };
  }

  #take(chunk: Unknown): void {
    const { choices, usage, timings, prompt_progress: progress } = chunk;
    const choice = Array.isArray(choices) ? objectOf(choices[0]) : {};
    const delta = objectOf(choice["delta"]);
    // `/completion` has its piece of the answer at the top
    const text = textOf(delta["content"]) || textOf(chunk["content"]);
    const thought = textOf(delta["reasoning_content"]);
    this.#text += text;
    this.#thought += thought;
    this.#chars += text.length + thought.length;
    if (choice["finish_reason"]) this.#finish = wordOf(choice["finish_reason"]);
    if (chunk["stop"] === true) this.#finish = chunk["stop_type"] === "limit" ? "length" : "stop";
    if (progress) this.#progress(objectOf(progress));
    if (usage || timings || chunk["stop"] === true) this.#stats = { ...this.#stats, ...statsOf(chunk) };
  }

  #progress({ processed, total, cache }: Unknown): void {
    const found = [processed, total, cache].map(countOf);
    if (found.some((each) => each === undefined)) return;
    const [readTokens, allTokens, cachedTokens] = found as [number, number, number];
    const progress: PromptProgress = { processed: readTokens, total: allTokens, cached: cachedTokens };
    this.#deltas.prompt(progress);
  }
}

export const isOk = (status: number): boolean => status >= 200 && status < 300;

/** The figures that it gives; what is no figure is left out, so that the end of a Run can be stored whatever it says. */
function statsOf(chunk: Unknown): RunStats {
  const [usage, timings] = [objectOf(chunk["usage"]), objectOf(chunk["timings"])];
  const speed = timings["predicted_per_second"];
  const found = {
    promptTokens: countOf(usage["prompt_tokens"]) ?? countOf(chunk["tokens_evaluated"]),
    cachedTokens:
      countOf(objectOf(usage["prompt_tokens_details"])["cached_tokens"]) ?? countOf(timings["cache_n"]),
    outputTokens: countOf(usage["completion_tokens"]) ?? countOf(chunk["tokens_predicted"]),
    tokensPerSecond:
      typeof speed === "number" && speed >= 0 && speed < tokensPerSecondMax ? speed : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** More than this is no speed; llama-server itself says 1e6 where it has measured no time. */
const tokensPerSecondMax = 1e7;
/** More than this is no number of tokens: a thousand times the longest contexts that there are. */
const tokensMax = 1e9;

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= tokensMax
    ? (value as number)
    : undefined;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const objectOf = (value: unknown): Unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Unknown) : {};

/** A reason to finish as llama-server words it; anything else that ends an answer is `stop`. */
const wordOf = (value: unknown): string =>
  typeof value === "string" && /^[a-z_]{1,40}$/.test(value) ? value : "stop";

/** The JSON object in `text`, or null. */
function parse(text: string): Unknown | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Unknown) : null;
  } catch {
    return null;
  }
}

/** Deltas that go on to `deltas`, after `heard` of each piece of text or thought. */
export function showing(deltas: Deltas, heard: (text: string) => void): Deltas {
  return {
    text(piece) {
      heard(piece);
      deltas.text(piece);
    },
    reasoning(piece) {
      heard("");
      deltas.reasoning(piece);
    },
    prompt: (progress) => deltas.prompt(progress),
    streamed: (bytes) => deltas.streamed?.(bytes),
  };
}

/** What llama-server means by an answer of that status. */
export function refusal(status: number, body: string, url: string): Failure {
  if (status === 503) return new Failure("upstream_loading", { url });
  if (status === 401 || status === 403) return new Failure("upstream_unauthorized", { url });
  return errorOf(parse(body)?.["error"] ?? { message: body }, status);
}

/** The Failure for llama-server's error, an object or a text, given with a status or in mid-stream. */
function errorOf(given: unknown, otherwise: number): Failure {
  const error = typeof given === "string" ? { message: given } : objectOf(given);
  const code = countOf(error["code"]);
  const status = code !== undefined && code >= 400 && code < 600 ? code : otherwise;
  if (error["type"] === "exceed_context_size_error") {
    return new Failure("context_overflow", {
      promptTokens: countOf(error["n_prompt_tokens"]) ?? 0,
      contextTokens: countOf(error["n_ctx"]) ?? 0,
    });
  }
  const message = textOf(error["message"]);
  const unloadable = /^model name=(.+) failed to load/.exec(message)?.[1];
  if (unloadable !== undefined) return new Failure("model_failed", { model: unloadable });
  return new Failure(status >= 500 ? "upstream_error" : "upstream_refused", {
    status,
    detail: message.trim().slice(0, 300),
  });
}
