// A llama-server over HTTP: the streaming chat request, and what its answers and errors mean in our words.
// Its health and its slots are watched in upstream/slots; starting it is upstream/child. Made by main and tests.

import { Failure } from "../domain/failure.ts";
import type { RunId } from "../domain/run.ts";
import { Answer, refusal } from "./answer.ts";
import { ExchangeBroken, exchange, type Listener, type Request } from "./exchange.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import { StallWatch } from "./sse.ts";
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

/** When a stream that was ended before it had begun is ended again, in ms. */
const endAgainMs = [100, 500, 2_000];

/** Watches and uses the llama-server at `options.url`; it need not be there yet. */
export function openLlama(options: LlamaOptions): Upstream {
  const headers: Record<string, string> = options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {};
  const watch = new SlotWatch({ ...options, headers });
  /** With a conversation id llama-server goes on without us: only this ends it. */
  const endStream = (run: RunId) =>
    fetch(streamUrl(options.url, run), { method: "DELETE", keepalive: false, headers, signal: AbortSignal.timeout(options.probeMs) }).catch(() => null);
  const guarded = async (run: RunId, deltas: Deltas, signal: AbortSignal, wish: Asking): Promise<ChatEnd> => {
    let hasBegun = false;
    const began = () => {
      hasBegun = true;
    };
    try {
      return await stream(options, deltas, signal, wish, began);
    } catch (error) {
      await endStream(run);
      // a request that was still on its way in when it was ended may begin all the same, and nobody would ever end it
      if (!hasBegun) for (const ms of endAgainMs) setTimeout(() => void endStream(run), ms).unref();
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
    chat: (by, asked, deltas, signal) => guarded(by.run, deltas, signal, asking(options.url, headers, by, asked)),
    count: (asked, signal) => count(options, headers, asked, signal),
    resume: (run, deltas, signal) => guarded(run, deltas, signal, { address: `${streamUrl(options.url, run)}&from=0`, method: "GET", headers }),
    async close() {
      watch.close();
      await options.child?.close();
    },
  };
}

const streamUrl = (url: string, run: RunId): string => `${url}/v1/stream?conv_id=${encodeURIComponent(run)}`;

/** What is streamed, and from where. */
type Asking = Request & { readonly address: string };

/**
 * Reads the answer to what is asked, within the bounds, until its end or until `signal` is aborted.
 * @throws Failure `upstream_*`, `context_overflow`
 */
async function stream(options: LlamaOptions, deltas: Deltas, signal: AbortSignal, asking: Asking, began: () => void): Promise<ChatEnd> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  const stall = new StallWatch(controller, options.stallMs);
  const answer = new Answer(deltas, options.lineMaxBytes);
  const listener: Listener = {
    head(head) {
      began();
      answer.begin(head);
    },
    body: (bytes, start, end) => answer.push(bytes, start, end),
    read() {
      stall.heard();
      answer.flush();
      return answer.isComplete;
    },
  };
  try {
    await exchange(new URL(asking.address), asking, listener, controller.signal);
    return answer.end(options.url);
  } catch (error) {
    answer.flush(); // what came before the fault is the reader's
    if (error instanceof ExchangeBroken) throw answer.hasBegun ? new Failure("upstream_cut") : new Failure("upstream_absent", { url: options.url });
    throw error;
  } finally {
    stall.stop();
    signal.removeEventListener("abort", onAbort);
  }
}

/** The request for an answer under the Run's id, with which llama-server keeps the stream when we are gone. */
function asking(url: string, headers: Record<string, string>, { run, request: id }: Asked, { messages, sampling, model }: ChatRequest): Asking {
  const { temperature, topP: top_p, maxTokens: max_tokens } = sampling;
  // what nobody chose is not sent (JSON leaves out what is undefined), so llama-server's own settings hold
  const chosen = { temperature, top_p, max_tokens, model: model ?? undefined };
  return {
    address: `${url}/v1/chat/completions`,
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "x-conversation-id": run, ...(id !== "" && { "x-request-id": id }) },
    body: JSON.stringify({ messages, ...chosen, stream: true, stream_options: { include_usage: true }, return_progress: true }),
  };
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

/** An answer that is no refusal. @throws Failure `upstream_*`, `context_overflow` */
async function reach(url: string, address: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  let response: Response;
  try {
    // redirects: the key goes to nobody else. timeout: fetch gives up after about 6 idle minutes; ours is in the signal.
    // keepalive: llama-server closes a connection after 100 requests or 5 idle seconds, and a request that is sent just then is lost
    response = await fetch(address, { ...init, redirect: "manual", keepalive: false, timeout: false } as RequestInit & { timeout: false });
  } catch (error) {
    if (init.signal.aborted) throw error;
    throw new Failure("upstream_absent", { url });
  }
  if (!response.ok) throw refusal(response.status, await response.text().catch(() => ""), url);
  return response;
}
