// A llama-server over HTTP: the streaming chat request, and what its answers and errors mean in our words.
// Its health and its slots are watched in upstream/slots; starting it is upstream/child.

import { asFailure, type FailureCode } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { dropBody, type Request, send, type Target, targetOf } from "./http.ts";
import { type AnswerBounds, count, passOn, stream } from "./requests.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import type { Asked, ChatEnd, ChatRequest, Deltas, Relayed, RelaySink, Upstream } from "./upstream.ts";

interface LlamaOptions extends SlotWatchBounds, AnswerBounds {
  /** Its address; `user:password@` in it is for a proxy before it. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly log: Log;
  /** Says how a llama-server of our own is doing before it answers; absent for one that somebody else runs. */
  readonly child?: StartingChild & { readonly log: readonly string[]; close(): Promise<void> };
}

/** When a stream that was ended before it had begun is ended again, in ms. */
const endAgainMs = [100, 500, 2_000];

/** What llama-server says before it has given a request a slot. */
const neverHadSlot: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "upstream_absent",
  "upstream_loading",
  "upstream_unauthorized",
  "upstream_refused",
  "context_overflow",
  "not_found",
]);

/** Watches and uses the llama-server at `options.url`; it need not be there yet. */
export function openLlama(options: LlamaOptions): Llama {
  return new Llama(options);
}

/** One llama-server. */
export class Llama implements Upstream {
  readonly #options: LlamaOptions;
  readonly #target: Target;
  readonly #watch: SlotWatch;
  /** Requests that have a slot; true for one that is over and gives it back. */
  readonly #held = new Map<RunId, boolean>();
  /** How many, of those that have more than one. */
  readonly #several = new Map<RunId, number>();
  /** Those whose answer does not come as events. */
  readonly #inOnePiece = new Set<RunId>();

  constructor(options: LlamaOptions) {
    this.#options = options;
    this.#target = targetOf(options.url, options.apiKey);
    this.#watch = new SlotWatch({ ...options, target: this.#target, ours: () => this.#heldSlots });
  }

  get state(): UpstreamState {
    return this.#watch.state;
  }

  get servers(): readonly UpstreamState[] {
    return [this.state];
  }

  /** What a llama-server of ours has printed lately. */
  get log(): readonly string[] {
    return this.#options.child?.log ?? [];
  }

  /** Slots that no request of ours holds, nor anybody else's. */
  get free(): number {
    return this.state.slots - this.state.strays - this.#heldSlots;
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

  /** The queue counts this one's slots. */
  hasRoom(): boolean {
    return true;
  }

  chat(by: Asked, asked: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const { messages, sampling } = asked;
    const { temperature, topP: top_p, maxTokens: max_tokens } = sampling;
    // what nobody chose is not sent (JSON leaves out what is undefined), so llama-server's own settings hold
    const chosen = { temperature, top_p, max_tokens, model: this.#modelFor(asked.model) };
    const body = {
      messages,
      ...chosen,
      stream: true,
      stream_options: { include_usage: true },
      return_progress: true,
    };
    return this.#guarded(by.run, deltas, signal, this.#asking(by, "/v1/chat/completions", body));
  }

  complete(by: Asked, prompt: string, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    const body = { prompt, model: this.#modelFor(null), stream: true, return_progress: true };
    return this.#guarded(by.run, deltas, signal, this.#asking(by, "/completion", body));
  }

  resume(run: RunId, fromBytes: number, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd> {
    return this.#guarded(
      run,
      deltas,
      signal,
      { method: "GET", path: `${streamPath(run)}&from=${fromBytes}` },
      fromBytes,
    );
  }

  relay(asked: Asked, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void> {
    if (!relayed.isStream) this.#inOnePiece.add(asked.run);
    if (relayed.slots > 1)
      this.#several.set(asked.run, Math.min(relayed.slots, this.facts(relayed.model).slots));
    return this.#holding(asked.run, signal, () => this.pass(asked, relayed, sink, signal));
  }

  pass(
    { request }: Asked,
    { method, path, headers, body }: Relayed,
    sink: RelaySink,
    signal: AbortSignal,
  ): Promise<void> {
    const named = request === "" ? {} : { "x-request-id": request };
    const passed = { method, path, headers: { ...headers, ...named }, body };
    return passOn(this.#target, this.#options, passed, sink, signal, () => this.state.status === "ready");
  }

  /** The queue counts this one's slots. */
  reserve(): void {}

  release(): void {}

  count(asked: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return count(
      this.#target,
      this.#options,
      { messages: asked.messages, model: this.#modelFor(asked.model) ?? null },
      signal,
    );
  }

  async freed(run: RunId): Promise<boolean> {
    if (!this.#held.has(run)) return true;
    try {
      const othersRunning = () =>
        this.#held
          .entries()
          .reduce((count, [other, isLeaving]) => count + (isLeaving ? 0 : this.#slotsOf(other)), 0);
      return await this.#watch.freed(othersRunning, { isInOnePiece: this.#inOnePiece.has(run) });
    } finally {
      this.#drop(run);
    }
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#options.child?.close();
  }

  /** A router answers nobody who names no model: what is loaded already serves best. */
  #modelFor(wished: string | null): string | undefined {
    const { models } = this.state;
    if (wished !== null || models.length <= 1) return wished ?? undefined;
    return (models.find(({ status }) => status === "loaded") ?? models[0])?.name;
  }

  /** The request for an answer under the Run's id, with which llama-server keeps the stream when we are gone. */
  #asking({ run, request }: Asked, path: string, body: unknown): Request {
    const headers = {
      "content-type": "application/json",
      "x-conversation-id": run,
      ...(request !== "" && { "x-request-id": request }),
    };
    return { method: "POST", path, headers, body: JSON.stringify(body) };
  }

  #slotsOf(run: RunId): number {
    return this.#several.get(run) ?? 1;
  }

  get #heldSlots(): number {
    return this.#held.keys().reduce((sum, run) => sum + this.#slotsOf(run), 0);
  }

  #drop(run: RunId): void {
    this.#held.delete(run);
    this.#inOnePiece.delete(run);
    this.#several.delete(run);
  }

  /** Holds a slot for a request until it is over; where it has not reached its end, until `freed` has seen it idle. */
  async #holding<T>(run: RunId, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#held.set(run, false);
    try {
      const done = await work();
      this.#drop(run);
      return done;
    } catch (error) {
      if (!signal.aborted && neverHadSlot.has(asFailure(error).code)) this.#drop(run);
      else this.#held.set(run, true);
      if (!signal.aborted) this.#watch.doubt(); // what failed may be gone: look at once instead of at the next tick
      throw error;
    }
  }

  #guarded(
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
    return this.#holding(run, signal, async () => {
      try {
        return await stream(this.#target, this.#options, request, deltas, signal, { began, fromBytes });
      } catch (error) {
        await this.#endStream(run);
        // a request that was still on its way in when it was ended may begin all the same, and nobody would ever end it
        if (!hasBegun) for (const ms of endAgainMs) setTimeout(() => void this.#endStream(run), ms).unref();
        throw error;
      }
    });
  }

  /** With a conversation id llama-server goes on without us: only this ends it. */
  async #endStream(run: RunId): Promise<void> {
    const within = AbortSignal.timeout(this.#options.probeMs);
    const response = await send(this.#target, { method: "DELETE", path: streamPath(run) }, within).catch(
      () => null,
    );
    if (response) await dropBody(response);
  }
}

const streamPath = (run: RunId): string => `/v1/stream?conv_id=${encodeURIComponent(run)}`;
