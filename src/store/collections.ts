// Contract of the searchable documents: collections, their documents, and passages, which are found by words.
// Knows no language: passages and queries come with their terms.

import type {
  Collection,
  DocumentHead,
  IndexedPassage,
  ListedCollection,
  PassageHit,
  WordQuery,
} from "../domain/document.ts";
import type { CollectionId, DocumentId, PersonId } from "../domain/id.ts";

/** How the passages of a query are chosen. */
export interface PassageRange {
  readonly owner: PersonId;
  /** Names of the collections; absent: all that the owner has. */
  readonly collections?: readonly string[];
  /** Passages at most. */
  readonly limit: number;
}

export interface Collections {
  /** By name. */
  list(owner: PersonId): Promise<readonly ListedCollection[]>;
  /** null for an unknown one. */
  find(owner: PersonId, name: string): Promise<Collection | null>;
  /** @throws Failure `name_taken` */
  add(owner: PersonId, name: string, folder: string): Promise<Collection>;
  /** Erases a collection with its documents, in several transactions. No effect when it is unknown. */
  remove(id: CollectionId): Promise<void>;

  /** Path and hash of each document. */
  documents(id: CollectionId): Promise<readonly Pick<DocumentHead, "path" | "hash">[]>;
  /**
   * Stores a document. It is found when all of it is stored, and then takes the place of the one that had its
   * path. Takes the passages in small transactions, so that others can write in between. What a process
   * leaves unfinished, the next `put` or `forget` of the collection erases.
   */
  put(id: CollectionId, head: DocumentHead, passages: Iterable<IndexedPassage>): Promise<DocumentId>;
  /** Erases the document at `path`, in several transactions. No effect when it is unknown. */
  forget(id: CollectionId, path: string): Promise<void>;

  /** Those of `terms` that some passage has, in any collection: enough to tell which are words. */
  known(terms: readonly string[]): Promise<ReadonlySet<string>>;
  /** The passages of the owner's collections that match best, the best first. */
  search(query: WordQuery, range: PassageRange): Promise<readonly PassageHit[]>;
}
