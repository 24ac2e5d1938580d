// What is read of the content of files: text by page, and pictures of pages without text. Written
// in small transactions.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileId, FilePage } from "../domain/file.ts";
import type { MessageId } from "../domain/id.ts";
import { all, change, type Database, one, type Work } from "./database.ts";
import type { NewFile } from "./files.ts";

/** Text that one transaction writes, in UTF-16 units. */
const pagesMaxChars = 256 * 1024;

export class ContentText {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async add(content: number, { pages, pictures = new Map() }: NewFile): Promise<void> {
    for (let from = 0; from < pages.length; ) {
      let [to, chars] = [from, 0];
      while (to < pages.length && (to === from || chars < pagesMaxChars))
        chars += pages[to++]?.text.length ?? 0;
      const some = pages.slice(from, to);
      await this.#db.write(() => this.#addPages(content, some));
      from = to;
      await nextTurn();
    }
    for (const [page, data] of pictures) {
      const sql = "insert into content_pictures (content, page, data) values (?, ?, ?)";
      await this.#db.write(() => change(sql, content, page, data));
      await nextTurn();
    }
  }

  /** Moves them to content that has none: that of a document in a collection has passages instead. */
  *move(from: number, to: number): Work<void> {
    const sql = `update contents set (pages, picture_pages) =
      (select pages, picture_pages from contents where seq = ?) where seq = ? and pages = 0`;
    if ((yield* change(sql, from, to)) === 0) return;
    for (const table of ["content_pages", "content_pictures"])
      yield* change(`update ${table} set content = ? where content = ?`, to, from);
  }

  /** See `Files.pagesFor`. */
  *pagesFor(message: MessageId, file: FileId): Work<readonly FilePage[] | null> {
    if (!(yield* this.#has(message, file))) return null;
    const sql = `select p.page, p.text from files f join content_pages p on p.content = f.content
      where f.id = ? order by p.page`;
    return yield* all<FilePage>(sql, file);
  }

  /** See `Files.picturesFor`. */
  *picturesFor(message: MessageId, file: FileId, limit: number): Work<ReadonlyMap<number, Uint8Array>> {
    if (!(yield* this.#has(message, file))) return new Map();
    const sql = `select p.page, p.data from files f join content_pictures p on p.content = f.content
      where f.id = ? order by p.page limit ?`;
    const rows = yield* all<{ page: number; data: Uint8Array }>(sql, file, limit);
    return new Map(rows.map(({ page, data }) => [page, data]));
  }

  *#addPages(content: number, pages: readonly FilePage[]): Work<void> {
    const sql = "insert into content_pages (content, page, text) values (?, ?, ?)";
    for (const { page, text } of pages) yield* change(sql, content, page, text);
  }

  *#has(message: MessageId, file: FileId): Work<boolean> {
    const sql = "select 1 from message_files where message = ? and file = ?";
    return (yield* one(sql, message, file)) !== null;
  }
}
