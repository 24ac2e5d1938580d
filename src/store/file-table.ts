// The tables of files: content in pieces, its text by page, and the messages that have them. Triggers of the
// schema delete files that no message has any more; their content is erased by store/lost-content.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Failure } from "../domain/failure.ts";
import { type FileId, type FilePage, rangesIn, rangesOf, type StoredFile } from "../domain/file.ts";
import type { FileType } from "../domain/file-type.ts";
import type { ConversationId, MessageId, PersonId } from "../domain/id.ts";
import type { FilePart } from "../domain/part.ts";
import { ContentText } from "./content-text.ts";
import { change, type Database, one, perform, type Value, type Work } from "./database.ts";
import { FilePassageTable } from "./file-passage-table.ts";
import type { Files, NewFile } from "./files.ts";

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

interface PieceRow {
  data: Uint8Array<ArrayBuffer>;
}

const fileRows = "select f.id, f.owner, f.name, c.* from files f join contents c on c.seq = f.content";
/** Condition on files that neither a message nor a document has. */
const isUnused = `not exists (select 1 from message_files where file = files.id)
  and not exists (select 1 from documents where file = files.id)`;

/** Condition on files that were never sent, and are older than a time. */
const isUnsent = `created_at < ? and ${isUnused}`;
/** Condition on content that is being written, or was left, since before a time. */
const isLeft = "hash is null and is_lost = 0 and created_at < ?";
const leftBefore = (): number => Date.now() - writingMs;

export class FileTable implements Files {
  readonly passages: FilePassageTable;
  readonly #db: Database;
  readonly #text: ContentText;

  constructor(db: Database) {
    this.#text = new ContentText(db);
    this.passages = new FilePassageTable(db);
    this.#db = db;
  }

  async add(file: NewFile, content: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const seq = await this.#db.write(() => this.#begin(file));
    try {
      const hash = new Bun.CryptoHasher("sha256");
      let [bytes, n] = [0, 0];
      for await (const piece of inPieces(content)) {
        hash.update(piece);
        bytes += piece.length;
        const sql = "insert into content_pieces (content, n, data) values (?, ?, ?)";
        const place = n++;
        await this.#db.write(() => change(sql, seq, place, piece));
        await nextTurn();
      }
      await this.#text.add(seq, file);
      const digest = hash.digest("hex");
      return await this.#db.write(() => this.#end(seq, file, digest, bytes));
    } catch (error) {
      await this.#db.write(() => this.#drop("seq = ?", seq));
      throw error;
    }
  }

  file(id: FileId): Promise<StoredFile | null> {
    return this.#db.read(() => this.find(id));
  }

  async unsent(owner: PersonId, id: FileId): Promise<StoredFile | null> {
    const sql = `${fileRows} where f.id = ? and f.owner = ?
      and not exists (select 1 from message_files where file = f.id)`;
    const row = await this.#db.read(() => one<FileRow>(sql, id, owner));
    return row && toFile(row);
  }

  *find(id: FileId): Work<StoredFile | null> {
    const row = yield* one<FileRow>(`${fileRows} where f.id = ?`, id);
    return row && toFile(row);
  }

  /** The part of a message that has this file; null for an unknown one. */
  *partOf(id: FileId | undefined): Work<FilePart | null> {
    const found = id === undefined ? null : yield* this.find(id);
    if (found === null) return null;
    const { id: file, owner: _, mediaType: __, ...facts } = found;
    return { kind: "file", file, ...facts };
  }

  async isIn(conversation: ConversationId, file: FileId): Promise<boolean> {
    const sql = `select 1 from message_files f
      join messages m on m.id = f.message join conversations c on c.id = m.conversation
      where f.file = ? and c.id = ? and m.deleted_at is null and c.deleted_at is null`;
    return (await this.#db.read(() => one(sql, file, conversation))) !== null;
  }

  async *content(id: FileId): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const sql = `select p.data from files f join content_pieces p on p.content = f.content
      where f.id = ? and p.n = ?`;
    for (let n = 0; ; n++) {
      const row = await this.#db.read(() => one<PieceRow>(sql, id, n));
      if (row === null) return;
      yield row.data;
      await nextTurn();
    }
  }

  pagesFor(message: MessageId, file: FileId): Promise<readonly FilePage[] | null> {
    return this.#db.read(() => this.#text.pagesFor(message, file));
  }

  picturesFor(message: MessageId, file: FileId, limit: number): Promise<ReadonlyMap<number, Uint8Array>> {
    return this.#db.read(() => this.#text.picturesFor(message, file, limit));
  }

  async remove(owner: PersonId, id: FileId): Promise<boolean> {
    const sql = `delete from files where id = ? and owner = ? and ${isUnused}`;
    return (await this.#db.write(() => this.#delete(sql, id, owner))) > 0;
  }

  usedBytes(owner: PersonId): Promise<number> {
    return this.#db.read(() => this.#usedBytes(owner));
  }

  async removeUnsent(time: number): Promise<void> {
    const due = `select 1 from files where ${isUnsent} union all select 1 from contents where ${isLeft}`;
    if ((await this.#db.read(() => one(due, time, leftBefore()))) === null) return;
    await this.#db.write(() => this.#removeUnsent(time));
  }

  /** Deletes all files of a person, also those in other people's messages. */
  *removeAllOf(owner: PersonId): Work<void> {
    yield* change("delete from files where owner = ?", owner);
  }

  /** Gives files to a message. */
  *attach(message: MessageId, parts: readonly FilePart[]): Work<void> {
    const sql = "insert into message_files (message, file) values (?, ?) on conflict do nothing";
    for (const { file } of parts) if (file !== null) yield* perform(sql, message, file);
  }

  *#begin({ type, mediaType, pages, picturePages = [] }: NewFile): Work<number> {
    const sql = `insert into contents (type, media_type, pages, picture_pages, created_at)
      values (?, ?, ?, ?, ?) returning seq`;
    const ranges = JSON.stringify(rangesOf(picturePages));
    const row = yield* one<{ seq: number }>(sql, type, mediaType, pages.length, ranges, Date.now());
    return (row as { seq: number }).seq;
  }

  *#usedBytes(owner: PersonId): Work<number> {
    const sql = `select cast(coalesce(sum(c.bytes), 0) as bigint) as bytes
      from files f join contents c on c.seq = f.content where f.owner = ?`;
    return (yield* one<{ bytes: number }>(sql, owner))?.bytes ?? 0;
  }

  *#removeUnsent(time: number): Work<void> {
    yield* this.#delete(`delete from files where ${isUnsent}`, time);
    yield* this.#drop(isLeft, leftBefore());
  }

  /** Makes the file; its content is dropped again where the same is there already. */
  *#end(seq: number, file: NewFile, hash: string, bytes: number): Work<StoredFile> {
    const { id, owner, name, type, ownerMaxBytes: limitBytes } = file;
    const usedBytes = yield* this.#usedBytes(owner);
    if (usedBytes + bytes > limitBytes) throw new Failure("files_full", { usedBytes, limitBytes, bytes });
    const sql = "select seq from contents where hash = ? and type = ?";
    const known = (yield* one<{ seq: number }>(sql, hash, type))?.seq;
    if (known === undefined)
      yield* change("update contents set hash = ?, bytes = ? where seq = ?", hash, bytes, seq);
    const add = "insert into files (id, owner, name, content, created_at) values (?, ?, ?, ?, ?)";
    yield* change(add, id, owner, name, known ?? seq, Date.now());
    if (known !== undefined) {
      yield* this.#text.move(seq, known);
      yield* this.#drop("seq = ?", seq);
    }
    return (yield* this.find(id)) as StoredFile;
  }

  *#drop(which: string, value: number): Work<void> {
    yield* this.#delete(`update contents set hash = null, is_lost = 1 where ${which}`, value);
  }

  /** Returns the number of rows that were deleted, or marked as lost. */
  *#delete(sql: string, ...values: Value[]): Work<number> {
    const deleted = yield* change(sql, ...values);
    if (deleted > 0) yield* this.#db.forgetting.begin("rows");
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
