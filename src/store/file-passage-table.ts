// The passages of attached files, in SQLite: for each content a collection without a name, with one document.

import type { Message } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import { type CollectionId, type DocumentId, type MessageId, newId } from "../domain/id.ts";
import type { FilePassages } from "./file-passages.ts";
import type { Queries } from "./queries.ts";
import { type MessageRow, partsColumn, toMessage } from "./rows.ts";

export class FilePassageTable implements FilePassages {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async collectionOf(file: FileId): Promise<CollectionId | null> {
    const find = "select c.id from collections c join files f on f.content = c.content where f.id = ?";
    const known = this.#q.one<{ id: string }>(find, file)?.id;
    if (known !== undefined) return known;
    const id = newId();
    const added = this.#q.run(
      `insert into collections (id, owner, name, folder, created_at, content)
       select ?, ?, '', '', ?, content from files where id = ?`,
      ...[id, id, Date.now(), file],
    );
    return added === 0 ? null : id;
  }

  async documentOf(file: FileId): Promise<DocumentId | null> {
    const sql = `select d.id from files f join collections c on c.content = f.content
      join documents d on d.collection = c.seq and d.state = 'searchable' where f.id = ?`;
    return this.#q.one<{ id: string }>(sql, file)?.id ?? null;
  }

  async markSearched(message: MessageId, files: readonly FileId[]): Promise<Message | null> {
    return this.#q.transaction(() => {
      const row = this.#q.one<MessageRow>("select * from messages where id = ?", message);
      if (row === null) return null;
      const parts = toMessage(row).parts.map((part) =>
        part.kind === "file" && part.file !== null && files.includes(part.file)
          ? { ...part, isSearched: true as const }
          : part,
      );
      this.#q.run("update messages set parts = ? where id = ?", partsColumn(parts), message);
      return toMessage({ ...row, parts: partsColumn(parts) });
    });
  }
}
