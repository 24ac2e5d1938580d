// Which llama-server a request goes to: the one that has read most of its prompt already, unless waiting for
// it costs more than reading costs another. Pure.

import { BoundedMap } from "../domain/bounded-map.ts";

/** A llama-server that could answer. */
export interface Candidate {
  /** Slots that are free now. */
  readonly free: number;
  /** Until a slot of it is free, as far as can be told, in ms; 0 where one is. */
  readonly waitMs: number;
  /** Tokens of this prompt that it need not read again, about. */
  readonly knownTokens: number;
  /** How fast it reads, in tokens a second. */
  readonly readsPerSecond: number;
}

/** How fast one reads that was not measured and has no other beside it that was: a small model on a processor, in tokens a second. */
const supposedReadsPerSecond = 200;

/** Of speeds that differ by less nothing is made: they are measured beside whatever else the machines do. */
const sameSpeed = 2;

/** How fast each reads, from what was measured (null: not yet). */
export function speedsOf(measured: readonly (number | null)[]): number[] {
  const known = measured.filter((each) => each !== null);
  const mean =
    known.length === 0 ? supposedReadsPerSecond : known.reduce((sum, each) => sum + each, 0) / known.length;
  const areSame = Math.max(...known, mean) < sameSpeed * Math.min(...known, mean);
  return measured.map((each) => (areSame ? mean : (each ?? mean)));
}

/** The place of the one that is expected to write its first token soonest; of equal ones the one with most free slots, then the first. -1 for none. */
export function route(candidates: readonly Candidate[], promptTokens: number): number {
  let best = -1;
  for (const [i, each] of candidates.entries()) {
    const known = candidates[best];
    if (!known || startMs(each, promptTokens) < startMs(known, promptTokens)) best = i;
    else if (startMs(each, promptTokens) === startMs(known, promptTokens) && each.free > known.free) best = i;
  }
  return best;
}

/** Until its first token, in ms. */
export function startMs({ waitMs, knownTokens, readsPerSecond }: Candidate, promptTokens: number): number {
  return waitMs + (Math.max(0, promptTokens - knownTokens) / readsPerSecond) * 1000;
}

/** Bytes of text that a token stands for, about: what is compared are prompts of one kind, so the exact number is of no matter. */
const bytesPerToken = 4;

/** PromptPrefixes of prompts that are remembered of one llama-server: those of a few hundred conversations. */
const beginningsMax = 4_096;

/** About how many tokens these parts of a prompt are. */
export function tokensOf(parts: readonly string[]): number {
  return Math.ceil(parts.reduce((bytes, part) => bytes + Buffer.byteLength(part), 0) / bytesPerToken);
}

/** Which prompts a llama-server has read: each beginning of them, up to a message's end, by its hash. The oldest are forgotten. */
export class PromptPrefixes {
  readonly #known = new BoundedMap<bigint, true>(beginningsMax);

  /** It has read these parts. */
  add(parts: readonly string[]): void {
    for (const hash of hashes(parts)) this.#known.set(hash, true);
  }

  /** How many of these parts, from the first on, it has read. */
  longest(parts: readonly string[]): number {
    let count = 0;
    for (const hash of hashes(parts)) {
      if (!this.#known.has(hash)) break;
      count++;
    }
    return count;
  }

  /** It has been started anew. */
  clear(): void {
    this.#known.clear();
  }
}

/** Of each beginning: every hash goes into the next. */
function* hashes(parts: readonly string[]): Generator<bigint> {
  let hash = 0n;
  for (const part of parts) {
    hash = Bun.hash.wyhash(part, hash);
    yield hash;
  }
}
