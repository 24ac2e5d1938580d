// The passages of attached files: for each content a collection without a name, with one document.

import type { Message } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import { type CollectionId, type DocumentId, type MessageId, newId } from "../domain/id.ts";
import { change, type Database, one, type Work } from "./database.ts";
import type { FilePassages } from "./file-passages.ts";
import { type MessageRow, partsColumn, toMessage } from "./rows.ts";

export class FilePassageTable implements FilePassages {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  collectionOf(file: FileId): Promise<CollectionId | null> {
    return this.#db.write(() => this.#collectionOf(file));
  }

  async documentOf(file: FileId): Promise<DocumentId | null> {
    const sql = `select d.id from files f join collections c on c.content = f.content
      join documents d on d.collection = c.seq and d.state = 'searchable' where f.id = ?`;
    return (await this.#db.read(() => one<{ id: string }>(sql, file)))?.id ?? null;
  }

  markSearched(message: MessageId, files: readonly FileId[]): Promise<Message | null> {
    return this.#db.write(() => this.#markSearched(message, files));
  }

  *#collectionOf(file: FileId): Work<CollectionId | null> {
    const find = "select c.id from collections c join files f on f.content = c.content where f.id = ?";
    const known = yield* one<{ id: string }>(find, file);
    if (known !== null) return known.id;
    const id = newId();
    const added = yield* change(
      `insert into collections (id, owner, name, folder, created_at, content)
       select ?, ?, '', '', ?, content from files where id = ?`,
      ...[id, id, Date.now(), file],
    );
    return added === 0 ? null : id;
  }

  *#markSearched(message: MessageId, files: readonly FileId[]): Work<Message | null> {
    const row = yield* one<MessageRow>("select * from messages where id = ?", message);
    if (row === null) return null;
    const parts = toMessage(row).parts.map((part) =>
      part.kind === "file" && part.file !== null && files.includes(part.file)
        ? { ...part, isSearched: true as const }
        : part,
    );
    yield* change("update messages set parts = ? where id = ?", partsColumn(parts), message);
    return toMessage({ ...row, parts: partsColumn(parts) });
  }
}
