// Makes one list of passages of two: those found by words and those found by meaning. Pure.

import type { PassageHit } from "../domain/document.ts";

/**
 * Weight of the meaning where words alone have found an answer. Each list counts by its scores, not by its
 * ranks: a model that finds nothing much nearer than the rest then moves nothing, whatever its order. See the
 * bench.
 */
const meaningWeight = 0.2;

/** Least nearness of a passage that is found by meaning alone. */
const leastNearness = 0.6;

/** Least nearness of a passage that is shown at all where no word finds it. */
const leastShown = 0.2;

/** Share of the way from the usual cosine to 1, since some models give all texts cosines from 0.7 to 0.9. */
const nearness = (cosine: number, mean: number): number => Math.max(0, (cosine - mean) / (1 - mean));

/** True if the nearest passage is so much nearer than the others that it is no chance. */
export const isNear = (nearest: number | undefined, mean: number): boolean =>
  nearest !== undefined && nearness(nearest, mean) >= leastNearness;

/**
 * All passages of both lists, the best first.
 * @param meaning passages with their cosines, and the mean of the cosines of all others
 * @param isByMeaning the words have found no answer: the meaning decides, the words only follow
 */
export function fused(
  words: readonly PassageHit[],
  meaning: { readonly hits: readonly PassageHit[]; readonly mean: number },
  isByMeaning: boolean,
): readonly PassageHit[] {
  const hits = new Map<string, PassageHit>();
  const keyOf = ({ document, page, start }: PassageHit) => `${document}.${page}.${start}`;
  const add = (hit: PassageHit, score: number) => {
    const key = keyOf(hit);
    hits.set(key, { ...hit, score: (hits.get(key)?.score ?? 0) + score });
  };
  const best = words[0]?.score ?? 1;
  for (const hit of words) add(hit, (hit.score / best) * (isByMeaning ? meaningWeight : 1));
  const isShown = (hit: PassageHit) =>
    hits.has(keyOf(hit)) || nearness(hit.score, meaning.mean) >= leastShown;
  for (const hit of meaning.hits.filter(isShown))
    add(hit, nearness(hit.score, meaning.mean) * (isByMeaning ? 1 : meaningWeight));
  return [...hits.values()].sort((a, b) => b.score - a.score);
}
