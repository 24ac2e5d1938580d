// Search in the passages of collections.

import type { PassageHit } from "../domain/document.ts";
import type { Collections, PassageRange } from "../store/collections.ts";
import { isTelling, wordQuery } from "./words.ts";

/** The passages that match a question or some words best, the best first. */
export async function searchPassages(
  collections: Collections,
  question: string,
  range: PassageRange,
): Promise<readonly PassageHit[]> {
  return collections.search(await wordQuery(question, (terms) => collections.known(terms)), range);
}

/**
 * The same for the last of a conversation's questions. One that tells nothing by itself ("why?") is looked
 * for together with the one before it.
 */
export const passageFinder =
  (collections: Collections) =>
  (questions: readonly string[], range: PassageRange): Promise<readonly PassageHit[]> => {
    const asked = questions.slice(isTelling(questions.at(-1) ?? "") ? -1 : -2).join("\n");
    return searchPassages(collections, asked, range);
  };
