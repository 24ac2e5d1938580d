// Many at once: 500 watchers of one answer, 10 000 idle pages, 50 clients that do not read among 200, and how each cost grows from 1 × over
// 4 × to 16 ×. Writes a table into bench/README.md and bench/results/crowd.json. Run: make bench (QUICK=1 for a short look).

import { compileWire, startCrowdedParlor, startSource } from "./contenders.ts";
import { memoryOf, scheduledOf, ticksOf } from "./process.ts";
import {
  fixed,
  type Goal,
  goalLines,
  median,
  quick,
  rounds,
  table,
  writeResults,
  writeText,
} from "./report.ts";

const wire = compileWire();
const source = await startSource(wire);
const upstream = `http://127.0.0.1:${source.port}`;
let runs = 0;

interface Wish {
  readonly streams: number;
  readonly tokens: number;
  readonly perSecond?: number;
  readonly extra?: Readonly<Record<string, number>>;
}

interface Reading {
  readonly p50: number;
  readonly p99: number;
  readonly firstP50: number;
  readonly stamps: number;
  readonly wallUs: number;
  readonly failed: number;
}

interface House {
  readonly port: number;
  readonly pid: number;
}

function reader(
  { port }: House,
  { streams, tokens, perSecond = 50, extra = {} }: Wish,
  spreadMs = 500,
): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  const words = {
    way: "page",
    port,
    run: `c${process.pid.toString(36)}${++runs}x`,
    streams,
    tokens,
    "per-second": perSecond,
    "spread-ms": spreadMs,
    ...extra,
  };
  return Bun.spawn(
    [wire, "read", ...Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)])],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    },
  );
}

async function read(
  house: House,
  wish: Wish,
): Promise<Reading & { cpuUs: number; userUs: number; systemUs: number }> {
  const [before, ticks] = [scheduledOf(house.pid), ticksOf(house.pid)];
  const reading = JSON.parse(await new Response(reader(house, wish).stdout).text()) as Reading;
  const after = ticksOf(house.pid);
  const tokens = wish.streams * wish.tokens;
  const kinds = {
    userUs: (after.user - ticks.user) / tokens,
    systemUs: (after.system - ticks.system) / tokens,
  };
  return { ...reading, cpuUs: (scheduledOf(house.pid) - before) / tokens, ...kinds };
}

/** Memory that each of so many open sockets takes, in bytes. */
async function idle(count: number): Promise<number> {
  const house = await startCrowdedParlor(upstream);
  await read(house, { streams: 32, tokens: 100 });
  const before = memoryOf(house.pid);
  const child = reader(house, { streams: count, tokens: 1, extra: { "idle-ms": 60_000 } });
  const [first] = new TextDecoder().decode((await child.stdout.getReader().read()).value).split("\n");
  const { open } = JSON.parse(first as string) as { open: number };
  const each = (memoryOf(house.pid) - before) / open;
  child.kill();
  house.stop();
  return each;
}

/** Memory that each of so many running answers takes at its fullest, in bytes. */
async function active(streams: number): Promise<number> {
  const house = await startCrowdedParlor(upstream);
  await read(house, { streams: 32, tokens: 100 });
  const before = memoryOf(house.pid);
  let most = before;
  const look = setInterval(() => {
    most = Math.max(most, memoryOf(house.pid));
  }, 50);
  await read(house, { streams, tokens: 200 });
  clearInterval(look);
  house.stop();
  return (most - before) / streams;
}

/** What is found at each size, and by which power of the size it grows. */
async function growing(
  sizes: readonly number[],
  find: (size: number) => Promise<number>,
): Promise<{ sizes: readonly number[]; found: number[]; power: number }> {
  const found: number[] = [];
  for (const size of sizes) found.push(await find(size));
  const [first = 1, last = 1] = [found[0], found.at(-1)];
  return {
    sizes,
    found,
    power: Math.log(last / first) / Math.log((sizes.at(-1) as number) / (sizes[0] as number)),
  };
}

const [watchersMax, idleMax, readers, stuck] = quick ? [32, 320, 40, 10] : [500, 10_000, 200, 50];
const of = (most: number): number[] => [most / 16, most / 4, most].map(Math.ceil);
const house = await startCrowdedParlor(upstream);
await read(house, { streams: 32, tokens: 400, perSecond: 100 });

// one answer, many watchers
const watched: Record<number, { user: number[]; system: number[]; p99: number[] }> = {};
const sizes = [0, ...of(watchersMax - 1)];
for (let round = 0; round < rounds; round++)
  for (const watchers of sizes) {
    const { userUs, systemUs, p99 } = await read(house, {
      streams: 1,
      tokens: quick ? 50 : 400,
      extra: { watchers },
    });
    watched[watchers] ??= { user: [], system: [], p99: [] };
    watched[watchers].user.push(userUs);
    watched[watchers].system.push(systemUs);
    watched[watchers].p99.push(p99 / 1000);
  }
const fan = table(
  "**One answer, many watchers** (50 tokens/s; processor time of parlor per token of the answer)",
  ["watchers", "own µs", "kernel's µs", "age of a token, p99 ms"],
);
for (const watchers of sizes) {
  const { user = [], system = [], p99 = [] } = watched[watchers] ?? {};
  fan.row(watchers + 1, fixed(median(user), 0), fixed(median(system), 0), fixed(median(p99), 2));
}

// clients that do not read
const before = memoryOf(house.pid);
const beside: { alone: Reading[]; among: Reading[] } = { alone: [], among: [] };
for (let round = 0; round < rounds; round++) {
  beside.alone.push(await read(house, { streams: readers - stuck, tokens: quick ? 50 : 200 }));
  beside.among.push(await read(house, { streams: readers, tokens: quick ? 50 : 200, extra: { stuck } }));
}
const slow = table(`**${stuck} clients that do not read, among ${readers}** (the others' tokens)`, [
  "",
  "p50 ms",
  "p99 ms",
]);
const ms = (all: readonly Reading[], part: "p50" | "p99") => median(all.map((each) => each[part])) / 1000;
slow.row(`${readers - stuck} alone`, fixed(ms(beside.alone, "p50"), 2), fixed(ms(beside.alone, "p99"), 2));
slow.row(
  `${readers - stuck} beside ${stuck} that do not read`,
  fixed(ms(beside.among, "p50"), 2),
  fixed(ms(beside.among, "p99"), 2),
);
const slowMb = (memoryOf(house.pid) - before) / 1e6;
slow.row("memory that parlor has more after all this, MB", fixed(slowMb, 0), "");

// memory, and how it all grows
const grown = {
  "an idle page, kB": await growing(of(idleMax), async (count) => (await idle(count)) / 1e3),
  "a running answer, kB": await growing(of(quick ? 64 : 512), async (count) => (await active(count)) / 1e3),
  "a token, by streams at once, µs": await growing(
    of(quick ? 64 : 512),
    async (streams) => (await read(house, { streams, tokens: quick ? 50 : 200 })).cpuUs,
  ),
  "a token, by length of the answer, µs": await growing(
    of(quick ? 400 : 8_000),
    async (tokens) => (await read(house, { streams: 8, tokens, perSecond: 400 })).cpuUs,
  ),
  "a token, by watchers, µs": await growing(
    of(watchersMax),
    async (watchers) =>
      (await read(house, { streams: 1, tokens: quick ? 50 : 200, extra: { watchers } })).cpuUs,
  ),
};
const slope = table(
  "**How cost grows**: what each of so many costs; power 0 is flat, 1 is in proportion to the number",
  ["cost of", "at", "1 ×", "4 ×", "16 ×", "power"],
);
for (const [name, { sizes: at, found, power }] of Object.entries(grown))
  slope.row(name, at.join(", "), ...found.map((each) => fixed(each, 1)), fixed(power, 2));

const own = (watchers: number) => median(watched[watchers]?.user ?? []);
const goals: Goal[] = [
  {
    goal: `own time of ${watchersMax} watchers, in that of one`,
    found: own(watchersMax - 1) / own(0),
    atMost: 3,
  },
  { goal: "an idle page", found: grown["an idle page, kB"].found.at(-1) as number, atMost: 8, unit: " kB" },
  {
    goal: "a running answer",
    found: grown["a running answer, kB"].found.at(-1) as number,
    atMost: 40,
    unit: " kB",
  },
  {
    goal: "p99 beside clients that do not read, in p99 without them",
    found: ms(beside.among, "p99") / ms(beside.alone, "p99"),
    atMost: 1.5,
  },
];
process.stdout.write(`${goalLines(goals)}\n`);
await writeText("crowd", [...[fan, slow, slope].map(({ text }) => text), goalLines(goals)].join("\n\n"));
await writeResults("crowd", { rounds, watched, beside, slowMb, grown, goals });
process.exit(0);
