// How well passages are found by words, and how long a search takes. Questions with known answers come from
// XQuAD (github.com/google-deepmind/xquad: xquad.de.json, xquad.en.json), which is not shipped: its folder is
// the argument, and without one only the time is measured. Fails when less is found than the floors say.
// Run: bun bench/documents.ts FOLDER (QUICK=1: fewer passages, writes nothing).

import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { passagesOf } from "../src/documents/passages.ts";
import { searchPassages } from "../src/documents/search.ts";
import { passageTerms } from "../src/documents/words.ts";
import { localPerson } from "../src/domain/account.ts";
import type { Collection, IndexedPassage } from "../src/domain/document.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import type { Store } from "../src/store/store.ts";
import { putDocument } from "../test/documents/put.ts";
import { sentence } from "./invented.ts";
import { median, quantile, quick, table, writeText } from "./report.ts";

interface Xquad {
  readonly data: readonly {
    readonly paragraphs: readonly {
      readonly context: string;
      readonly qas: readonly { question: string }[];
    }[];
  }[];
}

/** Least shares of German questions whose paragraph is the first, and among the first five. */
const floors = { first: 0.9, five: 0.97 };
const dataset = process.argv[2] ?? null;
const folder = mkdtempSync(join(tmpdir(), "parlor-bench-"));

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

async function withCollection<T>(
  work: (store: Store, made: Collection, file: string) => Promise<T>,
): Promise<T> {
  const file = join(folder, `${crypto.randomUUID()}.db`);
  const store = openSqlite(file);
  try {
    return await work(store, await store.collections.add(localPerson, "bench", folder), file);
  } finally {
    await store.close();
  }
}

/** Rank of each question's paragraph among the first 20, from 0; -1: it is not there. */
async function ranks(file: string): Promise<readonly number[]> {
  const { data } = (await Bun.file(file).json()) as Xquad;
  const paragraphs = data.flatMap((article) => article.paragraphs);
  return withCollection(async (store, { id }) => {
    const { collections } = store;
    for (const [i, { context }] of paragraphs.entries())
      await putDocument(store, id, { path: `${i}`, hash: `${i}` }, indexed(context));
    const found: number[] = [];
    for (const [i, { qas }] of paragraphs.entries()) {
      for (const { question } of qas) {
        const hits = await searchPassages(collections, question, { collections: [id], limit: 40 });
        const documents = [...new Set(hits.map(({ path }) => path))].slice(0, 20);
        found.push(documents.indexOf(`${i}`));
      }
    }
    return found;
  });
}

/** Milliseconds of each search among `passages`, milliseconds to store one, and the file's size. */
async function times(passages: number): Promise<{ search: number[]; storeMs: number; bytes: number }> {
  return withCollection(async (store, { id }, file) => {
    const startedAt = performance.now();
    for (let left = passages; left > 0; left -= 100) {
      const text = Array.from({ length: Math.min(100, left) }, () => sentence(150)).join("\n\n");
      await putDocument(store, id, { path: `${left}`, hash: `${left}` }, indexed(text));
    }
    const storeMs = (performance.now() - startedAt) / passages;
    const search: number[] = [];
    for (let i = 0; i < 100; i++) {
      const question = sentence(8);
      const askedAt = performance.now();
      await searchPassages(store.collections, question, { collections: [id], limit: 20 });
      search.push(performance.now() - askedAt);
    }
    return { search, storeMs, bytes: statSync(file).size };
  });
}

const missed: string[] = [];
const recall = table("**How often the right paragraph is found** (XQuAD, 240 paragraphs, words alone)", [
  "language",
  "questions",
  "first",
  "among 5",
  "among 20",
]);
for (const language of dataset === null ? [] : ["de", "en"]) {
  const file = join(dataset as string, `xquad.${language}.json`);
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  const found = await ranks(file);
  const share = (most: number) => found.filter((rank) => rank >= 0 && rank < most).length / found.length;
  recall.row(language, found.length, ...[1, 5, 20].map((most) => share(most).toFixed(3)));
  if (language !== "de") continue;
  if (share(1) < floors.first) missed.push(`first: ${share(1)} < ${floors.first}`);
  if (share(5) < floors.five) missed.push(`among 5: ${share(5)} < ${floors.five}`);
}
if (dataset === null) process.stdout.write("no folder with XQuAD was named: how well is not measured\n");

const speed = table("**How long a search takes** (a question of 8 words of an invented language)", [
  "passages",
  "p50 ms",
  "p99 ms",
  "ms to store a passage",
  "file, MB",
]);
for (const passages of process.env["TIMES"] === "0" ? [] : quick ? [1_000] : [1_000, 100_000]) {
  const { search, storeMs, bytes } = await times(passages);
  const cells = [median(search), quantile(search, 0.99), storeMs].map((ms) => ms.toFixed(2));
  speed.row(passages.toLocaleString("en"), ...cells, Math.round(bytes / 1e6));
}
rmSync(folder, { recursive: true });
if (dataset !== null) await writeText("documents", `${recall.text}\n\n${speed.text}`);
if (missed.length > 0) throw new Error(`less was found than before: ${missed.join("; ")}`);
