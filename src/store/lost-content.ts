// Erases the content of files that nobody has any more, a few rows at a time: overwriting 300 MB in one go
// would keep everybody waiting for seconds.

import type { Database } from "bun:sqlite";

/** Rows of 256 KiB that one step erases. */
const stepPieces = 4;
/** Pages of text that one step erases. */
const stepPages = 50;

/** Erases some of the lost content. False when there is none. */
export function eraseLostContent(db: Database): boolean {
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
