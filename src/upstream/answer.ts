// Translates llama-server's answers: streamed chunks into Deltas, errors into Failures. A llama-server can be
// broken, foreign or compromised, so the type of every field is checked.

import { Failure } from "../domain/failure.ts";
import { isJsonObject, parseJson } from "../domain/json.ts";
import type { PromptProgress, RunStats } from "../domain/run.ts";
import { SseParser, type SseReader } from "./sse.ts";
import type { ChatEnd, Deltas } from "./upstream.ts";

export interface AnswerLimits {
  /** Longest line of the stream. */
  readonly lineMaxBytes: number;
  /** Longest answer, thoughts included, in UTF-16 units of its text. */
  readonly answerMaxChars: number;
}

/** A JSON object whose fields are not checked yet. */
type Unknown = Readonly<Record<string, unknown>>;

/** Reads a streamed answer and folds its events into one call per kind and network read. */
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

  /** @param fromBytes the position in the stream of the first byte that is pushed */
  constructor(deltas: Deltas, limits: AnswerLimits, fromBytes = 0) {
    this.#deltas = deltas;
    this.#limits = limits;
    this.#events = new SseParser(this, limits.lineMaxBytes);
    this.#fromBytes = fromBytes;
  }

  get isComplete(): boolean {
    return this.#events.isComplete;
  }

  /** @throws Failure `upstream_garbled` when the answer is no event stream */
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

  /** Delivers the text since the last call. */
  flush(): void {
    if (this.#thought !== "") this.#deltas.part("thought", this.#thought);
    if (this.#text !== "") this.#deltas.part("text", this.#text);
    this.#thought = this.#text = "";
    this.#deltas.streamed?.(this.#fromBytes + this.#events.eventsBytes);
  }

  /** The end of the answer. @throws Failure `upstream_cut` when the stream ended early */
  end(): ChatEnd {
    if (!this.isComplete && this.#finish === null) throw new Failure("upstream_cut");
    return { finish: this.#finish ?? "stop", stats: this.#stats };
  }

  #take(chunk: Unknown): void {
    const { choices, usage, timings, prompt_progress: progress } = chunk;
    const choice = Array.isArray(choices) ? objectOf(choices[0]) : {};
    const delta = objectOf(choice["delta"]);
    // `/completion` has the text at the top level
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

/** The figures in a chunk. Invalid ones are left out, so that the end of a Run can always be stored. */
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

/** Higher values are no speed. llama-server itself reports 1e6 when it has measured no time. */
const tokensPerSecondMax = 1e7;
/** Higher values are no number of tokens: this is a thousand times the longest contexts today. */
const tokensMax = 1e9;

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= tokensMax
    ? (value as number)
    : undefined;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const objectOf = (value: unknown): Unknown => (isJsonObject(value) ? value : {});

/** A finish reason in llama-server's words; anything else becomes `stop`. */
const wordOf = (value: unknown): string =>
  typeof value === "string" && /^[a-z_]{1,40}$/.test(value) ? value : "stop";

/** The JSON object in `text`, or null. */
function parse(text: string): Unknown | null {
  const value = parseJson(text);
  return isJsonObject(value) ? value : null;
}

/**
 * Passes Deltas on to `deltas`; before each piece of text or thought it calls `heard` (a thought as an empty
 * text).
 */
export function showing(deltas: Deltas, heard: (text: string) => void): Deltas {
  return {
    part(kind, piece) {
      heard(kind === "text" ? piece : "");
      deltas.part(kind, piece);
    },
    prompt: (progress) => deltas.prompt(progress),
    streamed: (bytes) => deltas.streamed?.(bytes),
  };
}

/** The Failure that a status and body of llama-server stand for. */
export function refusal(status: number, body: string, url: string): Failure {
  if (status === 503) return new Failure("upstream_loading", { url });
  if (status === 401 || status === 403) return new Failure("upstream_unauthorized", { url });
  return errorOf(parse(body)?.["error"] ?? { message: body }, status);
}

/** The Failure for an error of llama-server: an object or a text, with a status or within a stream. */
function errorOf(reported: unknown, defaultStatus: number): Failure {
  const error = typeof reported === "string" ? { message: reported } : objectOf(reported);
  const code = countOf(error["code"]);
  const status = code !== undefined && code >= 400 && code < 600 ? code : defaultStatus;
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
