// Puts together what takes in attached files: how they are read, and the stores that keep them.

import { type AttachmentBounds, Attachments } from "../chat/attachments.ts";
import { FileReader } from "../documents/attached-file.ts";
import { type ExtractBounds, Extractor } from "../documents/extractor.ts";
import type { FileId } from "../domain/file.ts";
import type { Store } from "../store/store.ts";

export type FileBounds = AttachmentBounds & ExtractBounds;

/** `storeOf` chooses among `stores` by a file's id. */
export function openAttachments(
  stores: readonly Store[],
  storeOf: (id: FileId) => Store,
  bounds: FileBounds,
): Attachments {
  return new Attachments({ stores, storeOf, bounds, reader: new FileReader(new Extractor(bounds)) });
}
