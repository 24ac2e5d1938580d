// A house full of people: 500 ask at once before 16 slots, and 10 000 sit before idle pages. What they wait, whether what they are told
// of it comes true, and what each of them costs. Prints a table and writes it into bench/README.md. Run: make bench (QUICK=1 for a short look).

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashOf, newSecret } from "../src/auth/secrets.ts";
import { newId } from "../src/domain/id.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { executable, startParlor } from "./parlor.ts";
import { cpuOf, memoryOf, root, start } from "./process.ts";
import { quantile, quick, writeTable } from "./report.ts";

const [askers, idlers, slots, tokens, perSecond] = quick ? [50, 500, 16, 20, 50] : [500, 10_000, 16, 100, 50];
const hourMs = 3_600_000;

const folder = mkdtempSync(join(tmpdir(), "parlor-load-"));
const store = openSqlite(join(folder, "parlor.db"));
const secrets: string[] = [];
for (let i = 0; i < idlers; i++) {
  const person = await store.people.add({ name: `person ${i}`, role: "member", password: null });
  const secret = newSecret();
  await store.sessions.open(hashOf(secret), {
    person: person.id,
    address: "127.0.0.1",
    agent: "bench",
    expiresAt: Date.now() + hourMs,
  });
  secrets.push(secret);
}
await store.close();

const source = await start([process.execPath, join(root, "bench/source.ts")]);
const bounds = ["--sockets-max-per-address", "20000", "--queue-max-runs", "1000"];
const { url, pid } = await startParlor(
  [`http://127.0.0.1:${source.line}`],
  ["--data", folder, "--auth", "password", "--slots-max", String(slots), ...bounds],
);

interface Sitter {
  readonly ws: WebSocket;
  /** What was said of the wait, and when. */
  readonly told: { at: number; leastMs: number; mostMs: number }[];
  startedAt: number;
  firstAt: number;
  endedAt: number;
  beats: number;
}

const ms = (amount: string, unit: string): number => Number(amount) * (unit === "min" ? 60_000 : 1_000);

/** The range in what a page says of a place: "a few seconds", "up to 40 s", "about 40 s", "20 to 60 s", "60 s to 2 min". */
function rangeIn(frame: string): { leastMs: number; mostMs: number } | null {
  const said = / in the queue – ([^<]+)/.exec(frame)?.[1];
  if (said === undefined) return null;
  if (said === "a few seconds") return { leastMs: 0, mostMs: 5_000 };
  const [, kind, least = "", unit = "", most = "", unitOfMost = ""] =
    /^(up to|about)? ?(?:(\d+) ?(s|min)? to )?(\d+) (s|min)$/.exec(said) ?? [];
  if (most === "") throw new Error(`not understood: ${said}`);
  const mostMs = ms(most, unitOfMost);
  if (kind === "up to") return { leastMs: 0, mostMs };
  if (kind === "about") return { leastMs: mostMs / 1.35, mostMs };
  return { leastMs: ms(least, unit || unitOfMost), mostMs };
}

/** A page of somebody, seated. */
function sit(secret: string): Promise<Sitter> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${url.replace("http", "ws")}/live?c=${newId()}`, {
      headers: { cookie: `parlor=${secret}` },
    } as never);
    const sitter: Sitter = { ws, told: [], startedAt: 0, firstAt: 0, endedAt: 0, beats: 0 };
    let isSeated = false;
    ws.onerror = () => reject(new Error("a socket failed"));
    ws.onmessage = ({ data }) => {
      const frame = String(data);
      const now = performance.now();
      if (!isSeated) {
        isSeated = true;
        resolve(sitter);
      } else if (frame === "{}") sitter.beats++;
      else if (frame.includes('data-role="assistant" data-status="running"')) sitter.startedAt = now;
      else if (sitter.startedAt > 0 && sitter.firstAt === 0 && frame.includes("id=t>")) sitter.firstAt = now;
      if (frame.includes('data-role="assistant" data-status="done"')) sitter.endedAt = now;
      const range = rangeIn(frame);
      if (range) sitter.told.push({ at: now, ...range });
    };
  });
}

async function all(count: number): Promise<Sitter[]> {
  const seated: Sitter[] = [];
  for (let i = 0; i < count; i += 100)
    seated.push(...(await Promise.all(secrets.slice(i, Math.min(count, i + 100)).map(sit))));
  return seated;
}

const rows: string[] = [];
const row = (what: string, value: string): void => void rows.push(`| ${what} | ${value} |`);
const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;

// everybody asks at once
const people = await all(askers);
const cpuBefore = cpuOf(pid);
const askedAt = performance.now();
for (const { ws } of people)
  ws.send(
    JSON.stringify({
      type: "say",
      message: newId(),
      text: JSON.stringify({ tokens, perSecond }),
      headers: {},
    }),
  );
let peak = 0;
while (people.some(({ endedAt }) => endedAt === 0)) {
  await Bun.sleep(250);
  peak = Math.max(peak, memoryOf(pid));
}
const tookMs = performance.now() - askedAt;
const cpu = (cpuOf(pid) - cpuBefore) / 1e6;
const waits = people.map(({ startedAt }) => startedAt - askedAt);
const firsts = people.map(({ startedAt, firstAt }) => firstAt - startedAt);
const told = people.flatMap((each) =>
  each.told.map((range) => ({ ...range, waited: each.startedAt - range.at })),
);
const true_ = told.filter(({ leastMs, mostMs, waited }) => waited >= leastMs && waited <= mostMs).length;
row(
  `${askers} people ask at once, ${slots} slots, ${tokens} tokens at ${perSecond}/s each: all answered after`,
  seconds(tookMs),
);
row("the least that it can take", seconds((askers / slots) * (tokens / perSecond) * 1000));
row("wait in line, p50 / p90 / longest", [0.5, 0.9, 1].map((q) => seconds(quantile(waits, q))).join(" / "));
row(
  "from the slot to the first token, p50 / p99",
  [0.5, 0.99].map((q) => `${quantile(firsts, q).toFixed(0)} ms`).join(" / "),
);
row(
  "of what was said about waiting came true",
  told.length === 0 ? "nothing was said" : `${((100 * true_) / told.length).toFixed(0)} % of ${told.length}`,
);
row(
  "processor of parlor meanwhile",
  `${((100 * cpu * 1000) / tookMs).toFixed(0)} % of a core, ${((cpu * 1e6) / (askers * tokens)).toFixed(0)} µs per token`,
);
row("memory of parlor meanwhile, at most", `${(peak / 1e6).toFixed(0)} MB`);
for (const { ws } of people) ws.close();

// everybody sits before an idle page
await Bun.sleep(1_000);
Bun.gc(true);
const empty = memoryOf(pid);
const openedAt = performance.now();
const sitters = await all(idlers);
row(
  `${idlers.toLocaleString("en")} people sign in to idle pages within`,
  seconds(performance.now() - openedAt),
);
await Bun.sleep(2_000);
row("memory per idle page", `${((memoryOf(pid) - empty) / idlers / 1024).toFixed(1)} kB`);
const idleFrom = cpuOf(pid);
const idleMs = quick ? 2_000 : 16_000;
await Bun.sleep(idleMs);
row(
  "processor of parlor while they sit",
  `${((cpuOf(pid) - idleFrom) / 1e4 / (idleMs / 1000)).toFixed(1)} % of a core`,
);
// one is signed out by a command, as an operator would
const last = sitters.at(-1) as Sitter;
const closed = Promise.withResolvers<void>();
last.ws.onclose = () => closed.resolve();
const removedAt = performance.now();
const removed = Bun.spawn([executable, "user", "remove", `person ${idlers - 1}`, "--data", folder], {
  stdout: "ignore",
  stderr: "inherit",
});
await closed.promise;
row(
  "one is removed by `parlor user remove`: their page is closed after",
  seconds(performance.now() - removedAt),
);
await removed.exited;
row(
  "pages that are still there",
  String(sitters.filter(({ ws }) => ws.readyState === WebSocket.OPEN).length),
);

await writeTable("load", ["| | |", "|---|---:|", ...rows].join("\n"));
process.exit(0);
