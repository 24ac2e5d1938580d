// Erases the content of files that nobody has any more, and the passages of documents that were removed, a
// few rows at a time: overwriting 300 MB in one go would keep everybody waiting for seconds.

import { change, one, type Work } from "./database.ts";

/** Rows of 256 KiB that one step erases. */
const stepPieces = 4;
/** Pages of text that one step erases. */
const stepPages = 50;
/** Passages that one step erases, with their entries in the index. */
const stepPassages = 16;

/** Erases some of the lost content of files. False when there is none. */
export function* eraseLostContent(): Work<boolean> {
  const lost = yield* one<{ seq: number }>("select seq from contents where is_lost = 1 limit 1");
  if (lost === null) return false;
  for (const [table, key, limit] of [
    ["content_pieces", "n", stepPieces],
    ["content_pages", "page", stepPages],
    ["content_pictures", "page", stepPieces],
  ] as const) {
    const some = `select ${key} from ${table} where content = ?1 limit ?2`;
    const erased = yield* change(
      `delete from ${table} where content = ?1 and ${key} in (${some})`,
      lost.seq,
      limit,
    );
    if (erased > 0) return true;
  }
  yield* change("delete from contents where seq = ?", lost.seq);
  return true;
}

/** Erases some passages of lost documents. Returns how many; null when no document is lost. */
export function* eraseLostDocuments(): Work<number | null> {
  const lost = yield* one<{ seq: number }>("select seq from documents where state = 'lost' limit 1");
  return lost === null ? yield* eraseCollection() : yield* erasePart(lost.seq);
}

/** Its documents one by one, then the collection. */
function* eraseCollection(): Work<number | null> {
  const lost = yield* one<{ seq: number }>("select seq from collections where is_lost = 1 limit 1");
  if (lost === null) return null;
  const sql = "select seq from documents where collection = ? limit 1";
  const document = yield* one<{ seq: number }>(sql, lost.seq);
  if (document !== null) return yield* erasePart(document.seq);
  yield* change("delete from collections where seq = ?", lost.seq);
  return 0;
}

/** Some passages of a document; when there are none, the document. */
function* erasePart(document: number): Work<number> {
  const sql = "delete from passages where seq in (select seq from passages where document = ? limit ?)";
  const erased = yield* change(sql, document, stepPassages);
  if (erased === 0) yield* change("delete from documents where seq = ?", document);
  return erased;
}
