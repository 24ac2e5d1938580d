// A llama-server over fetch: the streaming chat request, and what its answers and errors mean in our words.
// Its health and its slots are watched in upstream/slots; starting it is upstream/child. Made by main and tests.

import { asFailure, Failure } from "../domain/failure.ts";
import type { RunId, RunStats } from "../domain/run.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import { readSse, StallWatch } from "./sse.ts";
import type { Asked, ChatEnd, ChatRequest, Deltas, Upstream } from "./upstream.ts";

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
  const guarded = async (run: RunId, deltas: Deltas, signal: AbortSignal, ask: Asking): Promise<ChatEnd> => {
    try {
      return await stream(options, deltas, signal, ask);
    } catch (error) {
      // with a conversation id llama-server goes on without us: only this ends it
      await fetch(streamUrl(options.url, run), { method: "DELETE", keepalive: false, headers, signal: AbortSignal.timeout(options.probeMs) }).catch(() => null);
      if (!signal.aborted) watch.doubt(); // what failed may be gone: look at once instead of at the next tick
      throw error;
    }
  };
  return {
    get state() {
      return watch.state;
    },
    watch: (listener) => watch.onChange(listener),
    freed: (othersRunning) => watch.freed(othersRunning),
    busySlots: () => watch.busySlots(),
    chat: (by, asked, deltas, signal) => guarded(by.run, deltas, signal, (inner) => request(options, headers, by, asked, inner)),
    count: (asked, signal) => count(options, headers, asked, signal),
    resume: (run, deltas, signal) => guarded(run, deltas, signal, (inner) => takeUp(options, headers, run, inner)),
    async close() {
      watch.close();
      await options.child?.close();
    },
  };
}

type Asking = (signal: AbortSignal) => Promise<Response>;

const streamUrl = (url: string, run: RunId): string => `${url}/v1/stream?conv_id=${encodeURIComponent(run)}`;

/** Reads the answer to what `ask` asks, within the bounds, until its end or until `signal` is aborted. */
async function stream(options: LlamaOptions, deltas: Deltas, signal: AbortSignal, ask: Asking): Promise<ChatEnd> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  const stall = new StallWatch(controller, options.stallMs);
  try {
    const response = await ask(controller.signal);
    return await read(response, deltas, stall, options.lineMaxBytes);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    stall.stop();
    signal.removeEventListener("abort", onAbort);
    controller.abort(); // a body merely dropped would be closed by the garbage collector, some day
  }
}

/** Asks for an answer under the Run's id, with which llama-server keeps the stream when we are gone. */
async function request(
  options: LlamaOptions,
  headers: Record<string, string>,
  { run, request: id }: Asked,
  { messages, sampling, model }: ChatRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { temperature, topP: top_p, maxTokens: max_tokens } = sampling;
  // what nobody chose is not sent (JSON leaves out what is undefined), so llama-server's own settings hold
  const chosen = { temperature, top_p, max_tokens, model: model ?? undefined };
  return open(options.url, `${options.url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "x-conversation-id": run, ...(id !== "" && { "x-request-id": id }) },
    body: JSON.stringify({ messages, ...chosen, stream: true, stream_options: { include_usage: true }, return_progress: true }),
    signal,
  });
}

/** See `Upstream.count`. What it can't count is sent as it is: llama-server has a word of its own for what does not fit. */
async function count(
  options: LlamaOptions,
  headers: Record<string, string>,
  { messages, model }: Pick<ChatRequest, "messages" | "model">,
  signal: AbortSignal,
): Promise<number | null> {
  const address = `${options.url}/v1/chat/completions/input_tokens`;
  const body = JSON.stringify({ messages, model: model ?? undefined });
  const within = AbortSignal.any([signal, AbortSignal.timeout(options.stallMs)]);
  try {
    const response = await reach(options.url, address, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body, signal: within });
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    if (!isJson) await response.body?.cancel();
    const tokens = isJson ? ((await response.json()) as { input_tokens?: unknown } | null)?.input_tokens : null;
    return typeof tokens === "number" ? tokens : null;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (within.aborted) throw new Failure("upstream_stalled", { seconds: Math.round(options.stallMs / 1000) });
    if (error instanceof SyntaxError || error instanceof Failure) return null;
    throw error;
  }
}

/** Takes up a stream that was begun under the Run's id, from its first byte. */
async function takeUp(options: LlamaOptions, headers: Record<string, string>, run: RunId, signal: AbortSignal): Promise<Response> {
  return open(options.url, `${streamUrl(options.url, run)}&from=0`, { headers, signal });
}

/** An event stream. @throws Failure `upstream_*`, `context_overflow` */
async function open(url: string, address: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  const response = await reach(url, address, init);
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  throw new Failure("upstream_garbled", { detail: `content-type ${response.headers.get("content-type") ?? "missing"}` });
}

/** An answer that is no refusal. @throws Failure `upstream_*`, `context_overflow` */
async function reach(url: string, address: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  let response: Response;
  try {
    // redirects: the key goes to nobody else. timeout: fetch gives up after about 6 idle minutes; StallWatch has our own limit.
    // keepalive: llama-server closes a connection after 100 requests or 5 idle seconds, and a request that is sent just then is lost
    response = await fetch(address, { ...init, redirect: "manual", keepalive: false, timeout: false } as RequestInit & { timeout: false });
  } catch (error) {
    if (init.signal.aborted) throw error;
    throw new Failure("upstream_absent", { url });
  }
  if (!response.ok) throw await refusal(response, url);
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
