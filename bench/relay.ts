// What the relay adds: the same streams read directly from the source, through /chat, and through a page's socket, in one
// run, interleaved. Prints a table and writes it into bench/README.md. Run: make bench (QUICK=1 for a short look).

import { join } from "node:path";
import { newId } from "../src/domain/conversation.ts";
import { startLlama } from "../test/llama/server.ts";
import { cpuOf, root, start } from "./process.ts";
import { median, quantile, writeTable } from "./report.ts";
import { microseconds } from "./source.ts";

const quick = process.env["QUICK"] === "1";
const rounds = Number(process.env["ROUNDS"] ?? (quick ? 1 : 5));
/** What one reader saw. */
interface Reading {
  /** Age of each piece that arrived, of its newest token, in µs. */
  readonly ages: number[];
  /** From asking to the first piece, in µs. */
  firstAfter: number;
  tokens: number;
}

type Reader = (question: string) => Promise<Reading>;

function note(reading: Reading, text: string, askedAt: number): void {
  const now = microseconds();
  const stamps = text.match(/\d{16}/g);
  if (!stamps) return;
  if (reading.firstAfter === 0) reading.firstAfter = now - askedAt;
  reading.tokens += stamps.length;
  for (const stamp of stamps) reading.ages.push(now - Number(stamp));
}

const direct =
  (url: string): Reader =>
  async (question) => {
    const reading: Reading = { ages: [], firstAfter: 0, tokens: 0 };
    const askedAt = microseconds();
    const body = JSON.stringify({ messages: [{ role: "user", content: question }], stream: true });
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
    const decoder = new TextDecoder();
    for await (const chunk of response.body as ReadableStream<Uint8Array>) note(reading, decoder.decode(chunk, { stream: true }), askedAt);
    return reading;
  };

function socketReader(
  address: () => string,
  ask: (question: string) => string,
  isReady: (frame: string) => boolean,
  isEnd: (frame: string) => boolean,
  textOf: (frame: string) => string,
): Reader {
  return (question) =>
    new Promise((resolve, reject) => {
      const reading: Reading = { ages: [], firstAfter: 0, tokens: 0 };
      let askedAt = 0;
      const ws = new WebSocket(address());
      const send = () => {
        askedAt = microseconds();
        ws.send(ask(question));
      };
      ws.onopen = () => isReady("") && send();
      ws.onerror = () => reject(new Error("socket failed"));
      ws.onmessage = ({ data }) => {
        const frame = data as string;
        if (askedAt === 0 && isReady(frame)) return send();
        if (isEnd(frame)) {
          ws.close();
          return resolve(reading);
        }
        note(reading, textOf(frame), askedAt);
      };
    });
}

const plain = (url: string): Reader => {
  const isEnd = (frame: string) => frame === "[DONE]" || frame.startsWith("[ERROR]");
  return socketReader(
    () => `${url.replace("http", "ws")}/chat`,
    (question) => question,
    (frame) => frame === "",
    isEnd,
    (frame) => frame,
  );
};

/** Counts what is new: the finished text of a frame; its tail, which is sent again and again, by its last token only. */
const page =
  (url: string): Reader =>
  (question) => {
    let newest = 0;
    const fresh = (frame: string): string => {
      if (!/id=t|"#t/.test(frame)) return "";
      const stamps = (frame.match(/\d{16}/g) ?? []).map(Number).filter((stamp) => stamp > newest);
      newest = Math.max(newest, ...stamps);
      return stamps.join(" ");
    };
    const say = (text: string) => JSON.stringify({ type: "say", message: newId(), text });
    const isReady = (frame: string) => frame.startsWith("<hx-partial id=thread ");
    return socketReader(
      () => `${url.replace("http", "ws")}/live?c=${newId()}`,
      say,
      isReady,
      (frame) => frame.includes("hx-swap=outerMorph") && frame.includes('data-status="done"'),
      fresh,
    )(question);
  };

const ms = (us: number): string => (us / 1000).toFixed(2);

/** Runs `streams` at once through each reader in turn, round by round. */
async function contest(readers: Record<string, Reader>, streams: number, question: object, cpu: () => Promise<number>) {
  const found: Record<string, { p50: number[]; p99: number[]; first: number[]; perSecond: number[]; cpu: number[] }> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, read] of Object.entries(readers)) {
      const [cpuBefore, startedAt] = [await cpu(), performance.now()];
      const readings = await Promise.all(Array.from({ length: streams }, () => read(JSON.stringify(question))));
      const seconds = (performance.now() - startedAt) / 1000;
      const ages = readings.flatMap((reading) => reading.ages);
      const tokens = readings.reduce((sum, reading) => sum + reading.tokens, 0);
      const into = found[name] ?? { p50: [], p99: [], first: [], perSecond: [], cpu: [] };
      found[name] = into;
      into.p50.push(quantile(ages, 0.5));
      into.p99.push(quantile(ages, 0.99));
      into.first.push(median(readings.map((reading) => reading.firstAfter)));
      into.perSecond.push(tokens / seconds);
      into.cpu.push(((await cpu()) - cpuBefore) / tokens);
    }
  }
  return found;
}

const source = await start([process.execPath, join(root, "bench/source.ts")]);
const sourceUrl = `http://127.0.0.1:${source.line}`;
const parlor = await start([
  join(root, "dist/parlor"),
  "--port",
  "0",
  "--llama",
  sourceUrl,
  "--log-level",
  "error",
  "--sockets-max-per-address",
  "10000",
  "--queue-max-runs",
  "10000",
]);
const url = parlor.line.split(" ").at(-1) as string;
while ((await fetch(`${url}/readyz`)).status !== 200) await Bun.sleep(20);

const readers = { direct: direct(sourceUrl), "/chat": plain(url), page: page(url) };
const cpu = () => cpuOf(parlor.process.pid);
const rows: string[] = [];
const table = (title: string, head: string) => rows.push(`\n${title}\n`, head, head.replace(/[^|]+/g, "---"));

await contest(readers, 4, { tokens: 50, perSecond: 100 }, cpu); // warm-up
table(
  "**Age of a token when it arrives** (20 tokens/s per stream; a page gets tokens folded for 40 ms, by design)",
  "| streams | way | p50 ms | p99 ms | added to p50 | first token after, ms | CPU µs per token |",
);
for (const streams of [1, 16, 128]) {
  const found = await contest(readers, streams, { tokens: quick ? 20 : 100, perSecond: 20 }, cpu);
  const base = median(found["direct"]?.p50 ?? []);
  for (const [name, { p50, p99, first, cpu: used }] of Object.entries(found)) {
    rows.push(
      `| ${streams} | ${name} | ${ms(median(p50))} | ${ms(median(p99))} | ${name === "direct" ? "" : ms(median(p50) - base)} | ${ms(median(first))} | ${name === "direct" ? "" : median(used).toFixed(0)} |`,
    );
  }
}
table("**Tokens per second, as fast as they are taken**", "| streams | way | tokens/s | CPU µs per token |");
for (const streams of [1, 16, 128]) {
  const found = await contest(readers, streams, { tokens: Math.round((quick ? 20_000 : 100_000) / streams), perSecond: 0 }, cpu);
  for (const [name, { perSecond, cpu: used }] of Object.entries(found))
    rows.push(`| ${streams} | ${name} | ${Math.round(median(perSecond)).toLocaleString("en")} | ${name === "direct" ? "" : median(used).toFixed(1)} |`);
}

/** First token from the real llama-server, directly and through us: one question at a time, in turn. */
async function firstTokens(): Promise<void> {
  const llama = await startLlama();
  const relay = await start([join(root, "dist/parlor"), "--port", "0", "--llama", llama.url, "--log-level", "error"]);
  const relayUrl = relay.line.split(" ").at(-1) as string;
  while ((await fetch(`${relayUrl}/readyz`)).status !== 200) await Bun.sleep(20);
  const found: Record<string, number[]> = { direct: [], "/chat": [] };
  const client = new WebSocket(`${relayUrl.replace("http", "ws")}/chat`);
  await new Promise((resolve) => client.addEventListener("open", resolve));
  for (let i = 0; i < (quick ? 20 : 200); i++) {
    const askedAt = microseconds();
    const response = await fetch(`${llama.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ messages: [{ role: "user", content: "twenty" }], stream: true }),
    });
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      if (!new TextDecoder().decode(chunk).includes(`"content":"`)) continue;
      found["direct"]?.push(microseconds() - askedAt);
      break;
    }
    // a socket of its own for each, so that both read a prompt of one message
    const ws = new WebSocket(`${relayUrl.replace("http", "ws")}/chat`);
    await new Promise((resolve) => ws.addEventListener("open", resolve));
    const askedRelayAt = microseconds();
    ws.send("twenty");
    await new Promise((resolve) => ws.addEventListener("message", resolve, { once: true }));
    found["/chat"]?.push(microseconds() - askedRelayAt);
    await new Promise((resolve) => ws.addEventListener("message", (event) => event.data === "[DONE]" && resolve(null)));
    ws.close();
  }
  table("**First token from the real llama-server** (demo model, one question at a time)", "| way | p50 ms | p99 ms |");
  for (const [name, values] of Object.entries(found)) rows.push(`| ${name} | ${ms(median(values))} | ${ms(quantile(values, 0.99))} |`);
  relay.process.kill();
  await llama.stop();
}
await firstTokens();
parlor.process.kill();
source.process.kill();

await writeTable("relay", rows.join("\n").trim(), quick);
process.exit(0);
