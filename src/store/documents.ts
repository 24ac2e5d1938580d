// Contract of the documents in collections, and of their passages. Knows no language: passages come with
// their terms.

import type {
  DocumentFacts,
  DocumentHead,
  IndexedPassage,
  Passage,
  StoredDocument,
} from "../domain/document.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { CollectionId, DocumentId } from "../domain/id.ts";
import type { Vectors } from "./vectors.ts";

/** A part of a collection's documents. */
export interface DocumentRange {
  readonly from: number;
  readonly limit: number;
}

/** A passage, and those before and after it in its document. */
export interface Neighbours {
  readonly before: Passage | null;
  readonly passage: Passage;
  readonly after: Passage | null;
}

export interface Documents {
  readonly vectors: Vectors;
  /**
   * By path; all, or `limit` of them from the one with the index `from`. A document that is read anew is there
   * once, in its former state.
   */
  of(id: CollectionId, range?: DocumentRange): Promise<readonly StoredDocument[]>;
  /** null for an unknown one. Whether somebody may see it is not asked here. */
  document(id: DocumentId): Promise<StoredDocument | null>;
  /** The document at `path` that is found; null for none. Whether somebody may see it is not asked here. */
  at(id: CollectionId, path: string): Promise<StoredDocument | null>;
  /** The passage that begins at `start` of a page, between its neighbours; null for none. */
  around(id: DocumentId, page: number, start: number): Promise<Neighbours | null>;
  /** Passages of a document in its order, from the passage at `from`. */
  passages(id: DocumentId, from: number, limit: number): Promise<readonly Passage[]>;
  /**
   * Begins a document, which is then `reading`. One that has its path stays as it is until this one is read.
   * Takes the place of one that was begun before. @throws Failure `not_found` (the collection)
   */
  begin(id: CollectionId, head: DocumentHead): Promise<DocumentId>;
  /**
   * Stores the text of a document that was begun. It is found when all of it is stored, and then takes the
   * place of the one that had its path. Takes the passages in small transactions, so that others can write in
   * between. False when the document was removed or begun anew meanwhile.
   */
  fill(id: DocumentId, facts: DocumentFacts, passages: Iterable<IndexedPassage>): Promise<boolean>;
  /** Says that a document that was begun can't be read. It takes the place of the one that had its path. */
  refuse(id: DocumentId, failure: FailureReport): Promise<void>;
  /** Removes documents of a collection that a process has begun and not ended. */
  abandon(id: CollectionId): Promise<void>;
  /** The document with a stored file that waits to be read for longest; null for none. */
  next(): Promise<StoredDocument | null>;
  /** Removes the document at `path`. No effect when it is unknown. */
  forget(id: CollectionId, path: string): Promise<void>;
}
