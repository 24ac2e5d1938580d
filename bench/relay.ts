// What the relay adds: the same streams read from the source directly, through nginx, llama-server's router, a relay of the tutorial's shape and
// parlor's three doors, in one run, in turn, round by round. Writes a table into bench/README.md and bench/results/relay.json.
// Run: make bench (QUICK=1 for a short look that writes nothing; ROUNDS=n; BEFORE=/path/to/another/parlor measures that executable in the same run,
// at 50 tokens a second alone, and writes a table of its own).

import { startLlama } from "../test/llama/server.ts";
import {
  type Contender,
  compileWire,
  startCrowdedParlor,
  startDoors,
  startNginx,
  startRouter,
  startSource,
  startTutorialRelay,
} from "./contenders.ts";
import { cpuOf, memoryOf, scheduledOf } from "./process.ts";
import {
  fixed,
  median,
  quick,
  rounds,
  spread,
  type Table,
  table,
  writeResults,
  writeText,
} from "./report.ts";

/** What `wire read` says of one reading: times in µs. */
export interface Reading {
  readonly p50: number;
  readonly p99: number;
  readonly firstP50: number;
  readonly firstP99: number;
  readonly stamps: number;
  readonly bytes: number;
  readonly wallUs: number;
  readonly readerCpuUs: number;
  readonly failed: number;
  readonly left: number;
}

interface Taken extends Reading {
  /** Of the relay, per token. */
  readonly cpuUs: number;
  readonly bytesPerToken: number;
  readonly perSecond: number;
  /** Share of a core that the two ends of the benchmark took: near 1 they would be what is measured. */
  readonly readerLoad: number;
  readonly sourceLoad: number;
}

export interface Load {
  readonly streams: number;
  readonly tokens: number;
  readonly perSecond: number;
  readonly spreadMs: number;
  readonly extra?: readonly string[];
}

const wire = compileWire();
let runs = 0;
const cpu = ({ pid, hasPassingThreads }: Contender): number =>
  (hasPassingThreads ? cpuOf : scheduledOf)(pid as number);

export async function read(
  { name, way, port, path, model }: Contender,
  { streams, tokens, perSecond, spreadMs, extra = [] }: Load,
): Promise<Reading> {
  const numbers = { port, streams, tokens, "per-second": perSecond, "spread-ms": spreadMs };
  const words = {
    way,
    run: `r${process.pid.toString(36)}${++runs}x`,
    ...(path && { path }),
    ...(model && { model }),
    ...numbers,
  };
  const child = Bun.spawn(
    [
      wire,
      "read",
      ...Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...extra,
    ],
    { stderr: "inherit" },
  );
  const reading = JSON.parse(
    (await new Response(child.stdout).text()).trim().split("\n").at(-1) ?? "",
  ) as Reading;
  if (reading.failed > 0 || reading.left > 0)
    throw new Error(`${name}: ${reading.failed} streams failed, ${reading.left} did not end`);
  return reading;
}

async function take(contender: Contender, source: Contender, load: Load): Promise<Taken> {
  const before = [cpu(contender), cpu(source)];
  const reading = await read(contender, load);
  const after = [cpu(contender), cpu(source)];
  const [used = 0, given = 0] = after.map((us, i) => us - (before[i] as number));
  const tokens = load.streams * load.tokens;
  return {
    ...reading,
    cpuUs: used / tokens,
    bytesPerToken: reading.bytes / tokens,
    perSecond: (tokens * 1e6) / reading.wallUs,
    readerLoad: reading.readerCpuUs / reading.wallUs,
    sourceLoad: given / reading.wallUs,
  };
}

/** Every contender under the same load, in turn, round by round. */
async function contest(
  contenders: readonly Contender[],
  source: Contender,
  load: Load,
): Promise<Map<string, Taken[]>> {
  const found = new Map<string, Taken[]>();
  for (let round = 0; round < rounds; round++)
    for (const contender of contenders)
      found.set(contender.name, [...(found.get(contender.name) ?? []), await take(contender, source, load)]);
  return found;
}

const ms = (us: number): string => fixed(us / 1000, 2);
const before = process.env["BEFORE"];
const [levels, rates, seconds] = quick
  ? [[1, 16], [50], 1]
  : [[1, 16, 128, 512], before ? [50] : [20, 50, 100], 4];

const source = await startSource(wire);
const nginx = await startNginx(source);
const others = before
  ? await startDoors(source, { name: "before", program: before })
  : [await startRouter(wire), await startTutorialRelay(source)];
const contenders = [source, ...(nginx ? [nginx] : []), ...others, ...(await startDoors(source))];
for (let i = 0; i < 3; i++)
  for (const contender of contenders)
    await read(contender, { streams: 8, tokens: 200, perSecond: 200, spreadMs: 100 });

const results: Record<string, unknown> = {};
const tables: Table[] = [];
const goals: string[] = [];

const latency = table(
  "**Age of a token when it arrives**, and what it costs (each stream at a pace of its own; the streams begin within a second, 512 within two)",
  [
    "streams",
    "tokens/s each",
    "way",
    "p50 ms",
    "(spread)",
    "p99 ms",
    "CPU µs per token",
    "bytes per token",
    "reader / source, of a core",
  ],
);
tables.push(latency);
for (const streams of levels)
  for (const rate of rates) {
    const found = await contest(contenders, source, {
      streams,
      tokens: rate * seconds,
      perSecond: rate,
      spreadMs: streams > 1 ? Math.max(1_000, 4 * streams) : 0,
    });
    results[`latency ${streams}x${rate}`] = Object.fromEntries(found);
    for (const [name, taken] of found) {
      const of = (part: keyof Taken) => median(taken.map((each) => each[part]));
      const cost = name === source.name ? "" : fixed(of("cpuUs"), 1);
      latency.row(
        streams,
        rate,
        name,
        ms(of("p50")),
        spread(taken.map(({ p50 }) => p50 / 1000)),
        ms(of("p99")),
        cost,
        fixed(of("bytesPerToken"), 0),
        `${fixed(of("readerLoad"), 2)} / ${fixed(of("sourceLoad"), 2)}`,
      );
    }
    const of = (name: string, part: keyof Taken) => median((found.get(name) ?? []).map((each) => each[part]));
    for (const door of ["parlor /v1", "parlor /chat", "parlor page, Markdown"]) {
      const ratios = (["p50", "p99", "cpuUs"] as const).map((part) =>
        fixed(of(door, part) / of("nginx", part), 2),
      );
      goals.push(
        `${streams} × ${rate}/s, ${door} ÷ nginx: p50 ${ratios[0]}, p99 ${ratios[1]}, CPU ${ratios[2]}`,
      );
    }
  }

const throughput = table("**As fast as it is taken**", [
  "streams",
  "way",
  "tokens/s",
  "(spread)",
  "CPU µs per token",
]);
tables.push(throughput);
for (const streams of quick ? [16] : [1, 16, 128]) {
  const found = await contest(contenders, source, {
    streams,
    tokens: Math.round((quick ? 20_000 : 160_000) / streams),
    perSecond: 0,
    spreadMs: 0,
  });
  results[`throughput ${streams}`] = Object.fromEntries(found);
  for (const [name, taken] of found) {
    const all = taken.map(({ perSecond }) => perSecond);
    throughput.row(
      streams,
      name,
      Math.round(median(all)).toLocaleString("en"),
      spread(
        all.map((each) => each / 1000),
        "k",
      ),
      name === source.name ? "" : fixed(median(taken.map(({ cpuUs }) => cpuUs)), 2),
    );
  }
}

/** From the question to the first text: of many, one at a time; and of the first that a process is ever asked. */
async function firstTokens(): Promise<void> {
  const first = table("**First token**, from the question on, one question at a time", [
    "from",
    "way",
    "p50 ms",
    "(spread)",
    "p99 ms",
    "added at p50, ms",
  ]);
  tables.push(first);
  const llama = await startLlama();
  const real = await startCrowdedParlor(llama.url);
  const port = Number(new URL(llama.url).port);
  const fromLlama: Contender[] = [
    { name: "direct", way: "sse", port, pid: null },
    { name: "parlor /v1", way: "sse", ...real },
    { name: "parlor /chat", way: "chat", ...real },
  ];
  const asking = { streams: quick ? 20 : 100, tokens: 3, perSecond: 100, spreadMs: quick ? 1_000 : 5_000 };
  for (const [name, all, extra] of [
    ["source", contenders, []],
    ["real llama-server", fromLlama, ["--no-stamps", "1", "--question", "twenty"]],
  ] as const) {
    const found = new Map<string, Reading[]>();
    for (let round = 0; round < rounds; round++)
      for (const contender of all)
        found.set(contender.name, [
          ...(found.get(contender.name) ?? []),
          await read(contender, { ...asking, extra }),
        ]);
    results[`first token, ${name}`] = Object.fromEntries(found);
    const base = median((found.get("direct") ?? []).map(({ firstP50 }) => firstP50));
    for (const [way, taken] of found) {
      const p50 = median(taken.map(({ firstP50 }) => firstP50));
      first.row(
        name,
        way,
        ms(p50),
        spread(taken.map(({ firstP50 }) => firstP50 / 1000)),
        ms(median(taken.map(({ firstP99 }) => firstP99))),
        way === "direct" ? "" : ms(p50 - base),
      );
    }
  }
  const cold: number[] = [];
  for (let i = 0; i < (quick ? 2 : 7); i++) {
    const { port: fresh, pid, stop } = await startCrowdedParlor(`http://127.0.0.1:${source.port}`);
    cold.push(
      (
        await read(
          { name: "", way: "chat", port: fresh, pid },
          { streams: 1, tokens: 3, perSecond: 100, spreadMs: 0 },
        )
      ).firstP50 / 1000,
    );
    stop();
  }
  results["first token, cold"] = cold;
  first.row("source", "parlor /chat, first ever asked", fixed(median(cold), 2), spread(cold), "", "");
  real.stop();
  await llama.stop();
}
await firstTokens();

const memory = contenders.at(-1)?.pid as number;
results["memory of parlor after all this, bytes"] = memoryOf(memory);
process.stdout.write(`${goals.join("\n")}\n`);
await writeText(before ? "relay-before" : "relay", tables.map(({ text }) => text).join("\n\n"));
await writeResults(before ? "relay-before" : "relay", { rounds, ...results, goals });
process.exit(0);
