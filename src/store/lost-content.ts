// Erases the content of files that nobody has any more, and the passages of documents that were removed, a
// few rows at a time: overwriting 300 MB in one go would keep everybody waiting for seconds.

import type { Database } from "bun:sqlite";

/** Rows of 256 KiB that one step erases. */
const stepPieces = 4;
/** Pages of text that one step erases. */
const stepPages = 50;
/** Passages that one step erases, with their entries in the index. */
const stepPassages = 16;

/** Erases some of the lost content. False when there is none. */
export function eraseLostContent(db: Database): boolean {
  return eraseFile(db) || eraseDocument(db) || eraseCollection(db);
}

function eraseFile(db: Database): boolean {
  const lost = db.query<{ seq: number }, []>("select seq from contents where is_lost = 1 limit 1").get();
  if (lost === null) return false;
  for (const [table, limit] of [
    ["content_pieces", stepPieces],
    ["content_pages", stepPages],
  ] as const) {
    const sql = `delete from ${table} where rowid in (select rowid from ${table} where content = ? limit ?)`;
    if (db.query(sql).run(lost.seq, limit).changes > 0) return true;
  }
  db.query("delete from contents where seq = ?").run(lost.seq);
  return true;
}

function eraseDocument(db: Database): boolean {
  const lost = db.query<{ seq: number }, []>("select seq from documents where state = 'lost' limit 1").get();
  return lost !== null && erasePart(db, lost.seq);
}

/** Its documents one by one, then the collection. */
function eraseCollection(db: Database): boolean {
  const sql = "select seq from collections where is_lost = 1 limit 1";
  const lost = db.query<{ seq: number }, []>(sql).get();
  if (lost === null) return false;
  const ofIt = db.query<{ seq: number }, [number]>("select seq from documents where collection = ? limit 1");
  const document = ofIt.get(lost.seq);
  if (document !== null) return erasePart(db, document.seq);
  db.query("delete from collections where seq = ?").run(lost.seq);
  return true;
}

/** Some passages of a document; when there are none, the document. */
function erasePart(db: Database, document: number): true {
  const sql = "delete from passages where seq in (select seq from passages where document = ? limit ?)";
  if (db.query(sql).run(document, stepPassages).changes === 0)
    db.query("delete from documents where seq = ?").run(document);
  return true;
}
