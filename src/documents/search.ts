// Search in the passages of a person's collections.

import type { PassageHit } from "../domain/document.ts";
import type { Collections, PassageRange } from "../store/collections.ts";
import { wordQuery } from "./words.ts";

/** The passages that match a question or some words best, the best first. */
export async function searchPassages(
  collections: Collections,
  question: string,
  range: PassageRange,
): Promise<readonly PassageHit[]> {
  return collections.search(await wordQuery(question, (terms) => collections.known(terms)), range);
}
