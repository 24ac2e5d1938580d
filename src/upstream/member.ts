// A llama-server as the pool knows it: what it has read, how fast it is, what it does now, whether it has
// failed lately.

import type { FailureCode } from "../domain/failure.ts";
import type { RunId } from "../domain/id.ts";
import type { RunStats } from "../domain/run.ts";
import type { ModelState } from "../domain/upstream.ts";
import type { Llama } from "./llama.ts";
import { type Candidate, PromptPrefixes, tokensOf } from "./route.ts";

/** Faults of a llama-server, not of what it was asked: another may do better. */
const theirFaults: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "upstream_absent",
  "upstream_loading",
  "upstream_cut",
  "upstream_stalled",
  "upstream_garbled",
  "upstream_error",
]);

export const isTheirFault = (code: FailureCode): boolean => theirFaults.has(code);

/** One that fails is left out for this long, each time in a row twice as long as before, in ms; its health is watched meanwhile. */
const [firstPauseMs, longestPauseMs] = [500, 30_000];

/** How long a Run is supposed to take until one was measured, in ms. */
const supposedRunMs = 5_000;

/** How much the last of several measures counts, and how many tokens must have been read for one. */
const [learning, measuredTokensMin] = [0.3, 64];

interface Running {
  readonly model: string | null;
  readonly startedAt: number;
  readonly slots: number;
  firstAt: number | null;
}

export class PoolMember {
  readonly llama: Llama;
  /** One of ours: it is there as long as parlor is. */
  readonly isOwn: boolean;
  readonly #beginnings = new PromptPrefixes();
  readonly #running = new Map<RunId, Running>();
  readonly #unwatch: () => void;
  readonly #changed: () => void;
  /** How fast it reads, in tokens a second; null until it was measured. */
  readsPerSecond: number | null = null;
  #runMs = supposedRunMs;
  #failures = 0;
  #pausedUntil = 0;
  #wasReady = false;
  #onIdle: (() => void) | null = null;

  constructor(llama: Llama, isOwn: boolean, changed: () => void) {
    this.llama = llama;
    this.#changed = changed;
    this.isOwn = isOwn;
    this.#unwatch = llama.watch(({ status }) => {
      // started anew it has read nothing
      if (this.#wasReady && status !== "ready") this.#beginnings.clear();
      this.#wasReady = status === "ready";
      changed();
    });
  }

  get isReady(): boolean {
    return this.llama.state.status === "ready";
  }

  /** It has failed lately and is left out while others can be asked. */
  get isPaused(): boolean {
    return performance.now() < this.#pausedUntil;
  }

  /** It has the model, or can load it; null: any will do. */
  serves(model: string | null): boolean {
    return model === null || this.llama.state.models.some(({ name }) => isSame(name, model));
  }

  /** Slots for another request for this model. */
  freeFor(model: string | null): number {
    const { models } = this.llama.state;
    const wished = models.length > 1 ? this.#modelOf(model) : undefined;
    if (!wished) return this.llama.free;
    const used = this.#running.values().filter((each) => this.#modelOf(each.model)?.name === wished.name);
    return wished.slots - used.reduce((sum, { slots }) => sum + slots, 0);
  }

  /** The same for one that takes several at once: above 0 where they are all free. */
  roomFor(model: string | null, slots = 1): number {
    const needed = slots === 1 ? 1 : Math.min(slots, this.llama.facts(model).slots);
    return this.freeFor(model) - (Math.max(1, needed) - 1);
  }

  /** As upstream/route sees it, for a prompt of these parts. */
  candidate(model: string | null, parts: readonly string[], slots = 1): Omit<Candidate, "readsPerSecond"> {
    const free = this.roomFor(model, slots);
    const now = performance.now();
    const lefts = [...this.#running.values()].map(({ startedAt }) =>
      Math.max(0, this.#runMs - (now - startedAt)),
    );
    const knownTokens = tokensOf(parts.slice(0, this.#beginnings.longest(parts)));
    return { free, waitMs: free > 0 ? 0 : Math.min(this.#runMs, ...lefts), knownTokens };
  }

  begin(run: RunId, model: string | null, slots = 1): void {
    this.#running.set(run, { model, startedAt: performance.now(), firstAt: null, slots });
  }

  /** Something of the answer has come. */
  heard(run: RunId): void {
    const running = this.#running.get(run);
    if (running) running.firstAt ??= performance.now();
  }

  /** A request has reached its end; these parts are in its cache now. */
  done(run: RunId, parts: readonly string[], { promptTokens = 0, cachedTokens = 0 }: RunStats = {}): void {
    this.#failures = 0;
    this.#pausedUntil = 0;
    this.#beginnings.add(parts);
    const running = this.#running.get(run);
    this.end(run);
    if (!running) return;
    this.#runMs += learning * (performance.now() - running.startedAt - this.#runMs);
    this.#hasRead(promptTokens - cachedTokens, (running.firstAt ?? running.startedAt) - running.startedAt);
  }

  /** Bytes of an answer that is passed on have come: at its end llama-server says how fast it has read. */
  heardBytes(run: RunId, bytes: Uint8Array): void {
    this.heard(run);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!text.includes('"prompt_ms"')) return;
    const [, tokens, ms] = /"prompt_n":(\d+),"prompt_ms":([\d.]+)/.exec(text.toString("latin1")) ?? [];
    this.#hasRead(Number(tokens), Number(ms));
  }

  #hasRead(tokens: number, ms: number): void {
    if (!(tokens >= measuredTokensMin && ms > 0)) return;
    const measured = (tokens / ms) * 1000;
    this.readsPerSecond =
      this.readsPerSecond === null
        ? measured
        : this.readsPerSecond + learning * (measured - this.readsPerSecond);
  }

  /** A request has ended otherwise. */
  end(run: RunId): void {
    this.#running.delete(run);
    if (this.#running.size === 0) this.#onIdle?.();
  }

  /** It has failed. */
  failed(): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++);
    this.#pausedUntil = performance.now() + pauseMs;
    setTimeout(this.#changed, pauseMs + 1).unref(); // then it can be asked again
  }

  /** Resolves when all that it does is over and it is let go. */
  async retire(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    if (this.#running.size > 0) await promise;
    await this.close();
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.llama.close();
  }

  /** The model that a request for `wished` gets; what is loaded already where it names none. */
  #modelOf(wished: string | null): ModelState | undefined {
    const { models } = this.llama.state;
    if (wished === null) return models.find(({ status }) => status === "loaded") ?? models[0];
    return models.find(({ name }) => isSame(name, wished));
  }
}

/** Names of models are compared without regard to case and to the ending of their file. */
function isSame(name: string, wished: string): boolean {
  const plain = (each: string) => each.toLowerCase().replace(/\.gguf$/, "");
  return plain(name) === plain(wished);
}
