// Compares vectors in PostgreSQL where it has pgvector: copies of them as halves of floats, with an index of
// each model (HNSW), which is asked where many are in reach.

import { type Connection, PostgresError } from "../postgres/connection.ts";
import {
  all,
  type ChangeListener,
  change,
  one,
  type PlacedVector,
  perform,
  type VectorIndex,
  type Work,
} from "./database.ts";
import { changeSchema } from "./postgres-migrate.ts";
import type { IndexedModel, Near } from "./vectors.ts";

/** Least version that looks on while a search has found too little in the collections in reach. */
const leastVersion = "0.8";
/** The share of the vectors that the mean is taken of; their number from which on the index is asked. */
const [sampleShare, sampleMin] = [0.005, 50];
/** How many of the nearest the index keeps in sight: more find more, and take longer. */
const searchWidth = 200;

/** `lot`: a random number, by which some are taken of all. */
const table = `create table if not exists passage_near (
    passage    bigint primary key references passages (seq) on delete cascade,
    model      bigint not null,
    collection bigint not null,
    lot        real not null default random(),
    v          halfvec not null
  );
  alter table passage_near alter column v set storage plain;
  create index if not exists passage_near_by_lot on passage_near (model, collection, lot)`;

/** Makes the table of copies. Null where there is no pgvector, and the listener is told so. */
export async function openVectors(
  connection: Connection,
  listener: Pick<ChangeListener, "lacks">,
): Promise<VectorIndex | null> {
  try {
    await changeSchema(connection, async () => {
      await connection.query("create extension if not exists vector");
      const find = "select extversion as version from pg_extension where extname = 'vector'";
      const version = String((await connection.query(find)).rows[0]?.["version"]);
      if (Bun.semver.order(version, `${leastVersion}.0`) < 0)
        throw new PostgresError(`version ${version} is older than ${leastVersion}`, "0A000");
      await connection.query(table);
    });
    return postgresVectors;
  } catch (error) {
    if (!(error instanceof PostgresError) || connection.isClosed) throw error;
    const reason = error.message.replace(/\.$/, "");
    listener.lacks?.(`PostgreSQL has no pgvector, so vectors are compared in parlor's memory: ${reason}`);
    return null;
  }
}

const indexName = "passage_near_model_";

interface LackingRow {
  passage: number;
  collection: number;
  v: Uint8Array;
}

const postgresVectors: VectorIndex = {
  dimsMax: 4_000,

  *open({ number, dims }: IndexedModel): Work<void> {
    const unused = `select indexname as name from pg_indexes
      where schemaname = current_schema() and starts_with(indexname, '${indexName}')
        and not exists (select 1 from passage_near where indexname = '${indexName}' || model)`;
    for (const { name } of yield* all<{ name: string }>(unused))
      if (name !== `${indexName}${number}`) yield* change(`drop index ${name}`);
    yield* change(
      `create index if not exists ${indexName}${number} on passage_near
       using hnsw ((v::halfvec(${dims})) halfvec_cosine_ops) where model = ${number}`,
    );
  },

  *lacking({ number, dims }: IndexedModel, after: number, limit: number): Work<readonly PlacedVector[]> {
    const sql = `select v.passage, d.collection, v.v from passage_vectors v
      join passages p on p.seq = v.passage join documents d on d.seq = p.document
      where v.model = ? and v.passage > ? and length(v.v) = ?::bigint
        and not exists (select 1 from passage_near n where n.passage = v.passage and n.model = v.model)
      order by v.passage limit ?`;
    const rows = yield* all<LackingRow>(sql, number, after, dims, limit);
    return rows.map(({ v, ...place }) => ({
      ...place,
      values: new Int8Array(v.buffer, v.byteOffset, v.length),
    }));
  },

  *add(model: number, vectors: readonly PlacedVector[]): Work<void> {
    const rows = vectors.map(({ passage, collection, values }) => [passage, collection, `[${values}]`]);
    // the index of a model takes vectors of its length only
    const sql = `insert into passage_near (passage, model, collection, v)
      select (v->>0)::bigint, m.seq, (v->>1)::bigint, (v->>2)::halfvec
      from jsonb_array_elements(?::text::jsonb) v join embedding_models m on m.seq = ? and m.dims <= ?
      where vector_dims((v->>2)::halfvec) = m.dims
      on conflict (passage) do update
        set model = excluded.model, collection = excluded.collection, v = excluded.v`;
    yield* perform(sql, JSON.stringify(rows), model, postgresVectors.dimsMax);
  },

  *near(
    { number, dims }: IndexedModel,
    question: Int8Array,
    collections: readonly number[],
    limit: number,
  ): Work<Near> {
    const values = [`[${question}]`, `{${collections}}`];
    const distance = `v::halfvec(${dims}) <=> ?1::text::halfvec(${dims})`;
    const score = `1 - (${distance}) as score`;
    const reach = `from passage_near where model = ${number} and collection = any(?2::text::bigint[])`;
    type Sample = { n: number; mean: number };
    const some = `select count(*) as n, coalesce(avg(score), 0) as mean
      from (select ${score} ${reach} and lot < ${sampleShare}) sampled`;
    const sample = (yield* one<Sample>(some, ...values)) as Sample;
    const isMany = sample.n >= sampleMin;
    if (isMany)
      yield* perform(
        `set local hnsw.ef_search = ${searchWidth}; set local hnsw.iterative_scan = relaxed_order`,
      );
    type Row = { passage: number; score: number; n: number; sum: number };
    const nearest = isMany
      ? `select passage, ${score} ${reach} order by ${distance} limit ?3`
      : `with reach as materialized (select passage, ${score} ${reach})
         select passage, score, (select count(*) from reach) as n, (select sum(score) from reach) as sum
         from reach order by score desc limit ?3`;
    const rows = yield* all<Row>(nearest, ...values, limit);
    const [best] = rows.sort((a, b) => b.score - a.score);
    const near = rows.filter((row) => row.score > 0);
    const mean = best && best.n > 1 ? (best.sum - best.score) / (best.n - 1) : 0;
    return {
      passages: near.map(({ passage }) => passage),
      scores: near.map((row) => row.score),
      mean: isMany ? sample.mean : mean,
    };
  },
};
