// A llama-server of a pool: which prompts it has read, how fast it is, which models it serves, and whether it
// has failed recently.

import type { FailureCode } from "../domain/failure.ts";
import type { ModelState } from "../domain/upstream.ts";
import type { Llama } from "./llama.ts";
import { sumOf } from "./llama-slot.ts";
import { type Candidate, PromptPrefixes, tokensOf } from "./route.ts";

/** Failures of a llama-server, not of the request: another server may succeed. */
const theirFaults: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "upstream_absent",
  "upstream_loading",
  "upstream_cut",
  "upstream_stalled",
  "upstream_garbled",
  "upstream_error",
]);

export const isTheirFault = (code: FailureCode): boolean => theirFaults.has(code);

/**
 * How long a failed server is left out, in ms: each failure in a row doubles the pause. Its health is watched
 * meanwhile.
 */
const [firstPauseMs, longestPauseMs] = [500, 30_000];

/** Assumed duration of a Run until one was measured, in ms. */
const assumedRunMs = 5_000;

/** Weight of a new measure in the moving average, and fewest tokens that make a measure of reading speed. */
const [newMeasureWeight, measuredTokensMin] = [0.3, 64];

export class PoolMember {
  readonly llama: Llama;
  /** Parlor has started this server; it stays as long as parlor runs. */
  readonly isOwn: boolean;
  readonly #prefixes = new PromptPrefixes();
  readonly #unwatch: () => void;
  readonly #changed: () => void;
  /** Speed of reading prompts, in tokens per second; null until it was measured. */
  readsPerSecond: number | null = null;
  #runMs = assumedRunMs;
  #failures = 0;
  #pausedUntil = 0;
  #wasReady = false;

  constructor(llama: Llama, isOwn: boolean, changed: () => void) {
    this.llama = llama;
    this.#changed = changed;
    this.isOwn = isOwn;
    this.#unwatch = llama.watch(({ status }) => {
      // a restart empties the prompt cache
      if (this.#wasReady && status !== "ready") this.#prefixes.clear();
      this.#wasReady = status === "ready";
      changed();
    });
  }

  get isReady(): boolean {
    return this.llama.state.status === "ready";
  }

  /** The server has failed recently and is left out while others are ready. */
  get isPaused(): boolean {
    return performance.now() < this.#pausedUntil;
  }

  /** The server has the model, or can load it (null: any model). */
  serves(model: string | null): boolean {
    return model === null || this.llama.state.models.some(({ name }) => isSame(name, model));
  }

  /** Free slots for this model; can be negative. */
  freeFor(model: string | null): number {
    const { models } = this.llama.state;
    const found = models.length > 1 ? this.#modelOf(model) : undefined;
    if (!found) return this.llama.free;
    const used = this.llama.slots.values().filter((each) => this.#modelOf(each.model)?.name === found.name);
    return found.slots - sumOf(used);
  }

  /** The same for a request that takes several slots at once: above 0 if all of them are free. */
  roomFor(model: string | null, slots = 1): number {
    const needed = slots === 1 ? 1 : Math.min(slots, this.llama.facts(model).slots);
    return this.freeFor(model) - (Math.max(1, needed) - 1);
  }

  /** This server as a candidate of upstream/route, for a prompt of these parts. */
  candidate(model: string | null, parts: readonly string[], slots = 1): Omit<Candidate, "readsPerSecond"> {
    const free = this.roomFor(model, slots);
    const now = performance.now();
    const remaining = [...this.llama.slots].map(({ startedAt }) =>
      Math.max(0, this.#runMs - (now - startedAt)),
    );
    const knownTokens = tokensOf(parts.slice(0, this.#prefixes.longest(parts)));
    return { free, waitMs: free > 0 ? 0 : Math.min(this.#runMs, ...remaining), knownTokens };
  }

  /** A request is complete after `ms`: these parts are in the server's prompt cache now. */
  done(parts: readonly string[], ms: number): void {
    this.#failures = 0;
    this.#pausedUntil = 0;
    this.#prefixes.add(parts);
    this.#runMs += newMeasureWeight * (ms - this.#runMs);
  }

  /** The server has read so many tokens of a prompt in `ms`. Too few tokens make no measure. */
  hasRead(tokens: number, ms: number): void {
    if (!(tokens >= measuredTokensMin && ms > 0)) return;
    const measured = (tokens / ms) * 1000;
    this.readsPerSecond =
      this.readsPerSecond === null
        ? measured
        : this.readsPerSecond + newMeasureWeight * (measured - this.readsPerSecond);
  }

  /** Bytes of an answer that is passed on; its end holds llama-server's own measure of reading speed. */
  heardBytes(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!text.includes('"prompt_ms"')) return;
    const [, tokens, ms] = /"prompt_n":(\d+),"prompt_ms":([\d.]+)/.exec(text.toString("latin1")) ?? [];
    this.hasRead(Number(tokens), Number(ms));
  }

  /** Leaves the server out for a while after a failure. */
  failed(): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures++);
    this.#pausedUntil = performance.now() + pauseMs;
    setTimeout(this.#changed, pauseMs + 1).unref(); // the pause is over then
  }

  /** Closes the server's watch once its Slots are released. */
  async retire(): Promise<void> {
    await Promise.all(this.llama.slots.values().map(({ released }) => released));
    await this.close();
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.llama.close();
  }

  /** The model that a request gets: the named one, or without a name a loaded one. */
  #modelOf(named: string | null): ModelState | undefined {
    const { models } = this.llama.state;
    if (named === null) return models.find(({ status }) => status === "loaded") ?? models[0];
    return models.find(({ name }) => isSame(name, named));
  }
}

/** Compares model names without case and without the suffix `.gguf`. */
function isSame(name: string, other: string): boolean {
  const plain = (each: string) => each.toLowerCase().replace(/\.gguf$/, "");
  return plain(name) === plain(other);
}
