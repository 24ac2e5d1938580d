// Search in the passages of collections: by words, and by meaning where a server embeds.

import type { FoundPassages, PassageHit } from "../domain/document.ts";
import { stemOf, wordsOf } from "../domain/stems.ts";
import type { Collections, PassageRange } from "../store/collections.ts";
import { referredBy } from "./follow-up.ts";
import { fused, isNear } from "./fusion.ts";
import type { Meaning } from "./meaning.ts";
import { isAnswerable } from "./relevance.ts";
import { askedWords, queryOf, withoutFrequent } from "./words.ts";

/** Passages of each list of which one is made. */
const listLimit = 40;

/** The passages that match a question or some words best, the best first. */
export async function searchPassages(
  collections: Collections,
  question: string,
  range: PassageRange,
  meaning: Meaning | null = null,
): Promise<readonly PassageHit[]> {
  if (meaning?.isOffered) return (await passageFinder(collections, meaning)([question], range)).hits;
  const query = queryOf(await askedWords(question, (terms) => collections.known(terms)));
  const { of } = await collections.frequencies(query.words);
  return collections.search(withoutFrequent(query, of), range);
}

/**
 * Those that match the last of a conversation's questions, with the words of the questions that it refers
 * to; and whether they tell enough to answer it. Aborting the signal rejects with its reason.
 */
export const passageFinder =
  (collections: Collections, meaning: Meaning | null = null) =>
  async (questions: readonly string[], range: PassageRange, signal?: AbortSignal): Promise<FoundPassages> => {
    const [before, last] = [referredBy(questions), questions.at(-1) ?? ""];
    const question = `${before}\n${last}`.trim();
    const wide = { ...range, limit: Math.max(range.limit, listLimit) };
    const active = meaning?.isOffered ? meaning : null;
    const embedded = active && (await active.embed(question, signal));
    // vectors are compared in a thread while words are looked for here
    const near = embedded ? active.near(embedded, wide) : null;
    near?.catch(() => {}); // it is awaited below
    const asked = await askedWords(question, (terms) => collections.known(terms));
    const ofLast = new Set(wordsOf(last).map(stemOf));
    const query = before === "" ? queryOf(asked) : queryOf(asked, ofLast);
    const frequencies = await collections.frequencies(query.words);
    const byWords = await collections.search(withoutFrequent(query, frequencies.of), active ? wide : range);
    const found = near && active ? await active.soon(near, signal) : null;
    const first = byWords.slice(0, range.limit);
    // the words of the questions before must not make an answer to the last one look too small
    const isFoundByWords = [asked, asked.filter(({ stem }) => ofLast.has(stem))].some((words) =>
      isAnswerable(words, first, frequencies),
    );
    const isFoundByMeaning = isNear(found?.hits[0]?.score, found?.mean ?? 0);
    const isByMeaning = isFoundByMeaning && !isFoundByWords;
    const both = found ? fused(byWords, found, isByMeaning) : byWords;
    const { hits, isSure } = active
      ? await active.ranked(question, both, signal)
      : { hits: both, isSure: false };
    const isFound = isFoundByWords || isFoundByMeaning || isSure;
    return { hits: hits.slice(0, range.limit), isAnswerable: isFound };
  };
