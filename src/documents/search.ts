// Search in the passages of collections.

import type { FoundPassages, PassageHit } from "../domain/document.ts";
import { stemOf, wordsOf } from "../domain/stems.ts";
import type { Collections, PassageRange } from "../store/collections.ts";
import { referredBy } from "./follow-up.ts";
import { isAnswerable } from "./relevance.ts";
import { askedWords, queryOf, wordQuery } from "./words.ts";

/** The passages that match a question or some words best, the best first. */
export async function searchPassages(
  collections: Collections,
  question: string,
  range: PassageRange,
): Promise<readonly PassageHit[]> {
  return collections.search(await wordQuery(question, (terms) => collections.known(terms)), range);
}

/**
 * Those that match the last of a conversation's questions, with the words of the questions that it refers
 * to; and whether they tell enough to answer it.
 */
export const passageFinder =
  (collections: Collections) =>
  async (questions: readonly string[], range: PassageRange): Promise<FoundPassages> => {
    const [before, last] = [referredBy(questions), questions.at(-1) ?? ""];
    const asked = await askedWords(`${before}\n${last}`, (terms) => collections.known(terms));
    const query = before === "" ? queryOf(asked) : queryOf(asked, new Set(wordsOf(last).map(stemOf)));
    const hits = await collections.search(query, range);
    return { hits, isAnswerable: await isAnswerable(asked, hits, collections) };
  };
