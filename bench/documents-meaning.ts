// Search by meaning beside search by words: how often the right paragraph is found, how long it takes, and how much
// memory vectors need. What is found is measured with the test model Magpie, which knows few words: it shows that a
// poor model does no harm. With the address of a llama-server that embeds it is measured with that one, too.
// Run: bun bench/documents-meaning.ts [FOLDER with XQuAD, see bench/xquad.ts] [URL] (QUICK=1: fewer passages, writes
// nothing; MODEL: the name of the model at URL). Fails below the floors.

import { passagesOf } from "../src/documents/passages.ts";
import { VectorMemory } from "../src/documents/vector-memory.ts";
import { VectorThread } from "../src/documents/vector-thread.ts";
import { passageTerms } from "../src/documents/words.ts";
import type { IndexedPassage } from "../src/domain/document.ts";
import { type Meant, openMeant } from "../test/documents/meant.ts";
import { putDocument } from "../test/documents/put.ts";
import { startLlama, until } from "../test/llama/server.ts";
import { seeded } from "../test/seeded.ts";
import { sentence } from "./invented.ts";
import { median, quantile, quick, table, writeText } from "./report.ts";
import { articlesOf } from "./xquad.ts";

/** Least share of German questions whose paragraph is the first, with a poor model beside the words. */
const firstFloor = 0.9;
/** Longest comparison of a question with so many vectors, at p50 in ms, and most bytes of a vector. */
const [ceilings, bytesMax] = [{ 1000: 5, 100000: 30, 1000000: 250 } as Record<number, number>, 400];
/** Most that retrieval adds to the embedding of a question among 1 000 passages, at p50 in ms. */
const addedMax = 30;
const dims = 384;

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

const random = seeded(2);
const vector = (): Float32Array =>
  Float32Array.from({ length: dims }, () => random.next() + random.next() - 1);
const missed: string[] = [];

/** Waits until all passages have vectors; they are in memory within the next look. */
async function filled({ meaning, near }: Meant, collection: string): Promise<void> {
  const isDone = async () => {
    const progress = await meaning.progress();
    return progress?.model !== null && progress?.done === progress?.total;
  };
  await until(isDone, "all passages are embedded", 600_000);
  const isThere = async () =>
    ((await near("the", { collections: [collection], limit: 1 }))?.hits.length ?? 0) > 0;
  await until(isThere, "they are in memory");
}

/** Shares of questions whose paragraph is the first and among five: by words, by meaning, by both. */
async function measure(folder: string, language: "de" | "en", url: string) {
  const house = await openMeant({ embed: url });
  const { store } = house;
  const paragraphs = (await articlesOf(folder, language)).flatMap((article) => article.paragraphs);
  const { id } = await store.collections.add(null, "bench", null);
  for (const [i, { context }] of paragraphs.entries())
    await putDocument(store, id, { path: `${i}`, hash: "" }, indexed(context));
  await filled(house, id);
  const range = { collections: [id], limit: 20 };
  const words = await openMeant({ store });
  const ranks: number[][] = [[], [], []];
  for (const [i, { qas }] of paragraphs.entries())
    for (const { question } of qas) {
      const lists = [
        (await words.find([question], range)).hits,
        (await house.near(question, range))?.hits ?? [],
        (await house.find([question], range)).hits,
      ];
      lists.forEach((hits, l) => {
        const paths = [...new Set(hits.map(({ path }) => path))];
        ranks[l]?.push(paths.indexOf(`${i}`));
      });
    }
  await words.stop();
  await house.stop();
  const share = (list: readonly number[], most: number) =>
    list.filter((rank) => rank >= 0 && rank < most).length / list.length;
  return ranks.map((list) => [share(list, 1), share(list, 5)] as const);
}

/** Milliseconds of each comparison with `count` vectors in the thread, and bytes of each in memory. */
async function compared(count: number) {
  const thread = new VectorThread({ full() {}, broken: (message) => missed.push(message) });
  thread.open(dims, 2 ** 32);
  const memory = count <= 100_000 ? new VectorMemory(dims, 2 ** 32) : null;
  const batch = 1_000;
  for (let document = 0; document < count / batch; document++) {
    const values = new Int8Array(batch * dims);
    for (let i = 0; i < values.length; i++) values[i] = random.below(255) - 127;
    const vectors = {
      passages: Uint32Array.from({ length: batch }, (_, i) => document * batch + i),
      scales: new Float32Array(batch).fill(0.001),
      values,
    };
    memory?.add(document, 1, vectors);
    thread.add(document, 1, vectors);
    await Bun.sleep(0);
  }
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    const startedAt = performance.now();
    await thread.search(vector(), [1], 40);
    if (i > 5) times.push(performance.now() - startedAt);
  }
  thread.close();
  return { times, bytes: memory && memory.bytes / count };
}

/** A server that embeds at once, with vectors that mean nothing. */
function quickServer() {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/health") return Response.json({ status: "ok" });
      if (pathname === "/slots") return Response.json([]);
      if (pathname === "/props") return Response.json({ total_slots: 1, model_alias: "quick" });
      const { input } = (await request.json()) as { input: string[] };
      const data = input.map((_, index) => {
        return { index, embedding: Buffer.from(vector().buffer).toString("base64") };
      });
      return Response.json({ model: "quick", data });
    },
  });
}

/** How late a timer comes while `work` is done, at p99 in ms. */
async function lateness(work: () => Promise<unknown>): Promise<number> {
  const lags: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    lags.push(performance.now() - last - 5);
    last = performance.now();
  }, 5);
  await work();
  clearInterval(timer);
  return quantile(lags, 0.99);
}

/** A whole search among `count` passages, by words alone and by both, and its embedding; all in ms. */
async function whole(count: number) {
  const server = quickServer();
  const words = await openMeant({});
  const { store } = words;
  const { id } = await store.collections.add(null, "bench", null);
  for (let left = count; left > 0; left -= 100) {
    const text = Array.from({ length: 100 }, () => sentence(150)).join("\n\n");
    await putDocument(store, id, { path: `${left}`, hash: "" }, indexed(text));
  }
  const idleMs = await lateness(() => Bun.sleep(2_000));
  const filledAt = performance.now();
  const house = await openMeant({ embed: server.url.href, store });
  const lateMs = await lateness(() => filled(house, id));
  const fillMs = (performance.now() - filledAt) / count;
  const range = { collections: [id], limit: 8 };
  const times: [words: number[], both: number[], embedding: number[]] = [[], [], []];
  for (let i = 0; i < 60; i++) {
    const question = sentence(8);
    for (const [at, work] of [
      () => words.find([question], range),
      () => house.find([question], range),
      () => house.meaning.embed(question),
    ].entries()) {
      const startedAt = performance.now();
      await work();
      if (i > 9) times[at]?.push(performance.now() - startedAt);
    }
  }
  await house.stop();
  await words.stop();
  await server.stop(true);
  return { times, idleMs, lateMs, fillMs };
}

const [folder, url] = process.argv.slice(2);
const found = table("**How often the right paragraph is found** (XQuAD; first, among five)", [
  "model",
  "language",
  "by words",
  "by meaning",
  "by both",
]);
if (folder !== undefined) {
  const magpie = await startLlama({ model: "magpie", args: ["-np", "1"] });
  const models = [
    ["Magpie", magpie.url] as const,
    ...(url === undefined ? [] : [[process.env["MODEL"] ?? "the named one", url] as const]),
  ];
  for (const [name, at] of models)
    for (const language of ["de", "en"] as const) {
      const shares = await measure(folder, language, at);
      found.row(name, language, ...shares.map((each) => each.map((share) => share.toFixed(3)).join(", ")));
      const [words = [0], , both = [0]] = shares;
      if (language === "de" && both[0] < firstFloor) missed.push(`${name}: ${both[0]} < ${firstFloor}`);
      if (both[0] < words[0] - 0.005) missed.push(`${name}, ${language}: less than by words alone`);
    }
  await magpie.stop();
}

const comparing = table(`**How long the comparison with all vectors takes** (${dims} dimensions)`, [
  "vectors",
  "p50 ms",
  "p99 ms",
  "bytes of memory each",
]);
for (const count of quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000]) {
  const { times, bytes } = await compared(count);
  const cells = [median(times), quantile(times, 0.99)].map((ms) => ms.toFixed(2));
  comparing.row(count.toLocaleString("en"), ...cells, count === 100_000 ? (bytes?.toFixed(0) ?? "") : "");
  const most = ceilings[count] as number;
  if (median(times) > most) missed.push(`${count} vectors: ${median(times)} ms > ${most} ms`);
  if (count === 100_000 && (bytes ?? 0) > bytesMax) missed.push(`${bytes} bytes > ${bytesMax}`);
}

const searching = table(
  "**How long a whole search takes** (a question of 8 words of an invented language; p50 ms)",
  [
    "passages",
    "by words",
    "by both",
    "of it the request for the question's vector",
    "filling, ms for a passage",
    "event loop late while filling, p99 ms",
    "the same without filling",
  ],
);
for (const count of quick ? [1_000] : [1_000, 20_000]) {
  const { times, idleMs, lateMs, fillMs } = await whole(count);
  const [words, both, embedding] = times.map(median) as [number, number, number];
  searching.row(
    count.toLocaleString("en"),
    ...[words, both, embedding, fillMs, lateMs, idleMs].map((ms) => ms.toFixed(2)),
  );
  const added = both - words - embedding;
  if (count === 1_000 && added > addedMax) missed.push(`meaning adds ${added} ms`);
}
if (folder !== undefined)
  await writeText("documents-meaning", [found, comparing, searching].map(({ text }) => text).join("\n\n"));
if (missed.length > 0) throw new Error(`worse than it should be: ${missed.join("; ")}`);
