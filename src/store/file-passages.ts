// Contract of the passages of attached files that are too long to be read whole. They are stored once per
// content, found like those of documents, and erased with the content.

import type { Message } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import type { CollectionId, DocumentId, MessageId } from "../domain/id.ts";

export interface FilePassages {
  /**
   * The collection that holds the passages of a file's content; it is made if there is none. null for an
   * unknown file.
   */
  collectionOf(file: FileId): Promise<CollectionId | null>;
  /** The document with the passages; null until all of them are stored. */
  documentOf(file: FileId): Promise<DocumentId | null>;
  /**
   * Says in a message that these files of it are searched instead of read whole. Returns the message; null
   * for an unknown one.
   */
  markSearched(message: MessageId, files: readonly FileId[]): Promise<Message | null>;
}
