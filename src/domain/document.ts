// Documents that are searched: a Collection is a named set of them, a Passage a piece that can be cited.
// Plain facts.

import type { CollectionId, DocumentId, PersonId } from "./id.ts";

export interface Collection {
  readonly id: CollectionId;
  readonly owner: PersonId;
  /** Unique among the owner's collections. */
  readonly name: string;
  /** Absolute path of the folder from which it is read. */
  readonly folder: string;
}

export interface ListedCollection extends Collection {
  readonly documents: number;
  readonly passages: number;
}

/** What is known of a document before it is stored. */
export interface DocumentHead {
  /** From the collection's folder, with slashes: unique in the collection. */
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal digits. */
  readonly hash: string;
  /** null: it names none. */
  readonly title: string | null;
}

/** A piece of a document's text: `text` is what stands on `page` from `start` to `end`. */
export interface Passage {
  /** From 1; a document without pages has one. */
  readonly page: number;
  /** Index of its first UTF-16 code unit in the page's text. */
  readonly start: number;
  /** Index after its last. */
  readonly end: number;
  /** Headings above it, the outermost first. */
  readonly headings: readonly string[];
  readonly text: string;
}

/** What a passage is found by. Words are stems, in lower case and without diacritics. */
export interface PassageTerms {
  /** In order, with repetitions. */
  readonly words: readonly string[];
  /** Those that are long enough to consist of several words. */
  readonly compounds: readonly string[];
}

export type IndexedPassage = Passage & PassageTerms;

/** What is looked for: a passage matches with any of it. */
export interface WordQuery {
  readonly words: readonly string[];
  /** With these, a long word may begin or end. */
  readonly fragments: readonly string[];
}

export interface PassageHit extends Passage {
  /** Name of its collection. */
  readonly collection: string;
  readonly document: DocumentId;
  readonly path: string;
  readonly title: string | null;
  /** BM25; larger is better. Scores of different queries can't be compared. */
  readonly score: number;
}
