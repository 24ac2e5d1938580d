// Collections, documents and passages in SQLite. Passages are found by an FTS5 index of their terms, ranked
// by BM25.

import type {
  Collection,
  DocumentHead,
  IndexedPassage,
  ListedCollection,
  PassageHit,
  WordQuery,
} from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import { type CollectionId, type DocumentId, newId, type PersonId } from "../domain/id.ts";
import type { Collections, PassageRange } from "./collections.ts";
import type { Queries } from "./queries.ts";

/** Passages that one transaction stores or erases: about 20 ms. */
const batchPassages = 32;
/** Weights of the index's columns in BM25: a long word that only holds what is looked for counts less. */
const weights = "1.0, 0.2, 0.0";

interface CollectionRow {
  seq: number;
  id: string;
  owner: string;
  name: string;
  folder: string;
}

interface HitRow {
  collection: string;
  document: string;
  path: string;
  title: string | null;
  page: number;
  from: number;
  to: number;
  headings: string;
  text: string;
  rank: number;
}

export class CollectionTable implements Collections {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async list(owner: PersonId): Promise<readonly ListedCollection[]> {
    const rows = this.#q.all<CollectionRow & { documents: number; passages: number }>(
      `select c.*, count(distinct d.seq) as documents, count(p.seq) as passages
       from collections c
       left join documents d on d.collection = c.seq and d.stored_at is not null
       left join passages p on p.document = d.seq
       where c.owner = ? group by c.seq order by c.name`,
      owner,
    );
    return rows.map((row) => ({ ...toCollection(row), documents: row.documents, passages: row.passages }));
  }

  async find(owner: PersonId, name: string): Promise<Collection | null> {
    const sql = "select * from collections where owner = ? and name = ?";
    const row = this.#q.one<CollectionRow>(sql, owner, name);
    return row && toCollection(row);
  }

  async add(owner: PersonId, name: string, folder: string): Promise<Collection> {
    const id = newId();
    const added = this.#q.run(
      `insert into collections (id, owner, name, folder, created_at) values (?, ?, ?, ?, ?)
       on conflict (owner, name) do nothing`,
      ...[id, owner, name, folder, Date.now()],
    );
    if (added === 0) throw new Failure("name_taken", { name });
    return { id, owner, name, folder };
  }

  async remove(id: CollectionId): Promise<void> {
    const collection = this.#seqOf(id);
    if (collection === null) return;
    this.#q.run("update documents set stored_at = null where collection = ?", collection);
    await this.#eraseUnfinished(collection);
    this.#q.transaction(() => {
      this.#q.run("delete from collections where seq = ?", collection);
      this.#q.forgetting.begin();
    });
  }

  async documents(id: CollectionId): Promise<readonly Pick<DocumentHead, "path" | "hash">[]> {
    return this.#q.all(
      "select path, hash from documents where collection = ? and stored_at is not null order by path",
      this.#seqOf(id),
    );
  }

  async put(
    id: CollectionId,
    { path, hash, title }: DocumentHead,
    passages: Iterable<IndexedPassage>,
  ): Promise<DocumentId> {
    const collection = this.#seqOf(id);
    if (collection === null) throw new Failure("not_found");
    await this.#eraseUnfinished(collection);
    const document = newId();
    this.#q.run(
      "insert into documents (id, collection, path, hash, title) values (?, ?, ?, ?, ?)",
      ...[document, collection, path, hash, title],
    );
    const { seq } = this.#q.one("select seq from documents where id = ?", document) as { seq: number };
    for (const batch of batches(passages)) {
      this.#q.transaction(() => {
        for (const passage of batch) this.#addPassage(passage, seq, collection);
      });
      await Bun.sleep(0);
    }
    this.#q.transaction(() => {
      this.#hide(collection, path);
      this.#q.run("update documents set stored_at = ? where seq = ?", Date.now(), seq);
    });
    await this.#eraseUnfinished(collection);
    return document;
  }

  async forget(id: CollectionId, path: string): Promise<void> {
    const collection = this.#seqOf(id);
    if (collection === null) return;
    this.#hide(collection, path);
    await this.#eraseUnfinished(collection);
  }

  async known(terms: readonly string[]): Promise<ReadonlySet<string>> {
    const sql = "select 1 from passage_terms where term = ?";
    return new Set(terms.filter((term) => this.#q.one(sql, term) !== null));
  }

  async search(
    query: WordQuery,
    { owner, collections, limit }: PassageRange,
  ): Promise<readonly PassageHit[]> {
    const all = this.#q.all<Pick<CollectionRow, "seq" | "name">>(
      "select seq, name from collections where owner = ?",
      owner,
    );
    const own = all.filter(({ name }) => collections?.includes(name) ?? true);
    if (own.length === 0 || query.words.length === 0) return [];
    // a document that is being replaced is in the index twice, so more are taken than shown
    const rows = this.#q.all<HitRow>(
      `select c.name as collection, d.id as document, d.path, d.title, p.page, p."from", p."to", p.headings,
         p.text, s.rank
       from (select rowid, bm25(passage_search, ${weights}) as rank from passage_search
             where passage_search match ? order by rank limit ?) s
       join passages p on p.seq = s.rowid join documents d on d.seq = p.document
       join collections c on c.seq = d.collection
       where d.stored_at is not null order by s.rank, p.seq limit ?`,
      ...[matching(query, own), 4 * limit, limit],
    );
    return rows.map(toHit);
  }

  #seqOf(id: CollectionId): number | null {
    return this.#q.one<{ seq: number }>("select seq from collections where id = ?", id)?.seq ?? null;
  }

  #addPassage(
    { page, start, end, headings, text, words, compounds }: IndexedPassage,
    document: number,
    collection: number,
  ): void {
    this.#q.run(
      `insert into passages (document, page, "from", "to", headings, text) values (?, ?, ?, ?, ?, ?)`,
      ...[document, page, start, end, JSON.stringify(headings), text],
    );
    this.#q.run(
      `insert into passage_search (rowid, words, compounds, collection)
       values (last_insert_rowid(), ?, ?, ?)`,
      words.join(" "),
      compounds.flatMap((word) => [word, backwards(word)]).join(" "),
      `c${collection}`,
    );
  }

  #hide(collection: number, path: string): void {
    this.#q.run(
      "update documents set stored_at = null where collection = ? and path = ? and stored_at is not null",
      ...[collection, path],
    );
  }

  /** Erases the documents of a collection that are not found. */
  async #eraseUnfinished(collection: number): Promise<void> {
    const sql = "select seq from documents where collection = ? and stored_at is null";
    for (const { seq } of this.#q.all<{ seq: number }>(sql, collection)) {
      while (this.#eraseSome(seq) > 0) await Bun.sleep(0);
      this.#q.transaction(() => {
        this.#q.run("delete from documents where seq = ?", seq);
        this.#q.forgetting.begin();
      });
    }
  }

  /** Returns how many passages were erased. */
  #eraseSome(document: number): number {
    const sql = "select seq from passages where document = ? limit ?";
    return this.#q.transaction(() => {
      const rows = this.#q.all<{ seq: number }>(sql, document, batchPassages);
      for (const { seq } of rows) this.#q.run("delete from passages where seq = ?", seq);
      return rows.length;
    });
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

const backwards = (word: string): string => [...word].reverse().join("");

/** The query in FTS5's language (https://sqlite.org/fts5.html#full_text_query_syntax). */
function matching({ words, fragments }: WordQuery, collections: readonly { seq: number }[]): string {
  const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`;
  const any = [
    ...words.map((word) => `words : ${quoted(word)}`),
    ...fragments.flatMap((part) => [part, backwards(part)]).map((part) => `compounds : ${quoted(part)} *`),
  ];
  const inside = collections.map(({ seq }) => `collection : "c${seq}"`);
  return `(${inside.join(" OR ")}) AND (${any.join(" OR ")})`;
}

const toCollection = ({ id, owner, name, folder }: CollectionRow): Collection => ({
  id,
  owner,
  name,
  folder,
});

function toHit({ from, to, headings, rank, ...row }: HitRow): PassageHit {
  return { ...row, start: from, end: to, headings: JSON.parse(headings) as string[], score: -rank };
}
