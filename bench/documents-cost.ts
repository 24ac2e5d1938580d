// What documents cost: pages of a real PDF that are read and indexed in a second, the memory of the process that
// reads it, and what looking for passages adds to an answer's first token. Fails when a bound is exceeded.
// Run: bun bench/documents-cost.ts (QUICK=1: fewer passages and questions, writes nothing).

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExtractedPage, Extractor } from "../src/documents/extractor.ts";
import { passagesOf } from "../src/documents/passages.ts";
import { passageTerms } from "../src/documents/words.ts";
import type { IndexedPassage } from "../src/domain/document.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { book, fetchBook } from "../test/documents/debian-book.ts";
import { bounds } from "../test/documents/fixtures.ts";
import { putDocument } from "../test/documents/put.ts";
import { startLlama } from "../test/llama/server.ts";
import { sentence } from "./invented.ts";
import { startParlor } from "./parlor.ts";
import { fixed, median, quantile, quick, rounds, table, writeText } from "./report.ts";

/** Least pages that are read in a second, most memory of the process, most that is added to the first token. */
const goals = { pagesPerSecond: 40, bytes: 512 << 20, addedMs: 30 };
const missed: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "parlor-bench-"));

function* indexed(pages: readonly ExtractedPage[]): Generator<IndexedPassage> {
  for (const passage of passagesOf(pages, true)) yield { ...passage, ...passageTerms("", passage.text) };
}

/** Most memory of this process's children so far, in bytes. */
function childrenBytes(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
  const peaks = children.map((pid) => {
    try {
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return 0; // it has ended
    }
  });
  return 1024 * Math.max(0, ...peaks);
}

/** Pages per second of reading the book, and of storing what was read; most memory of the process that reads. */
async function reading() {
  const [read, stored]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const watch = setInterval(() => {
      bytes = Math.max(bytes, childrenBytes());
    }, 20);
    const startedAt = performance.now();
    const { pages } = await new Extractor(bounds).extract(Bun.file(book.pdf).stream(), "book.pdf");
    const readAt = performance.now();
    clearInterval(watch);
    const store = openSqlite(join(folder, `book-${round}.db`));
    const { id } = await store.collections.add(null, "book", null);
    await putDocument(store, id, { path: "book.pdf", hash: "" }, indexed(pages));
    const storedAt = performance.now();
    await store.close();
    read.push((1000 * pages.length) / (readAt - startedAt));
    stored.push((1000 * pages.length) / (storedAt - readAt));
  }
  return { read: median(read), stored: median(stored), bytes };
}

interface Times {
  /** Until the passages were known; NaN without a collection. */
  readonly sourcesMs: number;
  readonly firstMs: number;
}

/** Asks and reads to the end. */
async function ask(url: string, text: string, collection: string): Promise<Times> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/ask${collection}`, {
    method: "POST",
    headers: { accept: "text/event-stream" },
    body: text,
  });
  let [seen, sourcesMs, firstMs] = ["", Number.NaN, Number.NaN];
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    seen += Buffer.from(piece).toString();
    const ms = performance.now() - startedAt;
    if (Number.isNaN(sourcesMs) && seen.includes("event: sources")) sourcesMs = ms;
    if (Number.isNaN(firstMs) && seen.includes("event: delta")) firstMs = ms;
  }
  if (Number.isNaN(firstMs)) throw new Error(`no answer: ${seen.slice(0, 500)}`);
  return { sourcesMs, firstMs };
}

/** Questions with and without a collection of `passages`, in turns. */
async function answering(passages: number) {
  const data = join(folder, `data-${passages}`);
  const store = openSqlite(join(data, "parlor.db"));
  const { id } = await store.collections.add(null, "bench", null);
  const found: string[] = [];
  for (let left = passages; left > 0; left -= 100) {
    const text = Array.from({ length: 100 }, () => sentence(150)).join("\n\n");
    found.push(text.slice(0, 60));
    await putDocument(store, id, { path: `${left}`, hash: "" }, indexed([{ page: 1, text }]));
  }
  await store.close();
  const llama = await startLlama({ args: ["-np", "1", "-c", "8192"] });
  const parlor = await startParlor([llama.url], ["--data", data]);
  const [plain, sourced]: [Times[], Times[]] = [[], []];
  for (let i = 0; i < (quick ? 10 : 60); i++) {
    const question = found[i % found.length] as string;
    plain.push(await ask(parlor.url, question, ""));
    sourced.push(await ask(parlor.url, question, "?collection=bench"));
  }
  parlor.stop();
  await llama.stop();
  return { plain, sourced };
}

const pages = table("**Reading a PDF of 276 pages** (one process, pages a second)", [
  ...["read", "cut into passages and stored", "most memory of the process, MB"],
]);
const missing = await fetchBook();
if (missing === null) {
  const { read, stored, bytes } = await reading();
  pages.row(fixed(read, 0), fixed(stored, 0), fixed(bytes / 2 ** 20, 0));
  if (read < goals.pagesPerSecond) missed.push(`${read} pages a second are read`);
  if (bytes > goals.bytes) missed.push(`reading takes ${bytes} bytes`);
} else process.stdout.write(`reading is not measured: ${missing}\n`);

const first = table(
  "**The first token of an answer** (`/ask`, the real llama-server with the demo model, ms)",
  [
    ...["passages", "without documents, p50", "with passages, p50", "p99"],
    ...["of it until the passages are known, p50", "p99"],
  ],
);
for (const passages of quick ? [1_000] : [1_000, 20_000]) {
  const { plain, sourced } = await answering(passages);
  const list = (times: readonly Times[], key: keyof Times) => times.slice(3).map((each) => each[key]);
  const known = list(sourced, "sourcesMs");
  const cells = [median(list(plain, "firstMs")), median(list(sourced, "firstMs"))];
  const all = [...cells, quantile(list(sourced, "firstMs"), 0.99), median(known), quantile(known, 0.99)];
  first.row(passages.toLocaleString("en"), ...all.map((ms) => fixed(ms, 1)));
  if (median(known) > goals.addedMs) missed.push(`${median(known)} ms until the passages are known`);
}
rmSync(folder, { recursive: true });
await writeText("documents-cost", `${pages.text}\n\n${first.text}`);
if (missed.length > 0) throw new Error(`worse than it should be: ${missed.join("; ")}`);
