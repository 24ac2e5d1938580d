// Makes the text of an attached file searchable that is too long to be read whole: cut into passages like a
// document, once per content.

import type { CollectionId, DocumentId, MessageId } from "../domain/id.ts";
import type { FilePart } from "../domain/part.ts";
import type { Documents } from "../store/documents.ts";
import type { Files } from "../store/files.ts";
import { indexedPassages } from "./indexing.ts";

/** Where a file and its passages are kept. */
interface FileStore {
  readonly files: Pick<Files, "pagesFor" | "passages">;
  readonly documents: Documents;
}

/** The passages of a file's content: a document that is alone in its collection. */
interface SearchedContent {
  readonly collection: CollectionId;
  readonly document: DocumentId;
}

export class FileIndex {
  /** Contents that are being cut, by their collection: two questions with the same file cut it once. */
  readonly #underWay = new Map<CollectionId, Promise<void>>();

  /**
   * The passages of a file that this message has; they are made first if nobody has asked for them before.
   * null for a file that is gone, or has no text.
   */
  async of(store: FileStore, message: MessageId, part: FilePart): Promise<SearchedContent | null> {
    const { passages } = store.files;
    const collection = part.file === null ? null : await passages.collectionOf(part.file);
    if (collection === null || part.file === null) return null;
    if ((await passages.documentOf(part.file)) === null) {
      const work = this.#underWay.get(collection) ?? cut(store, collection, message, part);
      this.#underWay.set(collection, work);
      await work.finally(() => this.#underWay.delete(collection));
    }
    const document = await passages.documentOf(part.file);
    return document === null ? null : { collection, document };
  }
}

async function cut(
  { files, documents }: FileStore,
  collection: CollectionId,
  message: MessageId,
  { file, name, type, bytes }: FilePart,
): Promise<void> {
  const pages = file === null ? null : await files.pagesFor(message, file);
  if (pages === null || pages.length === 0) return;
  // the same path for everybody, so that a beginning that was interrupted is replaced
  const document = await documents.begin(collection, { path: "", hash: "", bytes, file: null });
  const facts = { title: null, pages: pages.length, picturePages: [] };
  // a question about a whole table needs more rows than it has passages
  const read = { type, title: null, pages };
  await documents.fill(document, facts, indexedPassages(name, read, { areRowsTogether: true }));
}
