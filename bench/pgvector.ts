// How many of the nearest passages pgvector's index finds, and how long it takes, beside all of them compared in memory.
// pgvector runs as WebAssembly here (PGlite), which is slower than a server of its own. The vectors are clustered, as those of texts
// are. Writes its table into bench/README.md. Run: make bench (QUICK=1: few vectors, writes nothing).

import { quantized } from "../src/documents/quantized.ts";
import { VectorMemory } from "../src/documents/vector-memory.ts";
import { Connection } from "../src/postgres/connection.ts";
import { openPostgres } from "../src/store/postgres.ts";
import type { NearestVectors } from "../src/store/vectors.ts";
import { pgliteBounds, startPglite } from "../test/postgres/pglite.ts";
import { seeded } from "../test/seeded.ts";
import { fixed, median, quantile, quick, table, writeText } from "./report.ts";

const [dims, perCluster, batch, questions] = [384, 100, 32, quick ? 10 : 200];
/** Least share of the ten nearest that must be found. */
const recallMin = 0.95;
const random = seeded(5);
const about = (centre: ArrayLike<number>, spread: number): Float32Array =>
  Float32Array.from(centre, (each) => {
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += random.next(); // nearly a normal distribution
    return each + (sum - 3) * spread;
  });

async function measure(count: number) {
  const server = await startPglite();
  const store = await openPostgres(server.url, {}, pgliteBounds);
  const connection = new Connection(server.url, pgliteBounds);
  await store.collections.add(null, "bench", null);
  await connection.query(
    `insert into documents (id, collection, path, hash, passages) values ('d', 1, 'a', 'a', ${count});
     insert into passages (document, page, "from", "to", headings, text)
       select 1, 1, n, n + 1, '[]', 'text' from generate_series(1, ${count}) n`,
  );
  const { vectors } = store.documents;
  const nearest = vectors.nearest as NearestVectors;
  const model = { number: await vectors.model({ name: "bench", prefix: "", dims }), dims };
  const memory = new VectorMemory(dims, 2 ** 30);
  const origin = new Float32Array(dims);
  const centres = Array.from({ length: Math.ceil(count / perCluster) }, () => about(origin, 1.4));
  const one = () => about(centres[random.below(centres.length)] as Float32Array, 1.1);
  for (let at = 0; at < count; at += batch) {
    const rows = Array.from({ length: Math.min(batch, count - at) }, (_, i) => {
      return { passage: at + i + 1, ...quantized(one()) };
    });
    await vectors.add(model.number, rows);
    const values = Int8Array.from(rows.flatMap((row) => [...row.values]));
    const [passages, scales] = [rows.map(({ passage }) => passage), rows.map(({ scale }) => scale)];
    memory.add(at, 1, { passages: Uint32Array.from(passages), scales: Float32Array.from(scales), values });
  }
  await nearest.prepare(model, 0);
  await connection.query("analyze");
  let [found, off] = [0, 0];
  const times: { memory: number[]; pgvector: number[] } = { memory: [], pgvector: [] };
  for (let i = 0; i < questions; i++) {
    const question = one();
    const beganAt = performance.now();
    const exact = memory.search(question, [1], 40);
    const comparedAt = performance.now();
    const near = await nearest.search(model, quantized(question).values, [1], 40);
    times.memory.push(comparedAt - beganAt);
    times.pgvector.push(performance.now() - comparedAt);
    const ten = new Set(near.passages.slice(0, 10));
    found += exact.passages.slice(0, 10).filter((passage) => ten.has(passage)).length;
    off = Math.max(off, Math.abs(exact.mean - near.mean));
  }
  await store.close();
  await connection.close();
  await server.close();
  return { recall: found / questions / 10, off, times };
}

const all = table("**Passages near a question** (384 numbers each)", [
  "vectors",
  "of the ten nearest, pgvector finds",
  "its mean is off by at most",
  "pgvector as WebAssembly, p50 ms",
  "p99 ms",
  "in memory, p50 ms",
]);
const missed: string[] = [];
for (const count of quick ? [500] : [1_000, 12_000]) {
  const { recall, off, times } = await measure(count);
  const cells = [median(times.pgvector), quantile(times.pgvector, 0.99), median(times.memory)];
  all.row(count.toLocaleString("en"), fixed(recall, 3), fixed(off, 3), ...cells.map((ms) => fixed(ms, 1)));
  if (recall < recallMin) missed.push(`${recall} of the nearest among ${count}`);
}
await writeText("pgvector", all.text);
if (missed.length > 0) throw new Error(`too few are found: ${missed.join("; ")}`);
process.exit(0);
