// Vectors of passages in SQLite. They are erased with their passages.

import type { PassageHit } from "../domain/document.ts";
import type { CollectionId } from "../domain/id.ts";
import { PassageTable } from "./passage-table.ts";
import type { Queries } from "./queries.ts";
import type { LackingPassage, PassageVector, VectorDocument, VectorModel, Vectors } from "./vectors.ts";

interface LackingRow {
  passage: number;
  path: string;
  title: string | null;
  headings: string;
  text: string;
}

interface VectorRow {
  passage: number;
  scale: number;
  v: Uint8Array;
}

const lackingPassages = `from passages p where p.document = ? and not exists
  (select 1 from passage_vectors v where v.passage = p.seq and v.model = ?)`;

export class VectorTable implements Vectors {
  readonly #q: Queries;
  readonly #passages: PassageTable;

  constructor(queries: Queries) {
    this.#q = queries;
    this.#passages = new PassageTable(queries);
  }

  async model({ name, prefix, dims }: VectorModel): Promise<number> {
    const find = "select seq from embedding_models where name = ? and prefix = ? and dims = ?";
    const known = this.#q.one<{ seq: number }>(find, name, prefix, dims);
    if (known) return known.seq;
    this.#q.run(
      "insert into embedding_models (name, prefix, dims) values (?, ?, ?) on conflict do nothing",
      ...[name, prefix, dims],
    );
    return (this.#q.one(find, name, prefix, dims) as { seq: number }).seq;
  }

  async lacking(model: number, limit: number): Promise<readonly LackingPassage[]> {
    const next = `select seq from documents where state = 'searchable' and passages > 0
      and (vectors_by is null or vectors_by <> ?) order by vectors_by, seq limit ?`;
    const sql = `select p.seq as passage, d.path, d.title, p.headings, p.text ${lackingPassages.replace(
      "passages p",
      "passages p join documents d on d.seq = p.document",
    )} order by p.seq limit ?`;
    const found: LackingPassage[] = [];
    for (const { seq } of this.#q.all<{ seq: number }>(next, model, limit)) {
      const rows = this.#q.all<LackingRow>(sql, seq, model, limit - found.length);
      // all its passages were erased or embedded by another process
      if (rows.length === 0) this.#settle(model, [seq]);
      found.push(...rows.map((row) => ({ ...row, headings: JSON.parse(row.headings) as string[] })));
      if (found.length === limit) break;
    }
    return found;
  }

  async add(model: number, vectors: readonly PassageVector[]): Promise<void> {
    const documentOf = "select document from passages where seq = ?";
    const put = `insert into passage_vectors (passage, model, scale, v) values (?, ?, ?, ?)
      on conflict (passage) do update set model = excluded.model, scale = excluded.scale, v = excluded.v`;
    this.#q.transaction(() => {
      const documents = new Set<number>();
      for (const { passage, scale, values } of vectors) {
        const found = this.#q.one<{ document: number }>(documentOf, passage);
        if (found === null) continue;
        this.#q.run(
          put,
          passage,
          model,
          scale,
          new Uint8Array(values.buffer, values.byteOffset, values.length),
        );
        documents.add(found.document);
      }
      this.#settle(model, [...documents]);
    });
  }

  async progress(model: number): Promise<{ done: number; total: number }> {
    const sql = `select coalesce(sum(passages), 0) as total,
      coalesce(sum(case vectors_by when ? then passages end), 0) as done
      from documents where state = 'searchable'`;
    return this.#q.one<{ done: number; total: number }>(sql, model) as { done: number; total: number };
  }

  async state(model: number): Promise<string> {
    const sql = `select count(*) || '.' || coalesce(sum(vectors_mark), 0) as state
      from documents where state = 'searchable' and vectors_by = ?`;
    return (this.#q.one<{ state: string }>(sql, model) as { state: string }).state;
  }

  async documents(model: number, after: number, limit: number): Promise<readonly VectorDocument[]> {
    const sql = `select seq as document, collection, vectors_mark as mark from documents
      where state = 'searchable' and vectors_by = ? and seq > ? order by seq limit ?`;
    return this.#q.all<VectorDocument>(sql, model, after, limit);
  }

  async of(document: number, after: number, limit: number): Promise<readonly PassageVector[]> {
    const sql = `select v.passage, v.scale, v.v from passages p join passage_vectors v on v.passage = p.seq
      where p.document = ? and p.seq > ? order by p.seq limit ?`;
    return this.#q.all<VectorRow>(sql, document, after, limit).map(({ passage, scale, v }) => {
      return { passage, scale, values: new Int8Array(v.buffer, v.byteOffset, v.length) };
    });
  }

  async collections(ids: readonly CollectionId[]): Promise<readonly number[]> {
    const sql = "select seq from collections where id = ? and is_lost = 0";
    return [...new Set(ids)].flatMap((id) => this.#q.one<{ seq: number }>(sql, id)?.seq ?? []);
  }

  async passages(
    numbers: readonly number[],
    collections: readonly number[],
  ): Promise<ReadonlyMap<number, Omit<PassageHit, "score">>> {
    return this.#passages.at(numbers, collections);
  }

  /** Marks those of the documents that have all their vectors. */
  #settle(model: number, documents: readonly number[]): void {
    const sql = `update documents set vectors_by = ?, vectors_mark = abs(random() % 1099511627776)
      where seq = ? and not exists (select 1 ${lackingPassages})`;
    for (const seq of documents) this.#q.run(sql, model, seq, seq, model);
  }
}
