// One request to a llama-server and its answer: streamed and read as Deltas, passed on as bytes, or a count.
// Errors become Failures here. Which requests exist is upstream/llama's concern.

import { Failure } from "../domain/failure.ts";
import { Answer, type AnswerLimits, isOk, refusal } from "./answer.ts";
import { dropBody, jsonOf, type Request, readBody, send, type Target, textOf } from "./http.ts";
import { StallWatch } from "./stall.ts";
import type { ChatEnd, ChatRequest, Deltas, RelaySink } from "./upstream.ts";

/** The bounds of an answer. */
export interface AnswerBounds extends AnswerLimits {
  /** Longest silence within an answer. llama-server's pings, every 30 s, count as data. */
  readonly stallMs: number;
}

/** Most bytes that are read of a refusal. */
const refusalMaxBytes = 16 * 1024;

/**
 * Sends a request and reads its answer, within the bounds, until its end or until `signal` is aborted.
 * @param began called when the head of the answer has arrived
 * @param fromBytes the byte of the stream at which the answer continues
 * @throws Failure `upstream_*`, `answer_too_long`, `context_overflow`; the signal's reason
 */
export async function stream(
  target: Target,
  bounds: AnswerBounds,
  request: Request,
  deltas: Deltas,
  signal: AbortSignal,
  { began, fromBytes = 0 }: { began: () => void; fromBytes?: number },
): Promise<ChatEnd> {
  return within(bounds.stallMs, signal, undefined, async (stall, inner) => {
    const response = await send(target, request, inner);
    began();
    stall.heard();
    if (!isOk(response.status))
      throw refusal(response.status, await textOf(response, inner, refusalMaxBytes), target.url);
    const answer = new Answer(deltas, bounds, fromBytes);
    answer.begin(response.headers);
    try {
      await readBody(response, inner, (bytes) => {
        stall.heard();
        answer.push(bytes);
        return answer.isComplete;
      });
    } finally {
      answer.flush(); // text before a fault still reaches the reader
    }
    return answer.end();
  });
}

/**
 * Gives an answer to `sink` while it arrives, whatever its status, no faster than the sink takes it.
 * @param mayGoOn true while silence is no fault: an answer that is not streamed arrives only at its end
 * @throws Failure `upstream_absent`, `upstream_cut`, `upstream_stalled`; the signal's reason when it is
 *   aborted
 */
export async function passOn(
  target: Target,
  { stallMs }: Pick<AnswerBounds, "stallMs">,
  request: Request,
  sink: RelaySink,
  signal: AbortSignal,
  mayGoOn: () => boolean,
): Promise<void> {
  await within(stallMs, signal, mayGoOn, async (stall, inner) => {
    const response = await send(target, request, inner);
    stall.heard();
    sink.head(response.status, response.headers);
    await readBody(response, inner, (bytes) => {
      stall.heard();
      const slow = sink.body(bytes);
      return slow ? stall.paused(slow).then(() => false) : false;
    });
  });
}

/** Runs `work` with a signal that is aborted with `signal`, or after `stallMs` of silence. */
async function within<T>(
  stallMs: number,
  signal: AbortSignal,
  mayGoOn: (() => boolean) | undefined,
  work: (stall: StallWatch, inner: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw signal.reason;
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const stall = new StallWatch(controller, stallMs, mayGoOn);
  try {
    return await work(stall, controller.signal);
  } finally {
    stall.stop();
    signal.removeEventListener("abort", onAbort);
    controller.abort(); // closes the connection at once, even if the rest of the answer was not read
  }
}

/**
 * See `Upstream.count`. If counting fails, the request is sent all the same: llama-server rejects a prompt
 * that exceeds the context.
 * @throws Failure `upstream_stalled`; the signal's reason
 */
export async function count(
  target: Target,
  { stallMs }: Pick<AnswerBounds, "stallMs">,
  { messages, model }: Pick<ChatRequest, "messages" | "model">,
  signal: AbortSignal,
): Promise<number | null> {
  const body = JSON.stringify({ messages, model: model ?? undefined });
  const request = {
    method: "POST",
    path: "/v1/chat/completions/input_tokens",
    headers: { "content-type": "application/json" },
    body,
  } as const;
  const inner = AbortSignal.any([signal, AbortSignal.timeout(stallMs)]);
  try {
    const response = await send(target, request, inner);
    const counted = isOk(response.status)
      ? ((await jsonOf(response, inner)) as { input_tokens?: unknown } | null)
      : null;
    if (!isOk(response.status)) await dropBody(response);
    const tokens = counted?.input_tokens;
    return Number.isSafeInteger(tokens) && (tokens as number) >= 0 ? (tokens as number) : null;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (inner.aborted) throw new Failure("upstream_stalled", { seconds: Math.round(stallMs / 1000) });
    if (error instanceof Failure) return null;
    throw error;
  }
}
