// Files in SQLite: content in pieces, its text by page, and the messages that have them. Triggers of the
// schema delete files that no message has any more; their content is erased by store/lost-content.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Failure } from "../domain/failure.ts";
import { type FileId, type FilePage, rangesIn, rangesOf, type StoredFile } from "../domain/file.ts";
import type { FileType } from "../domain/file-type.ts";
import type { ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { FilePart } from "../domain/part.ts";
import { ContentText } from "./content-text.ts";
import { FilePassageTable } from "./file-passage-table.ts";
import type { Files, NewFile } from "./files.ts";
import type { Queries } from "./queries.ts";

/** Bytes of one row of content: a write of a millisecond, and a read that is sent at once. */
const pieceBytes = 256 * 1024;

/** Content that is still being written after this long was left by a process that has ended, in ms. */
const writingMs = 60 * 60_000;

interface FileRow {
  id: string;
  owner: string;
  name: string;
  type: FileType;
  media_type: string;
  bytes: number;
  pages: number;
  /** JSON. */
  picture_pages: string;
}

const fileRows = "select f.id, f.owner, f.name, c.* from files f join contents c on c.seq = f.content";
/** Condition on files that neither a message nor a document has. */
const isUnused = `not exists (select 1 from message_files where file = files.id)
  and not exists (select 1 from documents where file = files.id)`;

export class FileTable implements Files {
  readonly passages: FilePassageTable;
  readonly #q: Queries;
  readonly #text: ContentText;

  constructor(queries: Queries) {
    this.#text = new ContentText(queries);
    this.passages = new FilePassageTable(queries);
    this.#q = queries;
  }

  async add(file: NewFile, content: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const seq = this.#begin(file);
    try {
      const hash = new Bun.CryptoHasher("sha256");
      let [bytes, n] = [0, 0];
      for await (const piece of inPieces(content)) {
        hash.update(piece);
        bytes += piece.length;
        const sql = "insert into content_pieces (content, n, data) values (?, ?, ?)";
        this.#q.transaction(() => this.#q.run(sql, seq, n++, piece));
        await nextTurn();
      }
      await this.#text.add(seq, file);
      return this.#q.transaction(() => this.#end(seq, file, hash.digest("hex"), bytes));
    } catch (error) {
      this.#q.transaction(() => this.#drop("seq = ?", seq));
      throw error;
    }
  }

  async file(id: FileId): Promise<StoredFile | null> {
    return this.find(id);
  }

  async unsent(owner: PersonId, id: FileId): Promise<StoredFile | null> {
    const sql = `${fileRows} where f.id = ? and f.owner = ?
      and not exists (select 1 from message_files where file = f.id)`;
    const row = this.#q.one<FileRow>(sql, id, owner);
    return row && toFile(row);
  }

  find(id: FileId): StoredFile | null {
    const row = this.#q.one<FileRow>(`${fileRows} where f.id = ?`, id);
    return row && toFile(row);
  }

  /** The part of a message that has this file; null for an unknown one. */
  partOf(id: FileId | undefined): FilePart | null {
    const found = id === undefined ? null : this.find(id);
    if (found === null) return null;
    const { id: file, owner: _, mediaType: __, ...facts } = found;
    return { kind: "file", file, ...facts };
  }

  async isIn(conversation: ConversationId, file: FileId): Promise<boolean> {
    const sql = `select 1 from message_files f
      join messages m on m.id = f.message join conversations c on c.id = m.conversation
      where f.file = ? and c.id = ? and m.deleted_at is null and c.deleted_at is null`;
    return this.#q.one(sql, file, conversation) !== null;
  }

  async *content(id: FileId): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const sql = `select p.data from files f join content_pieces p on p.content = f.content
      where f.id = ? and p.n = ?`;
    for (let n = 0; ; n++) {
      const row = this.#q.one<{ data: Uint8Array<ArrayBuffer> }>(sql, id, n);
      if (row === null) return;
      yield row.data;
      await nextTurn();
    }
  }

  async pagesFor(message: MessageId, file: FileId): Promise<readonly FilePage[] | null> {
    return this.#text.pagesFor(message, file);
  }

  async picturesFor(
    message: MessageId,
    file: FileId,
    limit: number,
  ): Promise<ReadonlyMap<number, Uint8Array>> {
    return this.#text.picturesFor(message, file, limit);
  }

  async remove(owner: PersonId, id: FileId): Promise<boolean> {
    const sql = `delete from files where id = ? and owner = ? and ${isUnused}`;
    return this.#q.transaction(() => this.#forgetting(this.#q.run(sql, id, owner))) > 0;
  }

  async usedBytes(owner: PersonId): Promise<number> {
    return this.#usedBytes(owner);
  }

  #usedBytes(owner: PersonId): number {
    const sql = `select coalesce(sum(c.bytes), 0) as bytes
      from files f join contents c on c.seq = f.content where f.owner = ?`;
    return this.#q.one<{ bytes: number }>(sql, owner)?.bytes ?? 0;
  }

  async removeUnsent(time: number): Promise<void> {
    const unsent = `created_at < ? and ${isUnused}`;
    const left = "hash is null and is_lost = 0 and created_at < ?";
    const writing = Date.now() - writingMs;
    const isDue =
      this.#q.one(`select 1 from files where ${unsent}`, time) !== null ||
      this.#q.one(`select 1 from contents where ${left}`, writing) !== null;
    if (!isDue) return;
    this.#q.transaction(() => {
      this.#forgetting(this.#q.run(`delete from files where ${unsent}`, time));
      this.#drop(left, writing);
    });
  }

  /** Deletes all files of a person, also those in other people's messages. Within a transaction of the caller. */
  removeAllOf(owner: PersonId): void {
    this.#q.run("delete from files where owner = ?", owner);
  }

  /** Gives files to a message. Within a transaction of the caller. */
  attach(message: MessageId, parts: readonly FilePart[]): void {
    for (const { file } of parts)
      if (file !== null)
        this.#q.run("insert or ignore into message_files (message, file) values (?, ?)", message, file);
  }

  #begin({ type, mediaType, pages, picturePages = [] }: NewFile): number {
    const row = this.#q.one<{ seq: number }>(
      `insert into contents (type, media_type, pages, picture_pages, created_at)
       values (?, ?, ?, ?, ?) returning seq`,
      type,
      mediaType,
      pages.length,
      JSON.stringify(rangesOf(picturePages)),
      Date.now(),
    );
    return (row as { seq: number }).seq;
  }

  /** Makes the file; its content is dropped again where the same is there already. */
  #end(seq: number, file: NewFile, hash: string, bytes: number): StoredFile {
    const { id, owner, name, type, ownerMaxBytes: limitBytes } = file;
    const usedBytes = this.#usedBytes(owner);
    if (usedBytes + bytes > limitBytes) throw new Failure("files_full", { usedBytes, limitBytes, bytes });
    const sql = "select seq from contents where hash = ? and type = ?";
    const known = this.#q.one<{ seq: number }>(sql, hash, type)?.seq;
    if (known === undefined)
      this.#q.run("update contents set hash = ?, bytes = ? where seq = ?", hash, bytes, seq);
    this.#q.run(
      "insert into files (id, owner, name, content, created_at) values (?, ?, ?, ?, ?)",
      id,
      owner,
      name,
      known ?? seq,
      Date.now(),
    );
    if (known !== undefined) {
      this.#text.move(seq, known);
      this.#drop("seq = ?", seq);
    }
    return this.find(id) as StoredFile;
  }

  #drop(which: string, value: number): void {
    this.#forgetting(this.#q.run(`update contents set hash = null, is_lost = 1 where ${which}`, value));
  }

  #forgetting(deleted: number): number {
    if (deleted > 0) this.#q.now(this.#q.forgetting.begin("rows"));
    return deleted;
  }
}

function toFile({ id, owner, name, type, bytes, pages, ...row }: FileRow): StoredFile {
  const picturePages = rangesIn(JSON.parse(row.picture_pages));
  const facts = { id, owner, name, type, mediaType: row.media_type, bytes, pages };
  return picturePages.length === 0 ? facts : { ...facts, picturePages };
}

/** The same bytes in pieces of `pieceBytes`; only the last one may be shorter. */
async function* inPieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for await (const chunk of content)
    for (let at = 0; at < chunk.length; ) {
      const some = chunk.subarray(at, at + pieceBytes - filled);
      piece.set(some, filled);
      [at, filled] = [at + some.length, filled + some.length];
      if (filled < pieceBytes) continue;
      yield piece;
      filled = 0;
    }
  if (filled > 0) yield piece.subarray(0, filled);
}
