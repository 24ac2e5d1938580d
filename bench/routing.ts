// What it saves to ask the llama-server that has read a conversation before: a house of 20 conversations over two llama-servers with two slots each, asked through
// parlor and through nginx, which takes turns. Writes a table into bench/README.md and bench/results/routing.json. Run: bun bench/routing.ts (QUICK=1 for a short look).

import { type Llama, startLlama, until } from "../test/llama/server.ts";
import { seeded } from "../test/seeded.ts";
import { startNginxWith } from "./contenders.ts";
import { startParlor } from "./parlor.ts";
import { fixed, median, quantile, quick, rounds, table, writeResults, writeTable } from "./report.ts";

const conversations = quick ? 4 : 20;
const turns = quick ? 2 : 6;
const wordsPerQuestion = 150;

interface Message {
  readonly role: string;
  readonly content: string;
}

/** What one way has cost. */
interface Outcome {
  readonly way: string;
  /** Prompt tokens in all, and those of them that were read anew. */
  readonly tokens: number;
  readonly reread: number;
  /** From the question to the whole answer, per turn, in ms. */
  readonly ms: number[];
}

/** Every conversation asks its questions in turn, so many conversations at a time in an order of the seed's. */
async function house(way: string, url: string, seed: number, atOnce: number): Promise<Outcome> {
  const random = seeded(seed);
  const vocabulary = Array.from({ length: 400 }, (_, i) => `word${i}`);
  const outcome = { way, tokens: 0, reread: 0, ms: [] as number[] };
  const threads: Message[][] = Array.from({ length: conversations }, () => []);
  const order = Array.from({ length: turns }, () => shuffled(threads, random)).flat();
  const busy = new Set<Message[]>();
  const turn = async (thread: Message[]): Promise<void> => {
    const text = Array.from({ length: wordsPerQuestion }, () => random.pick(vocabulary)).join(" ");
    thread.push({ role: "user", content: `${text} twenty` });
    const from = performance.now();
    const body = JSON.stringify({ messages: thread, max_tokens: 64 });
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body, keepalive: false });
    const { choices, timings } = (await response.json()) as {
      choices: { message: Message }[];
      timings: { prompt_n: number; cache_n: number };
    };
    outcome.ms.push(performance.now() - from);
    outcome.tokens += timings.prompt_n + timings.cache_n;
    outcome.reread += timings.prompt_n;
    thread.push({ role: "assistant", content: choices[0]?.message.content ?? "" });
  };
  const worker = async (): Promise<void> => {
    for (;;) {
      const at = order.findIndex((thread) => !busy.has(thread));
      if (at < 0) return;
      const [thread] = order.splice(at, 1) as [Message[]];
      busy.add(thread);
      await turn(thread);
      busy.delete(thread);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcome;
}

function shuffled<T>(from: readonly T[], random: ReturnType<typeof seeded>): T[] {
  return from
    .map((each) => ({ each, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

/** nginx, which takes turns. */
async function startTurns(llamas: readonly Llama[]): Promise<{ url: string; stop(): void }> {
  const both = `upstream both { ${llamas.map(({ url }) => `server ${new URL(url).host};`).join(" ")} }`;
  const started = await startNginxWith(
    (port) =>
      `${both} server { listen 127.0.0.1:${port}; location / { proxy_pass http://both; proxy_read_timeout 600s; } }`,
  );
  if (!started) throw new Error("nginx is needed: apt-get install nginx-light");
  return { url: `http://127.0.0.1:${started.port}`, stop: () => started.process.kill() };
}

const settings = [
  { name: "as it is (a cache of 8 GiB in memory)", args: [], atOnce: 2 },
  { name: "as it is", args: [], atOnce: 4 },
  { name: "`--cache-ram 0`: what a slot holds is all there is", args: ["--cache-ram", "0"], atOnce: 2 },
] as const;
const out = table("Prompt tokens that were read anew", [
  "llama-server",
  "at once",
  "way",
  "prompt tokens",
  "read anew",
  "part",
  "turn p50, ms",
  "p90, ms",
]);
const found: object[] = [];
for (const { name, args, atOnce } of settings) {
  const outcomes: Outcome[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const way of ["turns", "parlor"] as const) {
      // each way begins with llama-servers that have read nothing
      const llamas = await Promise.all([0, 1].map(() => startLlama({ args })));
      const { url, stop } = await (way === "turns"
        ? startTurns(llamas)
        : startParlor(llamas.map((llama) => llama.url)));
      await until(async () => (await fetch(`${url}/health`).catch(() => null))?.status !== 503, "it answers");
      const outcome = await house(way, url, round + 1, atOnce);
      outcomes.push(outcome);
      stop();
      for (const llama of llamas) await llama.stop();
    }
  }
  for (const [way, label] of [
    ["turns", "nginx, in turns"],
    ["parlor", "parlor"],
  ] as const) {
    const those = outcomes.filter((outcome) => outcome.way === way);
    const parts = those.map((each) => each.reread / each.tokens);
    const ms = those.flatMap((outcome) => outcome.ms);
    const [tokens, reread] = [
      median(those.map((each) => each.tokens)),
      median(those.map((each) => each.reread)),
    ];
    out.row(
      name,
      atOnce,
      label,
      tokens,
      reread,
      `${fixed(median(parts) * 100, 1)} %`,
      fixed(median(ms), 0),
      fixed(quantile(ms, 0.9), 0),
    );
    found.push({
      setting: name,
      atOnce,
      way,
      tokens,
      reread,
      parts,
      p50Ms: median(ms),
      p90Ms: quantile(ms, 0.9),
    });
  }
}
await writeTable("routing", out.text);
await writeResults("routing", { conversations, turns, wordsPerQuestion, rounds, found });
process.exit(0);
