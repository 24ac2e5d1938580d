// Does memory grow with what was asked? Requests of every kind in turn, rests between, and what parlor's process holds after each rest. Prints what it found and
// writes nothing. Run: bun bench/memory.ts (REQUESTS=40000), with dist/parlor, or from source where there is none.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises"; // a rest is a time
import { gzipSync } from "node:zlib";
import { startLlama } from "../test/llama/server.ts";
import { executable, startParlor } from "./parlor.ts";
import { memoryOf, root } from "./process.ts";
import { median } from "./report.ts";

const requests = Number(process.env["REQUESTS"] ?? 40_000);
const rounds = 8;
/** How many are under way at once: as many as there are slots. */
const atOnce = 4;
/** A rest: until what is held has not become less for so long, at most so long, in ms. */
const [steadyMs, restMs] = [3_000, 15_000];
/** What may lie between the medians of the first half (without its first round) and the second, in MB: from rest to rest up to 25 were seen where nothing grew. */
const swingMb = 16;

const llama = await startLlama({ args: ["-np", String(atOnce)] });
const program = existsSync(executable) ? [executable] : [process.execPath, join(root, "src/main.ts")];
const parlor = await startParlor([llama.url], [], program);
const { url } = parlor;

const post = (
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) =>
  fetch(url + path, {
    method: "POST",
    body: body as BodyInit,
    headers,
    keepalive: false,
    ...(signal && { signal }),
  });
const read = async (asked: Promise<Response>): Promise<void> => {
  await (await asked).arrayBuffer();
};
const chat = (more: object) =>
  JSON.stringify({ messages: [{ role: "user", content: "twenty" }], max_tokens: 8, ...more });

/** Opens a socket and closes it once something has come. */
async function socket(path: string, said: string | null): Promise<void> {
  const ws = new WebSocket(url.replace("http", "ws") + path);
  const over = Promise.withResolvers<void>();
  ws.onopen = () => said !== null && ws.send(said);
  ws.onmessage = ({ data }) =>
    (said === null || data === "[DONE]" || String(data).startsWith("[ERROR] ")) && ws.close();
  ws.onclose = () => over.resolve();
  await over.promise;
}

let made = 0;
/** An id such as a page makes. */
const newId = (): string => String(++made).padStart(22, "A");
const picture = Buffer.alloc(300_000, 7).toString("base64");

const kinds: Readonly<Record<string, () => Promise<void>>> = {
  "/v1, in one piece": () => read(post("/v1/chat/completions", chat({}))),
  "/v1, a stream": () => read(post("/v1/chat/completions", chat({ stream: true }))),
  "/v1, two answers": () => read(post("/v1/chat/completions", chat({ n: 2 }))),
  "/v1, compressed": () =>
    read(post("/v1/messages", gzipSync(chat({ stream: true })), { "content-encoding": "gzip" })),
  "/v1, a large body": () =>
    read(post("/v1/completions", JSON.stringify({ prompt: "x", max_tokens: 1, ignored: picture }))),
  "/v1, refused": () => read(post("/v1/nothing", "{}")),
  "/v1, gone away": async () => {
    const leave = new AbortController();
    const asked = post(
      "/v1/chat/completions",
      chat({ stream: true, messages: [{ role: "user", content: "endless" }], max_tokens: 100_000 }),
      {},
      leave.signal,
    );
    await (await asked).body?.getReader().read();
    leave.abort();
  },
  "/ask": () => read(post("/ask", "twenty")),
  "/ask, events": () => read(post("/ask", "twenty", { accept: "text/event-stream" })),
  pages: () => read(fetch(`${url}/`, { keepalive: false })),
  "/chat": () => socket("/chat", "twenty"),
  "pages' sockets": () => socket(`/live?c=${newId()}`, null),
  "pages' event streams": async () => {
    const leave = new AbortController();
    const opened = await fetch(`${url}/live/events?c=${newId()}`, { signal: leave.signal, keepalive: false });
    await opened.body?.getReader().read();
    leave.abort();
  },
};

/** Each kind in its turn. */
async function ask(count: number): Promise<void> {
  const all = Object.values(kinds);
  let next = 0;
  const one = async () => {
    for (let i = next++; i < count; i = next++) await all[i % all.length]?.().catch(() => {}); // one that goes away fails on purpose
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** What is resident after a rest, in MB. */
async function rested(): Promise<number> {
  const startedAt = performance.now();
  let least = memoryOf(parlor.pid);
  let leastAt = performance.now();
  while (performance.now() - leastAt < steadyMs && performance.now() - startedAt < restMs) {
    await pause(200);
    const now = memoryOf(parlor.pid);
    if (now < least - 100_000) leastAt = performance.now();
    least = Math.min(least, now);
  }
  return memoryOf(parlor.pid) / 1e6;
}

process.stdout.write(
  `${program.join(" ")}: ${requests} requests, ${Object.keys(kinds).length} kinds in turn\n| requests | resident after a rest, MB |\n|---|---|\n`,
);
const found = [await rested()];
process.stdout.write(`| 0 | ${found[0]?.toFixed(1)} |\n`);
for (let round = 1; round <= rounds; round++) {
  await ask(Math.round(requests / rounds));
  found.push(await rested());
  process.stdout.write(`| ${Math.round((requests * round) / rounds)} | ${found.at(-1)?.toFixed(1)} |\n`);
}
const metrics = await (await fetch(`${url}/metrics`)).text();
for (const [open] of metrics.matchAll(/^parlor_(?:sockets|runs)\w*(?:\{[^}]*\})? \d+$/gm))
  process.stdout.write(`${open}\n`);
const half = rounds / 2 + 1;
const grown = median(found.slice(half)) - median(found.slice(2, half));
const verdict = grown <= swingMb ? "does not grow with their number" : "GROWS with their number";
process.stdout.write(
  `second half beside first ${grown.toFixed(1)} MB: it ${verdict} (at most ${swingMb} MB are the collector's)\n`,
);
parlor.stop();
await llama.stop();
process.exit(grown <= swingMb ? 0 : 1);
