// Decides which llama-server a request goes to: the one that is expected to write the first token soonest,
// from how much of the prompt it has read already, how fast it reads, and when one of its slots is free.
// Pure.

import { BoundedMap } from "../domain/bounded-map.ts";

/** A llama-server that could answer. */
export interface Candidate {
  /** Free slots. */
  readonly free: number;
  /** Estimated time until a slot is free, in ms; 0 if one is free. */
  readonly waitMs: number;
  /** Estimated tokens of this prompt that the server has in its cache. */
  readonly knownTokens: number;
  /** Speed of reading prompts, in tokens per second. */
  readonly readsPerSecond: number;
}

/** Reading speed while no server has been measured, in tokens per second: that of a small model on a CPU. */
const supposedReadsPerSecond = 200;

/**
 * Speeds that differ by less than this factor count as equal, since other load on the machines distorts the
 * measures.
 */
const sameSpeed = 2;

/** Reading speed of each server, from the measured ones (null: not measured yet). */
export function speedsOf(measured: readonly (number | null)[]): number[] {
  const known = measured.filter((each) => each !== null);
  const mean =
    known.length === 0 ? supposedReadsPerSecond : known.reduce((sum, each) => sum + each, 0) / known.length;
  const areSame = Math.max(...known, mean) < sameSpeed * Math.min(...known, mean);
  return measured.map((each) => (areSame ? mean : (each ?? mean)));
}

/**
 * Index of the candidate that is expected to write its first token soonest. Of equal ones the one with most
 * free slots wins, then the first.
 * @returns -1 when there are no candidates
 */
export function route(candidates: readonly Candidate[], promptTokens: number): number {
  let best = -1;
  for (const [i, each] of candidates.entries()) {
    const known = candidates[best];
    if (!known || startMs(each, promptTokens) < startMs(known, promptTokens)) best = i;
    else if (startMs(each, promptTokens) === startMs(known, promptTokens) && each.free > known.free) best = i;
  }
  return best;
}

/** Estimated time until the first token, in ms. */
export function startMs({ waitMs, knownTokens, readsPerSecond }: Candidate, promptTokens: number): number {
  return waitMs + (Math.max(0, promptTokens - knownTokens) / readsPerSecond) * 1000;
}

/**
 * Approximate bytes of text per token. Only similar prompts are compared, so that the exact value does not
 * matter.
 */
const bytesPerToken = 4;

/** Prompt prefixes that are remembered per llama-server: those of a few hundred conversations. */
const prefixesMax = 4_096;

/** Approximate tokens of these parts of a prompt. */
export function tokensOf(parts: readonly string[]): number {
  return Math.ceil(parts.reduce((bytes, part) => bytes + Buffer.byteLength(part), 0) / bytesPerToken);
}

/**
 * The prompts that a llama-server has read: the hash of each prefix that ends with a message. The oldest are
 * dropped.
 */
export class PromptPrefixes {
  readonly #known = new BoundedMap<bigint, true>(prefixesMax);

  /** Records that the server has read these parts. */
  add(parts: readonly string[]): void {
    for (const hash of hashes(parts)) this.#known.set(hash, true);
  }

  /** Number of these parts, from the first on, that the server has read. */
  longest(parts: readonly string[]): number {
    let count = 0;
    for (const hash of hashes(parts)) {
      if (!this.#known.has(hash)) break;
      count++;
    }
    return count;
  }

  /** Forgets all prefixes, after the server was restarted. */
  clear(): void {
    this.#known.clear();
  }
}

/** The hash of each prefix; each hash is the seed of the next. */
function* hashes(parts: readonly string[]): Generator<bigint> {
  let hash = 0n;
  for (const part of parts) {
    hash = Bun.hash.wyhash(part, hash);
    yield hash;
  }
}
