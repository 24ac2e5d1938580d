// Documents of collections in SQLite. One that is removed is only marked as lost here; store/lost-content erases
// it.

import type {
  DocumentFacts,
  DocumentHead,
  IndexedPassage,
  Passage,
  StoredDocument,
} from "../domain/document.ts";
import { Failure, type FailureReport } from "../domain/failure.ts";
import { type CollectionId, type DocumentId, newId } from "../domain/id.ts";
import type { DocumentRange, Documents, Neighbours } from "./documents.ts";
import { PassageTable } from "./passage-table.ts";
import type { Queries } from "./queries.ts";
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
  readonly #q: Queries;
  readonly #passages: PassageTable;

  constructor(queries: Queries) {
    this.#q = queries;
    this.#passages = new PassageTable(queries);
    this.vectors = new VectorTable(queries);
  }

  async of(
    id: CollectionId,
    { from, limit }: DocumentRange = { from: 0, limit: -1 },
  ): Promise<readonly StoredDocument[]> {
    const sql = `${documentRows} where c.id = ? and d.state <> 'lost'
      and not (d.state = 'reading' and exists (select 1 from documents s where s.collection = d.collection
        and s.path = d.path and s.state in ('searchable', 'refused')))
      order by d.path limit ? offset ?`;
    return this.#q.all<DocumentRow>(sql, id, limit, from).map(toDocument);
  }

  async document(id: DocumentId): Promise<StoredDocument | null> {
    const row = this.#q.one<DocumentRow>(`${documentRows} where d.id = ? and d.state <> 'lost'`, id);
    return row && toDocument(row);
  }

  async at(id: CollectionId, path: string): Promise<StoredDocument | null> {
    const sql = `${documentRows} where c.id = ? and d.path = ? and d.state = 'searchable'`;
    const row = this.#q.one<DocumentRow>(sql, id, path);
    return row && toDocument(row);
  }

  async around(id: DocumentId, page: number, start: number): Promise<Neighbours | null> {
    const row = this.#q.one<DocumentRow>(`${documentRows} where d.id = ? and d.state = 'searchable'`, id);
    return row && this.#passages.around(row.seq, page, start);
  }

  async passages(id: DocumentId, from: number, limit: number): Promise<readonly Passage[]> {
    const row = this.#q.one<DocumentRow>(`${documentRows} where d.id = ? and d.state = 'searchable'`, id);
    return row === null ? [] : this.#passages.of(row.seq, from, limit);
  }

  async begin(id: CollectionId, { path, hash, bytes, file }: DocumentHead): Promise<DocumentId> {
    const document = newId();
    this.#q.transaction(() => {
      const sql = "select seq from collections where id = ? and is_lost = 0";
      const collection = this.#q.one<{ seq: number }>(sql, id)?.seq;
      if (collection === undefined) throw new Failure("not_found");
      this.#loseDocuments("collection = ? and path = ? and state = 'reading'", collection, path);
      this.#q.run(
        `insert into documents (id, collection, path, hash, bytes, file, state)
         values (?, ?, ?, ?, ?, ?, 'reading')`,
        ...[document, collection, path, hash, bytes, file],
      );
    });
    return document;
  }

  async fill(
    id: DocumentId,
    { title, pages, picturePages }: DocumentFacts,
    passages: Iterable<IndexedPassage>,
  ): Promise<boolean> {
    await this.#eraseLeftOver(id);
    let count = 0;
    for (const batch of batches(passages)) {
      const isThere = this.#q.transaction(() => {
        const place = this.#begun(id);
        if (place) for (const passage of batch) this.#passages.add(passage, place.seq, place.collection);
        return place !== null;
      });
      if (!isThere) return false;
      count += batch.length;
      await Bun.sleep(0);
    }
    return this.#settle(id, (seq) =>
      this.#q.run(
        `update documents set state = 'searchable', title = ?, pages = ?, picture_pages = ?, passages = ?
         where seq = ?`,
        ...[title, pages, JSON.stringify(picturePages), count, seq],
      ),
    );
  }

  async refuse(id: DocumentId, failure: FailureReport): Promise<void> {
    const sql = "update documents set state = 'refused', failure = ? where seq = ?";
    this.#settle(id, (seq) => this.#q.run(sql, JSON.stringify(failure), seq));
  }

  async abandon(id: CollectionId): Promise<void> {
    const which = "collection = (select seq from collections where id = ?) and state = 'reading'";
    if (this.#q.one(`select 1 from documents where ${which}`, id) === null) return;
    this.#q.transaction(() => this.#loseDocuments(which, id));
  }

  async next(): Promise<StoredDocument | null> {
    const sql = `${documentRows} where d.state = 'reading' and d.file is not null order by d.seq limit 1`;
    const row = this.#q.one<DocumentRow>(sql);
    return row && toDocument(row);
  }

  async forget(id: CollectionId, path: string): Promise<void> {
    const which = "collection = (select seq from collections where id = ?) and path = ? and state <> 'lost'";
    this.#q.transaction(() => this.#loseDocuments(which, id, path));
  }

  /** Erases passages that a process stored which has ended before the last one. */
  async #eraseLeftOver(id: DocumentId): Promise<void> {
    const sql = `delete from passages where seq in (select p.seq from passages p
      join documents d on d.seq = p.document where d.id = ? and d.state = 'reading' limit ?)`;
    const eraseSome = () => {
      const erased = this.#q.run(sql, id, batchPassages);
      if (erased > 0) this.#q.now(this.#q.forgetting.begin("texts"));
      return erased;
    };
    while (this.#q.transaction(eraseSome) > 0) await Bun.sleep(0);
  }

  /** The place of a document that is being read; null for any other. */
  #begun(id: DocumentId): { seq: number; collection: number } | null {
    const sql = `select d.seq, d.collection from documents d
      join collections c on c.seq = d.collection and c.is_lost = 0 where d.id = ? and d.state = 'reading'`;
    return this.#q.one<{ seq: number; collection: number }>(sql, id);
  }

  /** Ends the reading of a document, which takes the place of the one that had its path. */
  #settle(id: DocumentId, write: (seq: number) => void): boolean {
    return this.#q.transaction(() => {
      const begun = this.#begun(id);
      if (begun === null) return false;
      const which = `collection = ? and state in ('searchable', 'refused')
        and path = (select path from documents where seq = ?)`;
      this.#loseDocuments(which, begun.collection, begun.seq);
      write(begun.seq);
      return true;
    });
  }

  /** Within a transaction of the caller. */
  #loseDocuments(which: string, ...values: (string | number)[]): void {
    const lost = this.#q.run(`update documents set state = 'lost' where ${which}`, ...values);
    if (lost > 0) this.#q.now(this.#q.forgetting.begin("texts"));
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
