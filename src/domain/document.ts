// Documents that are searched: a Collection is a named set of them, a Passage a piece that can be cited.
// Plain facts.

import type { FailureReport } from "./failure.ts";
import type { FileId } from "./file.ts";
import type { CollectionId, DocumentId, PersonId } from "./id.ts";

export interface Collection {
  readonly id: CollectionId;
  /** null: the house's, which everybody may search. */
  readonly owner: PersonId | null;
  /** Unique among the owner's collections. */
  readonly name: string;
  /** Absolute path of the folder from which it is read; null: its documents are added one by one. */
  readonly folder: string | null;
}

export interface ListedCollection extends Collection {
  /** Those that can be searched. */
  readonly documents: number;
  readonly passages: number;
  /** Documents that are being read, or wait for it. */
  readonly reading: number;
  /** Documents that could not be read. */
  readonly refused: number;
}

/** A document whose text is not known yet. */
export interface DocumentHead {
  /** In a folder, the path from it, with slashes; else its name. Unique in the collection. */
  readonly path: string;
  /** SHA-256 of its bytes, in hexadecimal digits; empty where they were not read. */
  readonly hash: string;
  /** Size of the file. */
  readonly bytes: number;
  /** The stored file of a document that was added; null for one in a folder. */
  readonly file: FileId | null;
}

/** What is known of a document once it was read. */
export interface DocumentFacts {
  /** null: it names none. */
  readonly title: string | null;
  readonly pages: number;
  /** Numbers of pages without text, in ascending order: they can't be found. */
  readonly picturePages: readonly number[];
}

export interface StoredDocument extends DocumentHead, DocumentFacts {
  readonly id: DocumentId;
  readonly collection: CollectionId;
  readonly state: "reading" | "searchable" | "refused";
  /** Why it was refused; null in other states. */
  readonly failure: FailureReport | null;
  readonly passages: number;
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

/** What is looked for: a passage matches with any of it. A word that stands here twice counts twice. */
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

/** What a question finds. */
export interface FoundPassages {
  /** The passages that match best, the best first. */
  readonly hits: readonly PassageHit[];
  /** False: they only share a weak word with the question, and are no answer to it. */
  readonly isAnswerable: boolean;
}

/** Longest name of a collection that people make, in characters. */
const nameMaxChars = 64;

/** The name as it is stored; null for one that can't be used. */
export function collectionName(typed: string): string | null {
  const name = typed.normalize("NFKC").trim().replace(/\s+/g, " ");
  return name === "" || name.length > nameMaxChars || /[\p{Cc}\p{Cf}\p{Cs}]/u.test(name) ? null : name;
}

/** Numbers in ascending order as text, neighbours joined: `1–3, 7`. */
export function ranges(numbers: readonly number[]): string {
  const all: [first: number, last: number][] = [];
  for (const number of numbers) {
    const last = all.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else all.push([number, number]);
  }
  return all.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/** How a passage's document is now. */
export type DocumentNow =
  /** Not known: the passage came without its place. */
  | { readonly state: "unknown" }
  /** It was removed, or this person may not search it. */
  | { readonly state: "gone" }
  /** It has another text at this place, or another file. */
  | { readonly state: "changed" }
  /** `before` and `after` are the passages beside it; empty at the document's ends. */
  | {
      readonly state: "same";
      readonly before: string;
      readonly after: string;
      /** Name of its file, if that is still there; else null. */
      readonly file: string | null;
    };

/** A piece of a passage. */
export interface Piece {
  readonly text: string;
  readonly isMarked: boolean;
}
