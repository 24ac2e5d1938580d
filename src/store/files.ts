// Contract of stored files, beside the messages that have them. Content is stored once, however many people
// and messages have it; each of them has a file of their own.

import type { FileId, FilePage, StoredFile } from "../domain/file.ts";
import type { FileType } from "../domain/file-type.ts";
import type { ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { FilePassages } from "./file-passages.ts";

/** A file to be stored. */
export interface NewFile {
  readonly id: FileId;
  readonly owner: PersonId;
  readonly name: string;
  readonly type: FileType;
  readonly mediaType: string;
  /** Its text; none for a picture. */
  readonly pages: readonly FilePage[];
  /** Numbers of the pages without text, in ascending order. */
  readonly picturePages?: readonly number[];
  /** JPEGs of some of these, by page. */
  readonly pictures?: ReadonlyMap<number, Uint8Array>;
  /** The most that all files of its owner may have together, with this one. */
  readonly ownerMaxBytes: number;
}

export interface Files {
  readonly passages: FilePassages;
  /**
   * Stores a file while its content arrives. Nobody sees it before its end.
   * @throws Failure `files_full`, `store_unwritable`, `store_damaged`; what `content` throws
   */
  add(file: NewFile, content: AsyncIterable<Uint8Array>): Promise<StoredFile>;
  /** Null for an unknown one. Whether somebody may see it is not asked here. */
  file(id: FileId): Promise<StoredFile | null>;
  /** A file of this person that no message has; null for any other. */
  unsent(owner: PersonId, id: FileId): Promise<StoredFile | null>;
  /** True if a message of this conversation has the file, and neither is deleted. */
  isIn(conversation: ConversationId, file: FileId): Promise<boolean>;
  /** Content of a file, piece by piece; ends early if the file is deleted meanwhile. */
  content(id: FileId): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Text of a file that this message has; null for one that it does not have. */
  pagesFor(message: MessageId, file: FileId): Promise<readonly FilePage[] | null>;
  /** The first pictures of pages without text, by page, of a file that this message has. */
  picturesFor(message: MessageId, file: FileId, limit: number): Promise<ReadonlyMap<number, Uint8Array>>;
  /** Deletes a file that no message has. False when a message has it, or it is not this person's. */
  remove(owner: PersonId, id: FileId): Promise<boolean>;
  /** Size of all of a person's files, in bytes. */
  usedBytes(owner: PersonId): Promise<number>;
  /** Deletes files that were stored before `time` (milliseconds since 1970) and that no message has. */
  removeUnsent(time: number): Promise<void>;
}
