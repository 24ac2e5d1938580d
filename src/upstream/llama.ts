// One llama-server over HTTP: its state, its Slots, and requests that need none. What is sent in a Slot is in
// upstream/llama-slot. Its health is watched in upstream/slots; it is started in upstream/child.

import type { ModelFacts, UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { type Target, targetOf } from "./http.ts";
import { LlamaSlot, type SlotServer, sumOf } from "./llama-slot.ts";
import { type AnswerBounds, count, passOn } from "./requests.ts";
import { SlotWatch, type SlotWatchBounds, type StartingChild } from "./slots.ts";
import type { ChatRequest, Relayed, RelaySink, RequestId } from "./upstream.ts";

interface LlamaOptions extends SlotWatchBounds, AnswerBounds {
  /** Base URL; `user:password@` in it is for a proxy in front of the server. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly log: Log;
  /** See SlotServer. */
  readonly mayEnd?: () => boolean;
  /** Its model does not chat. It is used without Slots, so that busy slots are no foreign ones. */
  readonly isSpecial?: boolean;
  /** The process, if parlor has started it; absent for a server that somebody else runs. */
  readonly child?: StartingChild & { readonly log: readonly string[]; close(): Promise<void> };
}

/** Watches and uses the llama-server at `options.url`. It may still be down. */
export function openLlama(options: LlamaOptions): Llama {
  return new Llama(options);
}

/** One llama-server. */
export class Llama implements SlotServer {
  readonly options: LlamaOptions;
  readonly target: Target;
  readonly slotWatch: SlotWatch;
  readonly slots = new Set<LlamaSlot>();

  constructor(options: LlamaOptions) {
    this.options = options;
    this.target = targetOf(options.url, options.apiKey);
    const heldSlots = () =>
      options.isSpecial
        ? Number.POSITIVE_INFINITY
        : sumOf(this.slots.values().filter(({ state }) => state !== "idle"));
    this.slotWatch = new SlotWatch({ ...options, target: this.target, heldSlots });
  }

  get state(): UpstreamState {
    return this.slotWatch.state;
  }

  /** The latest output lines; empty for a server that parlor has not started. */
  get log(): readonly string[] {
    return this.options.child?.log ?? [];
  }

  /** Slots that neither parlor nor another client holds. */
  get free(): number {
    return this.state.slots - this.state.foreignSlots - sumOf(this.slots.values());
  }

  watch(listener: (state: UpstreamState) => void): () => void {
    return this.slotWatch.onChange(listener);
  }

  facts(model: string | null): ModelFacts {
    const { models, contextTokens, ...state } = this.state;
    if (models.length <= 1)
      return {
        model: state.model,
        contextTokens,
        slots: state.slots,
        vision: state.vision,
        hearing: state.hearing,
      };
    const found = models.find(({ name }) => name === this.modelFor(model));
    return {
      model: found?.name ?? model,
      contextTokens: found?.contextTokens ?? null,
      slots: found?.slots ?? state.slots,
      vision: found?.vision ?? null,
      hearing: found?.hearing ?? null,
    };
  }

  /**
   * The model name to send. A router refuses requests without one: a loaded model is the best choice then.
   */
  modelFor(named: string | null): string | undefined {
    const { models, special } = this.state;
    if (named !== null || (models.length <= 1 && !special)) return named ?? undefined;
    return (models.find(({ status }) => status === "loaded") ?? models[0])?.name;
  }

  /** A Slot for `slots` requests at once, at most as many as the server has, whether they are free or not. */
  take(model: string | null, slots = 1): LlamaSlot {
    return new LlamaSlot(this, model, slots > 1 ? Math.min(slots, this.facts(model).slots) : 1);
  }

  /** See `Upstream.pass`. */
  pass(
    { request }: RequestId,
    { method, path, headers, body }: Relayed,
    sink: RelaySink,
    signal: AbortSignal,
  ): Promise<void> {
    const named = request === "" ? {} : { "x-request-id": request };
    const passed = { method, path, headers: { ...headers, ...named }, body };
    return passOn(this.target, this.options, passed, sink, signal, () => this.state.status === "ready");
  }

  /** See `Upstream.count`. */
  count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null> {
    return count(
      this.target,
      this.options,
      { messages: request.messages, model: this.modelFor(request.model) ?? null },
      signal,
    );
  }

  async close(): Promise<void> {
    this.slotWatch.close();
    await this.options.child?.close();
  }
}
