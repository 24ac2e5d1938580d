// One request to a llama-server and its answer: streamed and read as Deltas or passed on, or answered in one piece. What goes wrong becomes a
// Failure here. Which requests there are is upstream/llama's.

import { Failure } from "../domain/failure.ts";
import { Answer, refusal } from "./answer.ts";
import { ExchangeBroken, exchange, type Head, type Listener, type Request } from "./exchange.ts";
import { StallWatch } from "./sse.ts";
import type { ChatEnd, ChatRequest, Deltas, RelaySink } from "./upstream.ts";

/** The bounds of an answer. */
export interface AnswerBounds {
  readonly url: string;
  /** Longest silence within it; llama-server's pings, every 30 s, count as sound. */
  readonly stallMs: number;
  /** Longest line of the stream. */
  readonly lineMaxBytes: number;
}

/** What is asked for, and where. */
export type Asking = Request & { readonly address: string };

/**
 * Reads the answer to what is asked, within the bounds, until its end or until `signal` is aborted.
 * @throws Failure `upstream_*`, `context_overflow`
 */
export async function stream(options: AnswerBounds, deltas: Deltas, signal: AbortSignal, asking: Asking, began: () => void): Promise<ChatEnd> {
  const answer = new Answer(deltas, options.lineMaxBytes);
  const reading = {
    head(head: Head) {
      began();
      answer.begin(head);
    },
    body: (bytes: Buffer, start: number, end: number) => answer.push(bytes, start, end),
    isComplete() {
      answer.flush();
      return answer.isComplete;
    },
  };
  try {
    await listen(asking, reading, options.stallMs, signal);
    return answer.end(options.url);
  } catch (error) {
    answer.flush(); // what came before the fault is the reader's
    throw error instanceof ExchangeBroken ? broken(answer.hasBegun, options.url) : error;
  }
}

/**
 * Gives an answer to `sink` as it comes, whatever its status. Silence is no fault while `mayGoOn` says so: an answer that is not streamed comes at its end.
 * @throws Failure `upstream_absent`, `upstream_cut`, `upstream_stalled`; the signal's reason when it is aborted
 */
export async function passOn(options: AnswerBounds, asking: Asking, sink: RelaySink, signal: AbortSignal, mayGoOn: () => boolean): Promise<void> {
  let hasBegun = false;
  const reading = {
    head({ status, headers }: Head) {
      hasBegun = true;
      sink.head(status, headers);
    },
    body: (bytes: Buffer, start: number, end: number) => sink.body(new Uint8Array(bytes.subarray(start, end))),
    isComplete: () => false,
  };
  try {
    await listen(asking, reading, options.stallMs, signal, mayGoOn);
  } catch (error) {
    throw error instanceof ExchangeBroken ? broken(hasBegun, options.url) : error;
  }
}

/** An answer that was cut off, or never came. */
const broken = (hasBegun: boolean, url: string): Failure => (hasBegun ? new Failure("upstream_cut") : new Failure("upstream_absent", { url }));

/** Reads what is answered, until its end, until `signal` is aborted, or until nothing has come for `stallMs`. */
async function listen(
  asking: Asking,
  reading: Pick<Listener, "head" | "body"> & { isComplete(): boolean },
  stallMs: number,
  signal: AbortSignal,
  mayGoOn?: () => boolean,
): Promise<void> {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) throw signal.reason;
  signal.addEventListener("abort", onAbort, { once: true });
  const stall = new StallWatch(controller, stallMs, mayGoOn);
  const read = () => {
    stall.heard();
    return reading.isComplete();
  };
  try {
    await exchange(new URL(asking.address), asking, { head: reading.head, body: reading.body, read }, controller.signal);
  } finally {
    stall.stop();
    signal.removeEventListener("abort", onAbort);
  }
}

/** See `Upstream.count`. What it can't count is sent as it is: llama-server has a word of its own for what does not fit. */
export async function count(
  options: AnswerBounds,
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
