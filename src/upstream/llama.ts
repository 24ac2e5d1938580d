// A llama-server over fetch: the streaming chat request, and what its answers and errors mean in our words.
// Its health and its slots are watched in upstream/slots; starting it is upstream/child. Made by main and tests.

import { asFailure, Failure } from "../domain/failure.ts";
import type { RunStats } from "../domain/run.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import { readSse, StallWatch } from "./sse.ts";
import type { ChatEnd, ChatMessage, Deltas, Upstream } from "./upstream.ts";

export interface LlamaOptions extends SlotWatchBounds {
  readonly url: string;
  readonly apiKey: string | null;
  /** Longest silence within an answer; llama-server's pings, every 30 s, count as sound. */
  readonly stallMs: number;
  /** Longest line of the stream. */
  readonly lineMaxBytes: number;
  /** Says how a llama-server of our own is doing before it answers; absent for one that somebody else runs. */
  readonly child?: StartingChild & { close(): Promise<void> };
}

/** The parts of a streamed chunk that are read here. */
interface Chunk {
  choices?: { delta?: { content?: string | null; reasoning_content?: string | null }; finish_reason?: string | null }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number; prompt_tokens_details?: { cached_tokens?: number } };
  timings?: { predicted_per_second?: number };
  prompt_progress?: { total: number; cache: number; processed: number };
  error?: { code?: number; message?: string; type?: string; n_prompt_tokens?: number; n_ctx?: number };
}

/** Watches and uses the llama-server at `options.url`; it need not be there yet. */
export function openLlama(options: LlamaOptions): Upstream {
  const headers: Record<string, string> = options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {};
  const watch = new SlotWatch({ ...options, headers });
  return {
    get state() {
      return watch.state;
    },
    watch: (listener) => watch.onChange(listener),
    freed: (othersRunning) => watch.freed(othersRunning),
    async chat(messages, deltas, signal) {
      try {
        return await chat(options, headers, messages, deltas, signal);
      } catch (error) {
        if (!signal.aborted) watch.doubt(); // what failed may be gone: look at once instead of at the next tick
        throw error;
      }
    },
    async close() {
      watch.close();
      await options.child?.close();
    },
  };
}

async function chat(
  options: LlamaOptions,
  headers: Record<string, string>,
  messages: readonly ChatMessage[],
  deltas: Deltas,
  signal: AbortSignal,
): Promise<ChatEnd> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  const stall = new StallWatch(controller, options.stallMs);
  try {
    const response = await request(options, headers, messages, controller.signal);
    return await read(response, deltas, stall, options.lineMaxBytes);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    stall.stop();
    signal.removeEventListener("abort", onAbort);
    controller.abort(); // a body merely dropped would be closed by the garbage collector, some day
  }
}

async function request(options: LlamaOptions, headers: Record<string, string>, messages: readonly ChatMessage[], signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${options.url}/v1/chat/completions`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      // what nobody chose is not sent, so llama-server's own settings hold
      body: JSON.stringify({ messages, stream: true, stream_options: { include_usage: true }, return_progress: true }),
      signal,
      redirect: "manual", // the key goes to nobody else
      timeout: false, // fetch gives up after about 6 idle minutes otherwise; StallWatch has our own limit
    } as RequestInit & { timeout: false });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Failure("upstream_absent", { url: options.url });
  }
  if (!response.ok) throw await refusal(response, options.url);
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    throw new Failure("upstream_garbled", { detail: `content-type ${response.headers.get("content-type") ?? "missing"}` });
  }
  return response;
}

async function refusal(response: Response, url: string): Promise<Failure> {
  const { status } = response;
  if (status === 503) return new Failure("upstream_loading", { url });
  if (status === 401 || status === 403) return new Failure("upstream_unauthorized", { url });
  const body = (await response.text().catch(() => "")).slice(0, 4096);
  return errorOf(parse(body)?.error ?? { message: body }, status);
}

/** The Failure for llama-server's error object, given with a status or in mid-stream. */
function errorOf(error: NonNullable<Chunk["error"]>, status: number): Failure {
  if (error.type === "exceed_context_size_error") {
    return new Failure("context_overflow", { promptTokens: error.n_prompt_tokens ?? 0, contextTokens: error.n_ctx ?? 0 });
  }
  const detail = (error.message ?? "").trim().slice(0, 300);
  return new Failure(status >= 500 ? "upstream_error" : "upstream_refused", { status, detail });
}

async function read(response: Response, deltas: Deltas, stall: StallWatch, lineMaxBytes: number): Promise<ChatEnd> {
  const answer = new Answer(deltas, stall);
  let complete: boolean;
  try {
    complete = await readSse(response.body as ReadableStream<Uint8Array>, answer, lineMaxBytes);
  } catch (error) {
    answer.flush(); // what came before the fault is the reader's
    const failure = asFailure(error);
    throw failure.code === "internal" && isConnectionError(error) ? new Failure("upstream_cut") : error;
  }
  if (!complete && answer.finish === null) throw new Failure("upstream_cut");
  return { finish: answer.finish ?? "stop", stats: answer.stats };
}

/** True for what fetch throws when the wire breaks (its errors have a string code), false for our own bugs. */
function isConnectionError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === "string";
}

/** Folds the events of one network read into one call per kind. */
class Answer {
  readonly #deltas: Deltas;
  readonly #stall: StallWatch;
  #text = "";
  #reasoning = "";
  finish: string | null = null;
  stats: RunStats = {};

  constructor(deltas: Deltas, stall: StallWatch) {
    this.#deltas = deltas;
    this.#stall = stall;
  }

  heard(): void {
    this.#stall.heard();
  }

  event(data: string): boolean {
    if (data === "[DONE]") return true;
    const chunk = parse(data);
    if (!chunk) throw new Failure("upstream_garbled", { detail: data.slice(0, 80) });
    if (chunk.error) throw errorOf(chunk.error, chunk.error.code ?? 500);
    const choice = chunk.choices?.[0];
    if (choice?.delta?.content) this.#text += choice.delta.content;
    if (choice?.delta?.reasoning_content) this.#reasoning += choice.delta.reasoning_content;
    if (choice?.finish_reason) this.finish = choice.finish_reason;
    const progress = chunk.prompt_progress;
    if (progress) this.#deltas.prompt({ processed: progress.processed, total: progress.total, cached: progress.cache });
    if (chunk.usage || chunk.timings) this.stats = { ...this.stats, ...statsOf(chunk) };
    return false;
  }

  flush(): void {
    if (this.#reasoning !== "") this.#deltas.reasoning(this.#reasoning);
    if (this.#text !== "") this.#deltas.text(this.#text);
    this.#reasoning = this.#text = "";
  }
}

function statsOf({ usage, timings }: Chunk): RunStats {
  const found = {
    promptTokens: usage?.prompt_tokens,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens,
    outputTokens: usage?.completion_tokens,
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
