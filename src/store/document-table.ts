// The table of documents in collections. One that is removed is only marked as lost here; store/lost-content
// erases it.

import type {
  DocumentFacts,
  DocumentHead,
  IndexedPassage,
  Passage,
  StoredDocument,
} from "../domain/document.ts";
import { Failure, type FailureReport } from "../domain/failure.ts";
import { type CollectionId, type DocumentId, newId } from "../domain/id.ts";
import { all, change, type Database, one, type Value, type Work } from "./database.ts";
import type { DocumentRange, Documents, Neighbours } from "./documents.ts";
import { PassageTable } from "./passage-table.ts";
import { VectorTable } from "./vector-table.ts";

/** Passages that one transaction stores: about 5 ms. More of them together save hardly any time (measured). */
const batchPassages = 8;

interface DocumentRow {
  seq: number;
  id: string;
  collection_id: string;
  path: string;
  hash: string;
  title: string | null;
  state: StoredDocument["state"];
  failure: string | null;
  bytes: number;
  pages: number;
  picture_pages: string;
  passages: number;
  file: string | null;
}

const documentRows = `select d.*, c.id as collection_id from documents d
  join collections c on c.seq = d.collection and c.is_lost = 0`;

export class DocumentTable implements Documents {
  readonly vectors: VectorTable;
  readonly #db: Database;
  readonly #passages: PassageTable;

  constructor(db: Database) {
    this.#db = db;
    this.#passages = new PassageTable(db);
    this.vectors = new VectorTable(db);
  }

  async of(
    id: CollectionId,
    { from, limit }: DocumentRange = { from: 0, limit: Number.MAX_SAFE_INTEGER },
  ): Promise<readonly StoredDocument[]> {
    const sql = `${documentRows} where c.id = ? and d.state <> 'lost'
      and not (d.state = 'reading' and exists (select 1 from documents s where s.collection = d.collection
        and s.path = d.path and s.state in ('searchable', 'refused')))
      order by d.path limit ? offset ?`;
    return (await this.#db.read(() => all<DocumentRow>(sql, id, limit, from))).map(toDocument);
  }

  async document(id: DocumentId): Promise<StoredDocument | null> {
    const sql = `${documentRows} where d.id = ? and d.state <> 'lost'`;
    const row = await this.#db.read(() => one<DocumentRow>(sql, id));
    return row && toDocument(row);
  }

  async at(id: CollectionId, path: string): Promise<StoredDocument | null> {
    const sql = `${documentRows} where c.id = ? and d.path = ? and d.state = 'searchable'`;
    const row = await this.#db.read(() => one<DocumentRow>(sql, id, path));
    return row && toDocument(row);
  }

  around(id: DocumentId, page: number, start: number): Promise<Neighbours | null> {
    return this.#db.read(() => this.#around(id, page, start));
  }

  passages(id: DocumentId, from: number, limit: number): Promise<readonly Passage[]> {
    return this.#db.read(() => this.#passagesOf(id, from, limit));
  }

  begin(id: CollectionId, head: DocumentHead): Promise<DocumentId> {
    return this.#db.write(() => this.#begin(id, head));
  }

  async fill(
    id: DocumentId,
    { title, pages, picturePages }: DocumentFacts,
    passages: Iterable<IndexedPassage>,
  ): Promise<boolean> {
    await this.#eraseLeftOver(id);
    let count = 0;
    for (const batch of batches(passages)) {
      if (!(await this.#db.write(() => this.#addPassages(id, batch)))) return false;
      count += batch.length;
      await Bun.sleep(0);
    }
    const values = [title, pages, JSON.stringify(picturePages), count];
    const set = "state = 'searchable', title = ?, pages = ?, picture_pages = ?, passages = ?";
    return this.#db.write(() => this.#settle(id, set, values));
  }

  async refuse(id: DocumentId, failure: FailureReport): Promise<void> {
    const set = "state = 'refused', failure = ?";
    await this.#db.write(() => this.#settle(id, set, [JSON.stringify(failure)]));
  }

  async abandon(id: CollectionId): Promise<void> {
    const which = "collection = (select seq from collections where id = ?) and state = 'reading'";
    const isThere = await this.#db.read(() => one(`select 1 from documents where ${which}`, id));
    if (isThere) await this.#db.write(() => this.#loseDocuments(which, id));
  }

  async next(): Promise<StoredDocument | null> {
    const sql = `${documentRows} where d.state = 'reading' and d.file is not null order by d.seq limit 1`;
    const row = await this.#db.read(() => one<DocumentRow>(sql));
    return row && toDocument(row);
  }

  async forget(id: CollectionId, path: string): Promise<void> {
    const which = "collection = (select seq from collections where id = ?) and path = ? and state <> 'lost'";
    await this.#db.write(() => this.#loseDocuments(which, id, path));
  }

  *#searchable(id: DocumentId): Work<DocumentRow | null> {
    return yield* one<DocumentRow>(`${documentRows} where d.id = ? and d.state = 'searchable'`, id);
  }

  *#around(id: DocumentId, page: number, start: number): Work<Neighbours | null> {
    const row = yield* this.#searchable(id);
    return row && (yield* this.#passages.around(row.seq, page, start));
  }

  *#passagesOf(id: DocumentId, from: number, limit: number): Work<readonly Passage[]> {
    const row = yield* this.#searchable(id);
    return row === null ? [] : yield* this.#passages.of(row.seq, from, limit);
  }

  *#begin(id: CollectionId, { path, hash, bytes, file }: DocumentHead): Work<DocumentId> {
    const document = newId();
    const sql = "select seq from collections where id = ? and is_lost = 0";
    const collection = (yield* one<{ seq: number }>(sql, id))?.seq;
    if (collection === undefined) throw new Failure("not_found");
    yield* this.#loseDocuments("collection = ? and path = ? and state = 'reading'", collection, path);
    yield* change(
      `insert into documents (id, collection, path, hash, bytes, file, state)
       values (?, ?, ?, ?, ?, ?, 'reading')`,
      ...[document, collection, path, hash, bytes, file],
    );
    return document;
  }

  /** False when the document is not being read any more. */
  *#addPassages(id: DocumentId, passages: readonly IndexedPassage[]): Work<boolean> {
    const place = yield* this.#begun(id);
    if (place === null) return false;
    yield* this.#passages.add(passages, place.seq, place.collection);
    return true;
  }

  /** Erases passages that a process stored which has ended before the last one. */
  async #eraseLeftOver(id: DocumentId): Promise<void> {
    while ((await this.#db.write(() => this.#eraseSome(id))) > 0) await Bun.sleep(0);
  }

  *#eraseSome(id: DocumentId): Work<number> {
    const sql = `delete from passages where seq in (select p.seq from passages p
      join documents d on d.seq = p.document where d.id = ? and d.state = 'reading' limit ?)`;
    const erased = yield* change(sql, id, batchPassages);
    if (erased > 0) yield* this.#db.forgetting.begin("texts");
    return erased;
  }

  /** The place of a document that is being read; null for any other. */
  *#begun(id: DocumentId): Work<{ seq: number; collection: number } | null> {
    const sql = `select d.seq, d.collection from documents d
      join collections c on c.seq = d.collection and c.is_lost = 0 where d.id = ? and d.state = 'reading'`;
    return yield* one<{ seq: number; collection: number }>(sql, id);
  }

  /** Ends the reading of a document, which takes the place of the one that had its path. */
  *#settle(id: DocumentId, set: string, values: readonly Value[]): Work<boolean> {
    const begun = yield* this.#begun(id);
    if (begun === null) return false;
    const which = `collection = ? and state in ('searchable', 'refused')
      and path = (select path from documents where seq = ?)`;
    yield* this.#loseDocuments(which, begun.collection, begun.seq);
    yield* change(`update documents set ${set} where seq = ?`, ...values, begun.seq);
    return true;
  }

  *#loseDocuments(which: string, ...values: Value[]): Work<void> {
    const lost = yield* change(`update documents set state = 'lost' where ${which}`, ...values);
    if (lost > 0) yield* this.#db.forgetting.begin("texts");
  }
}

function* batches<Each>(all: Iterable<Each>): Generator<readonly Each[]> {
  let batch: Each[] = [];
  for (const each of all) {
    batch.push(each);
    if (batch.length < batchPassages) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function toDocument(row: DocumentRow): StoredDocument {
  const { id, collection_id: collection, path, hash, title, state, bytes, pages, passages, file } = row;
  const failure = row.failure === null ? null : (JSON.parse(row.failure) as FailureReport);
  const picturePages = JSON.parse(row.picture_pages) as number[];
  return { id, collection, path, hash, title, state, failure, bytes, pages, picturePages, passages, file };
}
