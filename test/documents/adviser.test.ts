// The shopping adviser that comes with parlor: what its list has is found, from the first second on. If this fails, a
// new house says that its own list has no answer, or asks a model about products that it does not have.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import { Extractor } from "../../src/documents/extractor.ts";
import { passageFinder } from "../../src/documents/search.ts";
import { WatchedFolder } from "../../src/documents/watched-folder.ts";
import { makePersonaFolder, PersonaFolder } from "../../src/persona/folder.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { until } from "../llama/server.ts";

let store: Store;
let watched: WatchedFolder;
let starters: readonly string[];
const bugs: unknown[] = [];

beforeAll(async () => {
  const data = mkdtempSync(join(tmpdir(), "parlor-adviser-"));
  const [personas, folder] = [join(data, "personas"), join(data, "documents")];
  const log = openLog({ level: "error", format: "json", write() {} });
  const complete = makePersonaFolder(personas, folder, log);
  starters = (await new PersonaFolder(personas, log).find("kaufberater"))?.starters ?? [];
  store = openSqlite(":memory:");
  // files that change are left alone for longer than this test takes
  const bounds = { ...defaultBounds, documentsSettleMs: 600_000, documentsLookMs: 600_000 };
  const extractor = new Extractor(bounds);
  watched = new WatchedFolder({
    ...{ folder, complete, store, extractor, bounds, log, bug: (error: unknown) => bugs.push(error) },
  });
  watched.start();
  await until(async () => (await find("Nordhaus")).hits.length > 0, "the list is read at once");
});
afterAll(async () => {
  await watched.stop();
  await store.close();
  expect(bugs).toEqual([]);
});

async function find(question: string) {
  const collections = (await store.collections.reachable(null)).map(({ id }) => id);
  const { hits, isAnswerable } = await passageFinder(store.collections)([question], {
    collections,
    limit: 8,
  });
  return { hits, isAnswerable, products: hits.map(({ text }) => text.split(";")[0] ?? "") };
}

test("each product is a passage below the names of the columns", async () => {
  const { hits } = await find("Nordhaus K2");
  expect(hits[0]).toMatchObject({
    headings: ["Produkt;Art;Preis;Merkmale"],
    text: "Nordhaus K2;Kaffeemühle;89,00 €;Kegelmahlwerk, 30 Mahlgrade, 250 g Bohnen",
  });
});

for (const [question, ...first] of [
  ["Welche Kaffeemühle empfiehlst du mir?", "Nordhaus K1", "Nordhaus K2"],
  ["Welcher Wasserkocher ist unter 50 Euro zu haben?", "Lindner Tessa", "Lindner Uno"],
  ["Welcher Wasserkocher kostet weniger als 50 €?", "Lindner Tessa", "Lindner Uno"],
  ["Was kostet der Nordhaus K2?", "Nordhaus K2"],
  ["Habt ihr einen Toaster?", "Falk Breit"],
] as const)
  test(`${question} is answered from the list`, async () => {
    const { products, isAnswerable } = await find(question);
    expect(isAnswerable).toBe(true);
    expect(products.slice(0, first.length).sort()).toEqual([...first]);
  });

test("the questions that it offers are among them", async () => {
  expect(starters.length).toBeGreaterThan(1);
  for (const starter of starters) expect((await find(starter)).isAnswerable).toBe(true);
});

for (const question of [
  "Habt ihr Fahrräder?",
  "Was kostet ein Fahrrad?",
  "Welches Fahrrad bekomme ich für 50 Euro?",
])
  test(`${question} is not`, async () => expect((await find(question)).isAnswerable).toBe(false));
