// Randomness that is the same at every run with the same seed, so that a failure can be repeated.

export interface Seeded {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, bound). */
  below(bound: number): number;
  pick<T>(from: readonly T[]): T | undefined;
}

/** Long simulations are what `make soak` asks for; `make test` runs a short form of the same. */
export const isLong = process.env["LONG"] === "1";

/** mulberry32: 32 bits of state, good enough for tests. */
export function seeded(seed: number): Seeded {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return { next, below, pick: (from) => from[below(from.length)] };
}
