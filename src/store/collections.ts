// Contract of the collections of documents, whose passages are found by words. Knows no language: queries
// come with their terms.

import type { Collection, ListedCollection, PassageHit, WordQuery } from "../domain/document.ts";
import type { CollectionId, PersonId } from "../domain/id.ts";

/** How the passages of a query are chosen. */
export interface PassageRange {
  /** Collections within reach of the person who asks; unknown ones have no passages. */
  readonly collections: readonly CollectionId[];
  /** Passages at most. */
  readonly limit: number;
}

/** How frequent words are. */
export interface TermFrequencies {
  readonly passages: number;
  /** Terms that no passage has are missing. */
  readonly of: ReadonlyMap<string, number>;
}

/** In `owner`, null stands for the house. */
export interface Collections {
  /** All that a person may search, by name: the house's and their own. null: the house's alone. */
  reachable(person: PersonId | null): Promise<readonly ListedCollection[]>;
  /**
   * The collections of these names that a person may search: for each name the house's, else their own; null
   * where there is neither.
   */
  named(person: PersonId, names: readonly string[]): Promise<readonly (Collection | null)[]>;
  /** null for an unknown one. Whether somebody may see it is not asked here. */
  collection(id: CollectionId): Promise<Collection | null>;
  /** null for an unknown one. */
  find(owner: PersonId | null, name: string): Promise<Collection | null>;
  /** All collections of the house and of all people. */
  all(): Promise<readonly ListedCollection[]>;
  /** How many of a person's conversations have chosen each collection; those without are left out. */
  chosenBy(person: PersonId): Promise<ReadonlyMap<CollectionId, number>>;
  /** @throws Failure `name_taken` */
  add(owner: PersonId | null, name: string, folder: string | null): Promise<Collection>;
  /**
   * Removes a collection at once; what it held is erased behind this, in small steps. No effect when it is
   * unknown.
   */
  remove(id: CollectionId): Promise<void>;

  /** Those of `terms` that some passage has, in any collection: enough to tell which are words. */
  known(terms: readonly string[]): Promise<ReadonlySet<string>>;
  /** How many passages there are in all collections, about, and how many of them have each of `terms`. */
  frequencies(terms: readonly string[]): Promise<TermFrequencies>;
  /** The passages that match best, the best first. */
  search(query: WordQuery, range: PassageRange): Promise<readonly PassageHit[]>;
}
