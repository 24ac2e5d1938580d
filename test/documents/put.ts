// Stores a document in one go.

import type { DocumentHead, IndexedPassage } from "../../src/domain/document.ts";
import type { CollectionId, DocumentId } from "../../src/domain/id.ts";
import type { Store } from "../../src/store/store.ts";

/** Its id, once all of it is stored. */
export async function putDocument(
  { documents }: Pick<Store, "documents">,
  collection: CollectionId,
  head: Pick<DocumentHead, "path" | "hash">,
  passages: Iterable<IndexedPassage>,
): Promise<DocumentId> {
  const id = await documents.begin(collection, { bytes: 0, file: null, ...head });
  await documents.fill(id, { title: null, pages: 1, picturePages: [] }, passages);
  return id;
}
