// The numbers of the test models: seeded random vectors, tensors that are zero but for a few entries. Knows no
// architecture.

import type { Tensor } from "./gguf.ts";

/** Numbers in [0, 1) that are the same at every call with the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A vector of length 1 in a random direction. */
export function unitVector(next: () => number, width: number): Float32Array {
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return scaledToOne(Float32Array.from({ length: width }, normal));
}

/**
 * A vector of length 1 whose entries have the mean 0, so that LayerNorm keeps its direction. The same name gives
 * the same vector; two names give vectors that are nearly at right angles.
 */
export function namedVector(name: string, width: number): Float32Array {
  const vector = unitVector(random(Bun.hash.crc32(name)), width);
  const mean = vector.reduce((sum, x) => sum + x, 0) / width;
  return scaledToOne(vector.map((x) => x - mean));
}

function scaledToOne(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

export const zeros = (name: string, ...shape: number[]): Tensor => ({
  name,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});

/** A vector of `size` ones; with `upTo`, zeros from there on. */
export const ones = (name: string, size: number, upTo = size): Tensor => ({
  name,
  shape: [size],
  data: new Float32Array(size).fill(1, 0, upTo),
});

/** A square matrix that is zero but for entries `[to, from, factor]`: output `to` gets input `from` × factor. */
export function wiring(
  name: string,
  width: number,
  entries: readonly (readonly [to: number, from: number, factor: number])[],
): Tensor {
  const tensor = zeros(name, width, width);
  for (const [to, from, factor] of entries) tensor.data[to * width + from] = factor;
  return tensor;
}
