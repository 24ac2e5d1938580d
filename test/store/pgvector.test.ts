// A PostgreSQL with pgvector compares vectors itself. If this fails, search by meaning misses passages there, or
// finds those of others.
// Promises: R10.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { quantized } from "../../src/documents/quantized.ts";
import { Connection } from "../../src/postgres/connection.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { nearnessContract } from "../contract/nearness.ts";
import { vectorsContract } from "../contract/vectors.ts";
import { putDocument } from "../documents/put.ts";
import { type Pglite, pgliteBounds, startPglite } from "../postgres/pglite.ts";

let server: Pglite;
beforeAll(async () => {
  server = await startPglite();
}, 120_000);
afterAll(() => server.close());

const said: string[] = [];
const open = () => openPostgres(server.url, { lacks: (line) => said.push(line) }, pgliteBounds);
const fresh = async () => {
  await server.reset();
  return open();
};

/** Runs SQL beside the Store. */
async function run(sql: string): Promise<readonly Record<string, unknown>[]> {
  const connection = new Connection(server.url, pgliteBounds);
  try {
    return (await connection.query(sql)).rows;
  } finally {
    await connection.close();
  }
}

vectorsContract("pgvector", fresh);
nearnessContract("pgvector", fresh);
// each vector has a lot so small that a few seem many
nearnessContract("pgvector, by the index", async () => {
  const store = await fresh();
  await run("alter table passage_near alter column lot set default 0; set hnsw.ef_search = 40");
  return store;
});

/** A Store with a document of `count` passages, each with a vector. */
async function filled(count: number): Promise<{ store: Store; model: { number: number; dims: number } }> {
  const store = await fresh();
  const { id } = await store.collections.add(null, "lease", null);
  const passages = Array.from({ length: count }, (_, i) => ({
    ...{ page: 1, start: i, end: i + 1, headings: [], text: `${i}`, words: [`${i}`], compounds: [] },
  }));
  await putDocument(store, id, { path: "a", hash: "a" }, passages);
  const { vectors } = store.documents;
  const number = await vectors.model({ name: "one", prefix: "", dims: 2 });
  const some = await vectors.lacking(number, count);
  const vector = (i: number) => quantized(Float32Array.of(Math.cos(i / count), Math.sin(i / count)));
  await vectors.add(
    number,
    some.map(({ passage }, i) => ({ passage, ...vector(i) })),
  );
  return { store, model: { number, dims: 2 } };
}

test("vectors that were stored without pgvector are copied in steps, once", async () => {
  const { store, model } = await filled(50);
  await store.close();
  await run("drop table passage_near");
  const again = await open();
  const nearest = again.documents.vectors.nearest;
  let steps = 0;
  for (let after: number | null = 0; after !== null; steps++)
    after = (await nearest?.prepare(model, after)) as number | null;
  expect(steps).toBe(5);
  expect(await nearest?.prepare(model, 0)).toBeNull();
  const found = await nearest?.search(model, Int8Array.of(127, 0), [1], 3);
  expect(found?.scores[0]).toBeCloseTo(1, 3);
  expect(await run("select count(*) as n from passage_near")).toEqual([{ n: 50 }]);
  await again.close();
});

test("the index of a model is used where many are in reach, and goes when nothing has its vectors", async () => {
  const { store, model } = await filled(5);
  const { vectors } = store.documents;
  await vectors.nearest?.prepare(model, 0);
  const names = async () =>
    (await run("select indexname as name from pg_indexes where indexname like '%near_model%'")).map(
      ({ name }) => name,
    );
  expect(await names()).toEqual([`passage_near_model_${model.number}`]);
  const plan = await run(
    `set enable_seqscan = off; set enable_sort = off;
     explain select passage from passage_near where model = ${model.number}
     order by v::halfvec(2) <=> '[1,0]'::halfvec(2) limit 3`,
  );
  expect(JSON.stringify(plan)).toContain(`passage_near_model_${model.number}`);
  const other = await vectors.model({ name: "two", prefix: "", dims: 2 });
  const some = await vectors.lacking(other, 9);
  await vectors.add(
    other,
    some.map(({ passage }) => ({ passage, scale: 1, values: Int8Array.of(1, 0) })),
  );
  await vectors.nearest?.prepare({ number: other, dims: 2 }, 0);
  expect(await names()).toEqual([`passage_near_model_${other}`]);
  await store.close();
});

test("nothing is said where pgvector is there", () => {
  expect(said).toEqual([]);
});
