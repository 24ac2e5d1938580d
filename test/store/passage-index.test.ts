// PostgreSQL finds the passages that SQLite finds, in the same order with the same scores, while its index is
// put together and after documents were removed. If this fails, an answer has other sources than before the move.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IndexedPassage, PassageHit } from "../../src/domain/document.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { putDocument } from "../documents/put.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";
import { seeded } from "../seeded.ts";

const home = mkdtempSync(join(tmpdir(), "parlor-index-"));
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});

const random = seeded(7);
/** Few words are frequent, and many rare. */
const word = (): string => `w${Math.floor(400 / (1 + random.below(400)))}${"abc"[random.below(3)]}`;
const long = (): string => `kompositum${random.below(30)}wort`;
function passage(secret: string): IndexedPassage {
  const words = Array.from({ length: 5 + random.below(60) }, word);
  const compounds = [...new Set(Array.from({ length: random.below(4) }, long))];
  const all = secret === "" ? words : [...words, secret];
  return {
    ...{ page: 1, start: 0, end: 9, headings: [], text: all.join(" ") },
    ...{ words: [...all, ...compounds], compounds },
  };
}
const documents = Array.from({ length: 60 }, (_, d) => ({
  path: `d${d}`,
  collection: d % 3,
  passages: Array.from({ length: 45 }, () => passage(d === 7 ? "secret" : "")),
}));
const queries = Array.from({ length: 40 }, (_, i) => ({
  words: [
    ...Array.from({ length: 1 + random.below(5) }, word),
    ...(i % 4 === 0 ? ["secret", "w3a", "w3a"] : []),
  ],
  fragments: i % 3 === 0 ? [long().slice(0, 11), "wort"] : [],
}));

async function fill(store: Store, some: typeof documents): Promise<void> {
  for (const { path, collection, passages } of some) {
    const name = `c${collection}`;
    const { id } =
      (await store.collections.find(null, name)) ?? (await store.collections.add(null, name, null));
    await putDocument(store, id, { path, hash: path }, passages);
  }
}

/** What is found, and the scores of it. */
async function answers(store: Store): Promise<{ found: unknown[]; scores: number[] }> {
  const all = await store.collections.all();
  const found: unknown[] = [];
  const scores: number[] = [];
  for (const [i, query] of queries.entries()) {
    const collections = all.filter((_, n) => i % 2 === 0 || n !== 1).map(({ id }) => id);
    const hits = await store.collections.search(query, { collections, limit: 20 });
    found.push(hits.map(({ path, text }: PassageHit) => [path, text]));
    scores.push(...hits.map(({ score }) => score));
  }
  const known = await store.collections.frequencies(["w1a", "w3b", "secret", "none"]);
  return { found: [...found, known.passages, [...known.of].sort()], scores };
}

test("both engines give the same answers, whatever the index is made of", async () => {
  const url = await server.database();
  const file = join(home, "parlor.db");
  const open = async (): Promise<[sqlite: Store, postgres: Store]> => [
    openSqlite(file),
    await openPostgres(url, { isShared: true }),
  ];
  let [sqlite, postgres] = await open();
  const both = async () => {
    const [there, here] = [await answers(postgres), await answers(sqlite)];
    expect(there.found).toEqual(here.found);
    const apart = here.scores.map((score, i) => Math.abs(score - (there.scores[i] ?? 0)));
    expect(Math.max(...apart)).toBeLessThan(1e-9);
  };
  /** What is left to do is done when a Store is closed. */
  const again = async () => {
    await Promise.all([sqlite.close(), postgres.close()]);
    [sqlite, postgres] = await open();
  };
  const count = async (what: string): Promise<number> => {
    const client = new Bun.SQL({ url, max: 1 } as ConstructorParameters<typeof Bun.SQL>[0]);
    const [row] = await client.unsafe(`select count(*)::int as n from ${what}`);
    await client.close();
    return row.n;
  };

  await Promise.all([fill(sqlite, documents.slice(0, 15)), fill(postgres, documents.slice(0, 15))]);
  await both(); // rows alone
  expect(await count("passage_blocks")).toBe(0);
  await Promise.all([fill(sqlite, documents.slice(15)), fill(postgres, documents.slice(15))]);
  await both(); // while a block may be in the making
  await again();
  await both(); // in blocks
  expect(await count("passage_blocks")).toBeGreaterThan(0);
  expect(await count("passage_terms")).toBeLessThan(60 * 1_000);
  await fill(sqlite, documents.slice(0, 3));
  await fill(postgres, documents.slice(0, 3)); // those before are removed
  for (const store of [sqlite, postgres]) {
    const collection = (await store.collections.find(null, "c1")) as { id: string };
    await store.documents.forget(collection.id, "d7");
  }
  await again();
  await both();
  const dead =
    "passage_lists l, unnest(l.passages) u (n) where not exists (select 1 from passages where seq = n)";
  expect(await count(dead)).toBe(0);
  expect(await count("passage_lists where term = 'secret'")).toBe(0);
  for (const store of [sqlite, postgres])
    for (const { id } of await store.collections.all()) await store.collections.remove(id);
  await again();
  for (const table of ["passages", "passage_terms", "passage_lists", "passage_blocks", "passage_sizes"])
    expect([table, await count(table)]).toEqual([table, 0]);
  expect(await count("passage_totals where passages = 0 and terms = 0")).toBe(1);
  await Promise.all([sqlite.close(), postgres.close()]);
}, 180_000);
