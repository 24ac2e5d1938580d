// What llama-server answers: its streamed chunks in our words, its refusals as Failures. Fed by upstream/llama with what comes over the wire.

import { Failure } from "../domain/failure.ts";
import type { RunStats } from "../domain/run.ts";
import type { Head } from "./exchange.ts";
import { SseParser, type SseReader } from "./sse.ts";
import type { ChatEnd, Deltas } from "./upstream.ts";

/** The parts of a streamed chunk that are read here. */
interface Chunk {
  choices?: { delta?: { content?: string | null; reasoning_content?: string | null }; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number; prompt_tokens_details?: { cached_tokens?: number } };
  timings?: { predicted_per_second?: number; cache_n?: number };
  prompt_progress?: { total: number; cache: number; processed: number };
  /** Of `/completion`: a piece of the answer; at its end why it stopped, and figures. */
  content?: string;
  stop?: boolean;
  stop_type?: string;
  tokens_predicted?: number;
  tokens_evaluated?: number;
  error?: { code?: number; message?: string; type?: string; n_prompt_tokens?: number; n_ctx?: number };
}

/** Of what a refusal says, so much is read, in UTF-16 units. */
const refusalMaxChars = 4096;

/** An answer as it comes: its head, then events, folded into one call per kind and network read; or the words of a refusal. */
export class Answer implements SseReader {
  readonly #deltas: Deltas;
  readonly #events: SseParser;
  #shape: EventShape | null = null;
  #head: Head | null = null;
  #isStream = false;
  #refusal = "";
  #text = "";
  #reasoning = "";
  #finish: string | null = null;
  #stats: RunStats = {};

  constructor(deltas: Deltas, lineMaxBytes: number) {
    this.#deltas = deltas;
    this.#events = new SseParser(this, lineMaxBytes);
  }

  /** Something has been answered. */
  get hasBegun(): boolean {
    return this.#head !== null;
  }

  get isComplete(): boolean {
    return this.#events.isComplete || this.#refusal.length > refusalMaxChars;
  }

  /** @throws Failure `upstream_garbled` */
  begin(head: Head): void {
    this.#head = head;
    this.#isStream = isOk(head);
    const type = head.headers.get("content-type") ?? "missing";
    if (this.#isStream && !type.startsWith("text/event-stream")) throw new Failure("upstream_garbled", { detail: `content-type ${type}` });
  }

  push(bytes: Buffer, start: number, end: number): void {
    const text = this.#events.decode(bytes, start, end);
    if (!this.#isStream) this.#refusal += text;
    else {
      const content = this.#events.isBetween ? this.#shape?.contentOf(text) : undefined;
      if (content === undefined) this.#events.push(text);
      else this.#text += content;
    }
  }

  event(data: string): boolean {
    if (data === "[DONE]") return true;
    this.#look(data);
    return false;
  }

  flush(): void {
    if (this.#reasoning !== "") this.#deltas.reasoning(this.#reasoning);
    if (this.#text !== "") this.#deltas.text(this.#text);
    this.#reasoning = this.#text = "";
  }

  /** What is known at the end of it. @throws Failure what was refused, or `upstream_cut` */
  end(url: string): ChatEnd {
    if (this.#head && !this.#isStream) throw refusal(this.#head.status, this.#refusal, url);
    if (!this.isComplete && this.#finish === null) throw new Failure("upstream_cut");
    return { finish: this.#finish ?? "stop", stats: this.#stats };
  }

  #look(data: string): void {
    const chunk = parse(data);
    if (!chunk) throw new Failure("upstream_garbled", { detail: data.slice(0, 80) });
    if (chunk.error) throw errorOf(chunk.error, chunk.error.code ?? 500);
    const { choices: [choice] = [], prompt_progress: progress, usage, timings } = chunk;
    const { content = chunk.content, reasoning_content: reasoning } = choice?.delta ?? {};
    if (content) this.#text += content;
    if (reasoning) this.#reasoning += reasoning;
    if (choice?.finish_reason) this.#finish = choice.finish_reason;
    if (chunk.stop === true) this.#finish = chunk.stop_type === "limit" ? "length" : "stop";
    if (progress) this.#deltas.prompt({ processed: progress.processed, total: progress.total, cached: progress.cache });
    if (usage || timings) this.#stats = { ...this.#stats, ...statsOf(chunk) };
    const isContentAlone = content && !reasoning && !choice?.finish_reason && chunk.stop !== true && !progress && !usage && !timings;
    if (isContentAlone) this.#shape = EventShape.of(data, content);
  }
}

const isOk = ({ status }: Head): boolean => status >= 200 && status < 300;

/**
 * What stands around the content in an event that says nothing else. llama-server's differ in nothing but that (and the second in which they were
 * made), so it is cut out where the rest is the same to the letter; any other is parsed. Measured: 0.3 against 1.8 µs.
 */
class EventShape {
  readonly #before: string;
  readonly #after: string;

  private constructor(before: string, after: string) {
    this.#before = before;
    this.#after = after;
  }

  /** The shape of an event with this content, data and all; null where the content is not found in it as JSON.stringify writes it. */
  static of(data: string, content: string): EventShape | null {
    const written = `"content":${JSON.stringify(content)}`;
    const at = data.indexOf(written);
    if (at < 0 || data.indexOf(written, at + 1) >= 0) return null;
    return new EventShape(`data: ${data.slice(0, at + `"content":"`.length)}`, `${data.slice(at + written.length - 1)}\n\n`);
  }

  /** The content of an event of the same shape; undefined for anything else. */
  contentOf(event: string): string | undefined {
    const [from, to] = [this.#before.length, event.length - this.#after.length];
    if (to < from || !event.startsWith(this.#before) || !event.endsWith(this.#after)) return undefined;
    const written = event.slice(from, to);
    if (written.includes("\n")) return undefined;
    if (!written.includes("\\")) return written.includes('"') ? undefined : written;
    try {
      return JSON.parse(`"${written}"`) as string;
    } catch {
      return undefined;
    }
  }
}

function statsOf({ usage, timings, tokens_evaluated, tokens_predicted }: Chunk): RunStats {
  const found = {
    promptTokens: usage?.prompt_tokens ?? tokens_evaluated,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? timings?.cache_n,
    outputTokens: usage?.completion_tokens ?? tokens_predicted,
    tokensPerSecond: timings?.predicted_per_second,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === "number"));
}

/** The JSON object in `text`, or null. */
function parse(text: string): Chunk | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Chunk) : null;
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
  };
}

/** What llama-server means by an answer of that status. */
export function refusal(status: number, body: string, url: string): Failure {
  if (status === 503) return new Failure("upstream_loading", { url });
  if (status === 401 || status === 403) return new Failure("upstream_unauthorized", { url });
  const text = body.slice(0, refusalMaxChars);
  return errorOf(parse(text)?.error ?? { message: text }, status);
}

/** The Failure for llama-server's error object, given with a status or in mid-stream. */
function errorOf(error: NonNullable<Chunk["error"]>, status: number): Failure {
  if (error.type === "exceed_context_size_error") {
    return new Failure("context_overflow", { promptTokens: error.n_prompt_tokens ?? 0, contextTokens: error.n_ctx ?? 0 });
  }
  const unloadable = /^model name=(.+) failed to load/.exec(error.message ?? "")?.[1];
  if (unloadable !== undefined) return new Failure("model_failed", { model: unloadable });
  const detail = (error.message ?? "").trim().slice(0, 300);
  return new Failure(status >= 500 ? "upstream_error" : "upstream_refused", { status, detail });
}
