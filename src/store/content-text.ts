// What is read of the content of files, in SQLite: text by page, and pictures of pages without text. Written
// in small transactions.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileId, FilePage } from "../domain/file.ts";
import type { MessageId } from "../domain/id.ts";
import type { NewFile } from "./files.ts";
import type { Queries } from "./queries.ts";

/** Text that one transaction writes, in UTF-16 units. */
const pagesMaxChars = 256 * 1024;

export class ContentText {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async add(content: number, { pages, pictures = new Map() }: NewFile): Promise<void> {
    for (let from = 0; from < pages.length; ) {
      let [to, chars] = [from, 0];
      while (to < pages.length && (to === from || chars < pagesMaxChars))
        chars += pages[to++]?.text.length ?? 0;
      const some = pages.slice(from, to);
      this.#q.transaction(() => {
        const sql = "insert into content_pages (content, page, text) values (?, ?, ?)";
        for (const { page, text } of some) this.#q.run(sql, content, page, text);
      });
      from = to;
      await nextTurn();
    }
    for (const [page, data] of pictures) {
      const sql = "insert into content_pictures (content, page, data) values (?, ?, ?)";
      this.#q.transaction(() => this.#q.run(sql, content, page, data));
      await nextTurn();
    }
  }

  /** Moves them to content that has none: that of a document in a collection has passages instead. */
  move(from: number, to: number): void {
    const sql = `update contents set (pages, picture_pages) =
      (select pages, picture_pages from contents where seq = ?) where seq = ? and pages = 0`;
    if (this.#q.run(sql, from, to) === 0) return;
    for (const table of ["content_pages", "content_pictures"])
      this.#q.run(`update ${table} set content = ? where content = ?`, to, from);
  }

  /** See `Files.pagesFor`. */
  pagesFor(message: MessageId, file: FileId): readonly FilePage[] | null {
    if (!this.#has(message, file)) return null;
    const sql = `select p.page, p.text from files f join content_pages p on p.content = f.content
      where f.id = ? order by p.page`;
    return this.#q.all<FilePage>(sql, file);
  }

  /** See `Files.picturesFor`. */
  picturesFor(message: MessageId, file: FileId, limit: number): ReadonlyMap<number, Uint8Array> {
    if (!this.#has(message, file)) return new Map();
    const sql = `select p.page, p.data from files f join content_pictures p on p.content = f.content
      where f.id = ? order by p.page limit ?`;
    const rows = this.#q.all<{ page: number; data: Uint8Array }>(sql, file, limit);
    return new Map(rows.map(({ page, data }) => [page, data]));
  }

  #has(message: MessageId, file: FileId): boolean {
    const sql = "select 1 from message_files where message = ? and file = ?";
    return this.#q.one(sql, message, file) !== null;
  }
}
