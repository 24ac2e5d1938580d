// The table of vectors of passages. They are erased with their passages.

import type { PassageHit } from "../domain/document.ts";
import type { CollectionId } from "../domain/id.ts";
import { ComparedVectors } from "./compared-vectors.ts";
import { all, type Database, one, type PlacedVector, perform, type Work } from "./database.ts";
import { PassageTable } from "./passage-table.ts";
import type {
  LackingPassage,
  NearestVectors,
  PassageVector,
  VectorDocument,
  VectorModel,
  Vectors,
} from "./vectors.ts";

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

/** Number of the marks that a document may get at random. */
const marks = 2 ** 40;

const lackingPassages = `from passages p where p.document = ? and not exists
  (select 1 from passage_vectors v where v.passage = p.seq and v.model = ?)`;

export class VectorTable implements Vectors {
  readonly #db: Database;
  readonly #passages: PassageTable;
  readonly nearest: NearestVectors | null;

  constructor(db: Database) {
    this.#db = db;
    this.#passages = new PassageTable(db);
    this.nearest = db.vectorIndex && new ComparedVectors(db, db.vectorIndex);
  }

  model(model: VectorModel): Promise<number> {
    return this.#db.write(() => this.#model(model));
  }

  async lacking(model: number, limit: number): Promise<readonly LackingPassage[]> {
    const { found, complete } = await this.#db.read(() => this.#lacking(model, limit));
    if (complete.length > 0) await this.#db.write(() => this.#settle(model, complete));
    return found;
  }

  add(model: number, vectors: readonly PassageVector[]): Promise<void> {
    return this.#db.write(() => this.#add(model, vectors));
  }

  async progress(model: number): Promise<{ done: number; total: number }> {
    const sql = `select cast(coalesce(sum(passages), 0) as bigint) as total,
      cast(coalesce(sum(case vectors_by when ? then passages end), 0) as bigint) as done
      from documents where state = 'searchable'`;
    const progress = await this.#db.read(() => one<{ done: number; total: number }>(sql, model));
    return progress as { done: number; total: number };
  }

  async state(model: number): Promise<string> {
    const sql = `select count(*) || '.' || coalesce(sum(vectors_mark), 0) as state
      from documents where state = 'searchable' and vectors_by = ?`;
    return ((await this.#db.read(() => one<{ state: string }>(sql, model))) as { state: string }).state;
  }

  documents(model: number, after: number, limit: number): Promise<readonly VectorDocument[]> {
    const sql = `select seq as document, collection, vectors_mark as mark from documents
      where state = 'searchable' and vectors_by = ? and seq > ? order by seq limit ?`;
    return this.#db.read(() => all<VectorDocument>(sql, model, after, limit));
  }

  async of(document: number, after: number, limit: number): Promise<readonly PassageVector[]> {
    const sql = `select v.passage, v.scale, v.v from passages p join passage_vectors v on v.passage = p.seq
      where p.document = ? and p.seq > ? order by p.seq limit ?`;
    const rows = await this.#db.read(() => all<VectorRow>(sql, document, after, limit));
    return rows.map(({ passage, scale, v }) => {
      return { passage, scale, values: new Int8Array(v.buffer, v.byteOffset, v.length) };
    });
  }

  async collections(ids: readonly CollectionId[]): Promise<readonly number[]> {
    const { condition, list } = this.#db.within("id", ids);
    const sql = `select seq from collections where is_lost = 0 and ${condition} order by seq`;
    return (await this.#db.read(() => all<{ seq: number }>(sql, list))).map(({ seq }) => seq);
  }

  passages(
    numbers: readonly number[],
    collections: readonly number[],
  ): Promise<ReadonlyMap<number, Omit<PassageHit, "score">>> {
    return this.#db.read(() => this.#passages.at(numbers, collections));
  }

  *#model({ name, prefix, dims }: VectorModel): Work<number> {
    const find = "select seq from embedding_models where name = ? and prefix = ? and dims = ?";
    const known = yield* one<{ seq: number }>(find, name, prefix, dims);
    if (known) return known.seq;
    const add = "insert into embedding_models (name, prefix, dims) values (?, ?, ?) returning seq";
    return ((yield* one<{ seq: number }>(add, name, prefix, dims)) as { seq: number }).seq;
  }

  /** Passages without a vector, and documents that turned out to have all of theirs. */
  *#lacking(model: number, limit: number): Work<{ found: LackingPassage[]; complete: number[] }> {
    const next = `select seq from documents where state = 'searchable' and passages > 0
      and (vectors_by is null or vectors_by <> ?) order by vectors_by nulls first, seq limit ?`;
    const sql = `select p.seq as passage, d.path, d.title, p.headings, p.text ${lackingPassages.replace(
      "passages p",
      "passages p join documents d on d.seq = p.document",
    )} order by p.seq limit ?`;
    const found: LackingPassage[] = [];
    const complete: number[] = [];
    for (const { seq } of yield* all<{ seq: number }>(next, model, limit)) {
      const rows = yield* all<LackingRow>(sql, seq, model, limit - found.length);
      // all its passages were erased or embedded by another process
      if (rows.length === 0) complete.push(seq);
      found.push(...rows.map((row) => ({ ...row, headings: JSON.parse(row.headings) as string[] })));
      if (found.length === limit) break;
    }
    return { found, complete };
  }

  *#add(model: number, vectors: readonly PassageVector[]): Work<void> {
    const asked = this.#db.rows(
      { passage: "bigint" },
      vectors.map(({ passage }) => [passage]),
    );
    const places = `select p.seq as passage, p.document, d.collection
      from ${asked.table} a join passages p on p.seq = a.passage join documents d on d.seq = p.document`;
    type Place = { passage: number; document: number; collection: number };
    const found = new Map((yield* all<Place>(places, asked.list)).map((place) => [place.passage, place]));
    const put = `insert into passage_vectors (passage, model, scale, v) values (?, ?, ?, ?)
      on conflict (passage) do update set model = excluded.model, scale = excluded.scale, v = excluded.v`;
    const placed: PlacedVector[] = [];
    for (const { passage, scale, values } of vectors) {
      const place = found.get(passage);
      if (!place) continue;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.length);
      yield* perform(put, passage, model, scale, bytes);
      placed.push({ passage, collection: place.collection, values });
    }
    const compared = placed.filter(({ values }) => values.length > 0);
    if (this.#db.vectorIndex && compared.length > 0) yield* this.#db.vectorIndex.add(model, compared);
    const documents = new Set([...found.values()].map(({ document }) => document));
    yield* this.#settle(model, [...documents]);
  }

  /** Marks those of the documents that have all their vectors. */
  *#settle(model: number, documents: readonly number[]): Work<void> {
    const sql = `update documents set vectors_by = ?, vectors_mark = ?
      where seq = ? and not exists (select 1 ${lackingPassages})`;
    for (const seq of documents)
      yield* perform(sql, model, Math.floor(Math.random() * marks), seq, seq, model);
  }
}
