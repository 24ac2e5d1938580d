// Erases the content of files that nobody has any more, and the passages of documents that were removed, a
// few rows at a time: overwriting 300 MB in one go would keep everybody waiting for seconds.

import type { Database } from "bun:sqlite";

/** Rows of 256 KiB that one step erases. */
const stepPieces = 4;
/** Pages of text that one step erases. */
const stepPages = 50;
/** Passages that one step erases, with their entries in the index. */
const stepPassages = 16;

/** Erases some of the lost content of files. False when there is none. */
export function eraseLostContent(db: Database): boolean {
  const lost = db.query<{ seq: number }, []>("select seq from contents where is_lost = 1 limit 1").get();
  if (lost === null) return false;
  for (const [table, limit] of [
    ["content_pieces", stepPieces],
    ["content_pages", stepPages],
    ["content_pictures", stepPieces],
  ] as const) {
    const sql = `delete from ${table} where rowid in (select rowid from ${table} where content = ? limit ?)`;
    if (db.query(sql).run(lost.seq, limit).changes > 0) return true;
  }
  db.query("delete from contents where seq = ?").run(lost.seq);
  return true;
}

/** Erases some passages of lost documents. Returns how many; null when no document is lost. */
export function eraseLostDocuments(db: Database): number | null {
  const one = "select seq from documents where state = 'lost' limit 1";
  const lost = db.query<{ seq: number }, []>(one).get();
  return lost === null ? eraseCollection(db) : erasePart(db, lost.seq);
}

/** Its documents one by one, then the collection. */
function eraseCollection(db: Database): number | null {
  const sql = "select seq from collections where is_lost = 1 limit 1";
  const lost = db.query<{ seq: number }, []>(sql).get();
  if (lost === null) return null;
  const ofIt = db.query<{ seq: number }, [number]>("select seq from documents where collection = ? limit 1");
  const document = ofIt.get(lost.seq);
  if (document !== null) return erasePart(db, document.seq);
  db.query("delete from collections where seq = ?").run(lost.seq);
  return 0;
}

/** Some passages of a document; when there are none, the document. */
function erasePart(db: Database, document: number): number {
  const sql = "delete from passages where seq in (select seq from passages where document = ? limit ?)";
  const erased = db.query(sql).run(document, stepPassages).changes;
  if (erased === 0) db.query("delete from documents where seq = ?").run(document);
  return erased;
}
