// One llama-server over HTTP: which requests are sent to it, and the slots that they hold until they are
// idle. Its health is watched in upstream/slots; answers are read in upstream/requests; it is started in
// upstream/child.

import { asFailure, type FailureCode } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { HeldSlots } from "./held-slots.ts";
import { dropBody, type Request, send, type Target, targetOf } from "./http.ts";
import { type AnswerBounds, count, passOn, stream } from "./requests.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import type { ChatEnd, ChatRequest, Deltas, Relayed, RelaySink, RequestId, Upstream } from "./upstream.ts";

interface LlamaOptions extends SlotWatchBounds, AnswerBounds {
  /** Base URL; `user:password@` in it is for a proxy in front of the server. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly log: Log;
  /** The process, if parlor has started it; absent for a server that somebody else runs. */
  readonly child?: StartingChild & { readonly log: readonly string[]; close(): Promise<void> };
}

/** Delays after which a stream that was ended before its beginning is ended again, in ms. */
const endAgainMs = [100, 500, 2_000];

/** Failures that llama-server reports before it has given a request a slot. */
const neverHadSlot: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "upstream_absent",
  "upstream_loading",
  "upstream_unauthorized",
  "upstream_refused",
  "context_overflow",
  "not_found",
]);

/** Watches and uses the llama-server at `options.url`. It may still be down. */
export function openLlama(options: LlamaOptions): Llama {
  return new Llama(options);
}

/** One llama-server. */
export class Llama implements Upstream {
  readonly #options: LlamaOptions;
  readonly #target: Target;
  readonly #watch: SlotWatch;
  readonly #held = new HeldSlots();

  constructor(options: LlamaOptions) {
    this.#options = options;
    this.#target = targetOf(options.url, options.apiKey);
    this.#watch = new SlotWatch({ ...options, target: this.#target, heldSlots: () => this.#held.count });
  }

  get state(): UpstreamState {
    return this.#watch.state;
  }

  get servers(): readonly UpstreamState[] {
    return [this.state];
  }

  /** The latest output lines; empty for a server that parlor has not started. */
  get log(): readonly string[] {
    return this.#options.child?.log ?? [];
  }

  /** Slots that neither parlor nor another client holds. */
  get free(): number {
    return this.state.slots - this.state.foreignSlots - this.#held.count;
  }

  watch(listener: (state: UpstreamState) => void): () => void {
    return this.#watch.onChange(listener);
  }

  facts(model: string | null): Pick<UpstreamState, "model" | "contextTokens" | "slots"> {
    const { models, contextTokens, ...state } = this.state;
    if (models.length <= 1) return { model: state.model, contextTokens, slots: state.slots };
    const found = models.find(({ name }) => name === this.#modelFor(model));
    return {
      model: found?.name ?? model,
      contextTokens: found?.contextTokens ?? null,
      slots: found?.slots ?? state.slots,
    };
  }

  /** With a single server, the queue counts the slots. */
  hasRoom(): boolean {
    return true;
  }

  chat(id: RequestId, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const { messages, sampling } = request;
    const { temperature, topP: top_p, maxTokens: max_tokens } = sampling;
    // settings that nobody chose are undefined and left out of the JSON, so that llama-server's own hold
    const chosen = { temperature, top_p, max_tokens, model: this.#modelFor(request.model) };
    const body = {
      messages,
      ...chosen,
      stream: true,
      stream_options: { include_usage: true },
      return_progress: true,
    };
    return this.#streamed(id.run, deltas, signal, this.#answerRequest(id, "/v1/chat/completions", body));
  }

  complete(id: RequestId, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const body = { prompt, model: this.#modelFor(null), stream: true, return_progress: true };
    return this.#streamed(id.run, deltas, signal, this.#answerRequest(id, "/completion", body));
  }

  resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    return this.#streamed(
      run,
      deltas,
      signal,
      { method: "GET", path: `${streamPath(run)}&from=${fromBytes}` },
      fromBytes,
    );
  }

  relay(id: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    const slots = relayed.slots > 1 ? Math.min(relayed.slots, this.facts(relayed.model).slots) : 1;
    const work = () => this.pass(id, relayed, sink, signal);
    return this.#holding(id.run, { slots, isStream: relayed.isStream }, signal, work);
  }

  pass(
    { request }: RequestId,
    { method, path, headers, body }: Relayed,
    sink: RelaySink,
    signal: AbortSignal,
  ): Promise<void> {
    const named = request === "" ? {} : { "x-request-id": request };
    const passed = { method, path, headers: { ...headers, ...named }, body };
    return passOn(this.#target, this.#options, passed, sink, signal, () => this.state.status === "ready");
  }

  /** With a single server, the queue counts the slots. */
  reserve(): void {}

  release(): void {}

  count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return count(
      this.#target,
      this.#options,
      { messages: request.messages, model: this.#modelFor(request.model) ?? null },
      signal,
    );
  }

  async freed(run: RunId): Promise<boolean> {
    const held = this.#held.get(run);
    if (!held) return true;
    try {
      return await this.#watch.freed(() => this.#held.running, { isStream: held.isStream });
    } finally {
      this.#held.drop(run);
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#options.child?.close();
  }

  /**
   * The model name to send. A router refuses requests without one: a loaded model is the best choice then.
   */
  #modelFor(named: string | null): string | undefined {
    const { models } = this.state;
    if (named !== null || models.length <= 1) return named ?? undefined;
    return (models.find(({ status }) => status === "loaded") ?? models[0])?.name;
  }

  /** The request for an answer. By the Run's id, llama-server keeps the stream when parlor is gone. */
  #answerRequest({ run, request }: RequestId, path: string, body: unknown): Request {
    const headers = {
      "content-type": "application/json",
      "x-conversation-id": run,
      ...(request !== "" && { "x-request-id": request }),
    };
    return { method: "POST", path, headers, body: JSON.stringify(body) };
  }

  /**
   * Holds slots for a request until it ends. If it ends early, they count until `freed` has seen them idle.
   */
  async #holding<T>(
    run: RunId,
    { slots, isStream }: { slots: number; isStream: boolean },
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    this.#held.take(run, slots, isStream);
    try {
      const done = await work();
      this.#held.drop(run);
      return done;
    } catch (error) {
      if (!signal.aborted && neverHadSlot.has(asFailure(error).code)) this.#held.drop(run);
      else this.#held.ending(run);
      if (!signal.aborted) this.#watch.checkNow(); // the server may be gone: do not wait for the next tick
      throw error;
    }
  }

  #streamed(
    run: RunId,
    deltas: Deltas,
    signal: AbortSignal,
    request: Request,
    fromBytes = 0,
  ): Promise<ChatEnd> {
    let hasBegun = false;
    const began = () => {
      hasBegun = true;
    };
    return this.#holding(run, { slots: 1, isStream: true }, signal, async () => {
      try {
        return await stream(this.#target, this.#options, request, deltas, signal, { began, fromBytes });
      } catch (error) {
        await this.#endStream(run);
        // a request that was still on its way may begin after the DELETE, and would then never be ended
        if (!hasBegun) for (const ms of endAgainMs) setTimeout(() => void this.#endStream(run), ms).unref();
        throw error;
      }
    });
  }

  /** With a conversation id, llama-server keeps generating after a disconnect. Only this request ends it. */
  async #endStream(run: RunId): Promise<void> {
    const within = AbortSignal.timeout(this.#options.probeMs);
    const response = await send(this.#target, { method: "DELETE", path: streamPath(run) }, within).catch(
      () => null,
    );
    if (response) await dropBody(response);
  }
}

const streamPath = (run: RunId): string => `/v1/stream?conv_id=${encodeURIComponent(run)}`;
