// Whether passages tell of what a question asks for, or only share a weak word with it. Told by words alone.

import type { PassageHit } from "../domain/document.ts";
import type { TermFrequencies } from "../store/collections.ts";
import { type AskedWord, passageTerms } from "./words.ts";

/** Least share of a question, by the weight of its words, that a passage must have: see the bench. */
const leastShare = 0.3;
/** In fewer passages than this, nothing is known of how rare a word is. */
const leastPassages = 1_000;
/** Least length of a stem that is looked for at the ends of long words. In UTF-16 code units. */
const fragmentLength = 4;

/** True if one of the passages has enough of what is asked for. */
export function isAnswerable(
  asked: readonly AskedWord[],
  hits: readonly PassageHit[],
  { passages, of }: TermFrequencies,
): boolean {
  const weight = ({ stem }: AskedWord) => rarity(of.get(stem) ?? 0, Math.max(leastPassages, passages));
  const whole = asked.reduce((sum, word) => sum + weight(word), 0);
  if (whole === 0) return false;
  return hits.some((hit) => {
    const share = shareIn(hit);
    return asked.reduce((sum, word) => sum + weight(word) * share(word), 0) >= leastShare * whole;
  });
}

/** Weight of a word that so many of all passages have, as in BM25. */
const rarity = (having: number, all: number): number => Math.log(1 + (all - having + 0.5) / (having + 0.5));

/** How much of a word a passage has: 1 for the word itself, or as a part of a long one; less for a part of it. */
function shareIn({ title, path, headings, text }: PassageHit): (word: AskedWord) => number {
  const { words, compounds } = passageTerms([title ?? path, ...headings].join("\n"), text);
  const all = new Set(words);
  const has = (stem: string) =>
    all.has(stem) ||
    (stem.length >= fragmentLength && compounds.some((word) => word.startsWith(stem) || word.endsWith(stem)));
  return ({ stem, parts }) =>
    has(stem) ? 1 : parts.length === 0 ? 0 : parts.filter(has).length / Math.max(2, parts.length);
}
