// Three parlors on one PostgreSQL are killed, frozen, cut off, ended and started again while people and programs ask
// at any of them. Every Run ends once, waiting ones begin in their order, and pages, store and llama-server agree.
// `make soak CLUSTER=1` does it for half an hour, with another seed each minute (SOAK_MINUTES, SEED); a short one
// is a test.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises"; // faults happen over a time that is wished; nothing is waited for by it
import { SQL } from "bun";
import { newId } from "../../src/domain/id.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { type House, type Process, startHouse } from "../cluster/house.ts";
import type { Parlor } from "../e2e/stage.ts";
import { PageClient } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";
import { type Seeded, seeded } from "../seeded.ts";
import { agree, questionOf, stopAll } from "./answers.ts";

/** Longest that anything may take before it counts as hanging, in ms. */
const hangsMs = 60_000;
const people = 6;
const programs = 2;
/** Short, so that much happens: that a process which only waited for the processor is followed, too, does no harm. */
const leaseMs = 1_500;
/** Faults that a run has at least, however slow the machine is. */
const faultsMin = 3;

interface World {
  readonly house: House;
  readonly store: Store;
  readonly sql: SQL;
  readonly random: Seeded;
  readonly llamas: (Llama | null)[];
  readonly pages: PageClient[];
  /** Every executable that ran. */
  readonly parlors: Set<Parlor>;
  readonly faults: Record<string, number>;
  readonly programs: { answered: number; broken: number };
  readonly until: number;
  isDone: boolean;
}

export interface Survived {
  readonly answers: number;
  readonly runs: number;
  readonly terms: number;
  readonly programs: World["programs"];
  readonly faults: Readonly<Record<string, number>>;
}

/** Lives for so long and looks whether all is in order then. */
export async function survive(seed: number, ms: number): Promise<Survived> {
  const house = await startHouse({ leaseMs, slotTokens: 60_000 });
  const store = await openPostgres(house.database);
  const sql = new SQL({ url: house.database, max: 1, prepare: false } as ConstructorParameters<
    typeof SQL
  >[0]);
  const random = seeded(seed);
  const world: World = {
    ...{ house, store, sql, random, llamas: [...house.llamas], faults: {} },
    pages: Array.from({ length: people }, () => new PageClient(anyOf(house, random))),
    parlors: new Set(house.processes.map(({ parlor }) => parlor)),
    programs: { answered: 0, broken: 0 },
    until: performance.now() + ms,
    isDone: false,
  };
  const supervised = supervise(world);
  try {
    await watchRuns(sql);
    await Promise.all([
      strike(world),
      ...world.pages.map((_, i) => live(world, i)),
      ...Array.from({ length: programs }, () => ask(world)),
    ]);
    await mend(world);
    await queueOutlivesLeaders(world);
    return await balance(world);
  } catch (error) {
    for (const { log } of world.parlors) process.stderr.write(`${log()}\n`);
    throw error;
  } finally {
    world.isDone = true;
    await supervised;
    for (const page of world.pages) page.close();
    await sql.close();
    await store.close();
    for (const llama of world.llamas) await llama?.stop();
    await house.close();
  }
}

/** Has PostgreSQL write down each change of a Run's status, so that what is undone or done again shows. */
async function watchRuns(sql: SQL): Promise<void> {
  await sql.unsafe(`
    create table seen (n bigint generated always as identity, run text, before text, after text);
    create function see() returns trigger language plpgsql as $$ begin
      insert into seen (run, before, after) values (new.id, old.status, new.status); return null;
    end $$;
    create trigger see after update of status on runs for each row execute function see();`);
}

/** The balancer, or one of the processes. */
const anyOf = (house: House, random: Seeded): { url: string } =>
  random.pick([house, ...house.processes]) as { url: string };

const isOver = ({ until, faults }: World): boolean =>
  performance.now() > until && Object.values(faults).reduce((sum, count) => sum + count, 0) >= faultsMin;

type Fault = (world: World, struck: Process) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  kill: async (_, struck) => struck.kill("SIGKILL"),
  end: async (_, struck) => struck.kill("SIGTERM"),
  async freeze({ random }, struck) {
    struck.kill("SIGSTOP");
    await pause(100 + random.below(3 * leaseMs));
    struck.kill("SIGCONT");
  },
  async "cut off in silence"({ random }, { wire }) {
    wire.freeze();
    await pause(100 + random.below(3 * leaseMs));
    wire.thaw();
  },
  cut: async (_, { wire }) => wire.cut(),
  async refuse({ random }, { wire }) {
    wire.refuse();
    wire.cut();
    await pause(100 + random.below(2 * leaseMs));
    wire.accept();
  },
  async "database restarted"({ house, random }) {
    await house.postgres.stop(random.pick(["fast", "immediate"] as const) as "fast");
    await house.postgres.start();
  },
  async "llama-server killed"({ llamas, random }) {
    const i = random.below(llamas.length);
    const port = Number(new URL((llamas[i] as Llama).url).port);
    await llamas[i]?.stop();
    llamas[i] = await startLlama({ port, args: llamaArgs });
  },
};
const llamaArgs = ["-c", "120000", "-np", "2"];

/** One thing after the other breaks, most often the leader. */
async function strike(world: World): Promise<void> {
  const { house, random } = world;
  const names = ["kill", "kill", "freeze", "freeze", "cut off in silence", ...Object.keys(faults)];
  while (!isOver(world)) {
    await pause(200 + random.below(1_500));
    const name = random.pick(names) as string;
    const [isLeader, other] = [random.below(4) > 0, random.pick(house.processes) as Process];
    const leader = isLeader ? (await house.leader())?.leader : undefined;
    world.faults[name] = (world.faults[name] ?? 0) + 1;
    await (faults[name] as Fault)(world, leader ?? other);
  }
}

/** Starts what has ended again. */
async function supervise(world: World): Promise<void> {
  const { house, parlors } = world;
  while (!world.isDone) {
    await pause(100);
    for (const each of house.processes) {
      if (!each.isAlive) await each.again().catch(() => {}); // the database may be away
      parlors.add(each.parlor);
    }
  }
}

/** All processes follow one. */
const isWhole = async ({ house }: World): Promise<boolean> =>
  (await house.leader())?.followers.length === house.processes.length - 1;

/** Somebody before a page. */
async function live(world: World, i: number): Promise<void> {
  const { house, random, pages } = world;
  const deeds = ["say", "say", "say", "say", "stop", "retry", "drop", "reload", "new chat"] as const;
  while (!isOver(world)) {
    await pause(50 + random.below(700));
    const page = pages[i] as PageClient;
    const deed = random.pick(deeds);
    const isOpen = page.ws.readyState === WebSocket.OPEN;
    if (deed === "say" && isOpen) page.say(`${questionOf(random)} ${random.below(1_000)}`);
    else if (deed === "stop" && isOpen) page.command({ type: "stop" });
    else if (deed === "retry" && isOpen && page.last) page.command({ type: "retry", message: page.last.id });
    else if (deed === "drop") page.ws.close();
    else if (deed === "reload" || deed === "new chat") {
      page.close();
      const conversation = deed === "reload" ? page.conversation : newId();
      pages[i] = new PageClient(anyOf(house, random), conversation);
    }
  }
}

/** A program that asks at any process, and is told the whole, a part of it, or what went wrong. */
async function ask(world: World): Promise<void> {
  const { house, random, programs } = world;
  while (!isOver(world)) {
    await pause(random.below(500));
    programs[(await isToldAll(anyOf(house, random))) ? "answered" : "broken"]++;
  }
}

/** Asks as a program does; whether it is told the whole. It is never told anything else, but maybe less. */
async function isToldAll({ url }: { url: string }): Promise<boolean> {
  const said = textOf("twenty");
  const body = JSON.stringify({ messages: [{ role: "user", content: "twenty" }], stream: true });
  const signal = AbortSignal.timeout(hangsMs);
  const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body, signal }).catch(
    () => null,
  );
  const text = response?.ok ? await soFar(response) : "";
  expect(signal.aborted).toBe(false);
  const pieces = [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)]
    .map(([, piece]) => JSON.parse(`"${piece}"`) as string)
    .join("");
  expect(said.startsWith(pieces)).toBe(true);
  if (text.includes("data: [DONE]")) expect(pieces).toBe(said);
  return pieces === said;
}

/** What came of a body until it ended or broke off. */
async function soFar(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch {
    // it broke off: its process ended
  }
  return text;
}

const loadOf = async ({ house }: World): Promise<{ running: number; waiting: number } | null> => {
  const leading = await house.leader();
  if (!leading) return null;
  const answer = await fetch(`${leading.leader.url}/readyz`).catch(() => null);
  return answer && ((await answer.json()) as { running: number; waiting: number });
};

/** All processes are well again, and nothing is asked any more. */
async function mend(world: World): Promise<void> {
  const { house, store, pages } = world;
  await until(() => isWhole(world), "all processes follow one", hangsMs);
  await until(
    () => pages.every((page) => page.ws.readyState === WebSocket.OPEN),
    "all pages are connected",
    hangsMs,
  );
  const isIdle = async () => {
    await stopAll({ store, url: house.url });
    const load = await loadOf(world);
    return load !== null && load.running + load.waiting === 0 && (await store.activeRuns()).length === 0;
  };
  await until(isIdle, "nothing runs", hangsMs);
}

/**
 * More is asked than there are slots, by pages that are closed at once. Two leaders die; then there is a slot, and
 * those that wait begin in their order. On a busy machine more leaders may die than that, and a slot may become free
 * too early: then it is tried again.
 */
async function queueOutlivesLeaders(world: World): Promise<void> {
  const { house, store, random, pages, sql } = world;
  for (let tries = 1; ; tries++) {
    const occupied = await Promise.all([0, 1, 2, 3].map(() => say(world, "endless")));
    const waiting: string[] = [];
    const isQueued = async (isBegun: boolean) => {
      const load = isBegun || (await isWhole(world)) ? await loadOf(world) : null;
      return load?.running === occupied.length && load.waiting === waiting.length;
    };
    const shown = () =>
      [...occupied, ...waiting].map((each) => new PageClient(anyOf(house, random), each as never));
    try {
      await until(() => isQueued(true), "all slots are taken", triedMs);
      for (let i = 0; i < 6; i++) {
        waiting.push(await say(world, "twenty"));
        await until(() => isQueued(true), "the leader knows it", triedMs);
      }
      for (let deaths = 0; deaths < 2; deaths++) {
        (await house.leader())?.leader.kill(random.pick(["SIGKILL", "SIGTERM"] as const) as NodeJS.Signals);
        await until(() => isQueued(false), "they wait again", triedMs);
      }
    } catch (error) {
      if (tries === triesMax) throw error;
      pages.push(...shown());
      await mend(world);
      continue;
    }
    const [first] = await store.activeRuns(occupied[0] as never);
    await store.wishStop({ id: first?.id as never });
    const areAnswered = async () =>
      (await Promise.all(waiting.map((each) => store.activeRuns(each as never)))).flat().length === 0;
    await until(areAnswered, "those that wait are answered", hangsMs);
    const begun = (await sql.unsafe(
      "select r.conversation from seen s join runs r on r.id = s.run where s.after = 'running' order by s.n",
    )) as { conversation: string }[];
    const order = begun.map(({ conversation }) => conversation).filter((each) => waiting.includes(each));
    expect(order).toEqual(waiting);
    pages.push(...shown());
    return;
  }
}
/** Longest that one step of it may take, in ms, and most attempts. */
const triedMs = 15_000;
const triesMax = 5;

/** Asks without a page; the conversation. */
async function say({ house }: World, text: string): Promise<string> {
  const conversation = newId();
  const body = new URLSearchParams({ type: "say", message: newId(), text });
  const answer = await fetch(`${house.url}/c/${conversation}`, { method: "POST", body, redirect: "manual" });
  expect(answer.status).toBe(303);
  return conversation;
}

/** What was asked and what has ended, slots, logs: all must agree. */
async function balance(world: World): Promise<Survived> {
  const { house, store, sql, pages, llamas, parlors, faults, programs } = world;
  await mend(world);
  let answers = 0;
  let difference: unknown = null;
  const areAgreed = async () => {
    [answers, difference] = await agree({ store }, pages).then(
      (count) => [count, null],
      (error) => [0, error],
    );
    return difference === null;
  };
  await until(areAgreed, "pages show what is stored", hangsMs / 4).catch((error) => {
    throw difference ?? error;
  });
  const busy = async () => (await Promise.all(llamas.map((llama) => llama?.busySlots()))).some(Boolean);
  await until(async () => !(await busy()), "no slot is busy", hangsMs);
  const rows = await sql.unsafe(`select r.id, r.status,
      count(*) filter (where s.after = 'running' and s.before = 'queued')::int begun,
      count(*) filter (where s.after not in ('queued', 'running'))::int ended
    from runs r left join seen s on s.run = r.id group by r.id, r.status`);
  const runs = rows as { id: string; status: string; begun: number; ended: number }[];
  expect(runs.filter(({ begun, ended }) => begun > 1 || ended !== 1)).toEqual([]);
  const [{ term }] = (await sql.unsafe("select term::int from lease")) as [{ term: number }];
  expect(term).toBeGreaterThan(2);
  await until(() => isToldAll(house), "a program is told the whole", hangsMs);
  expect(unexpected([...parlors].map(({ log }) => log()).join(""))).toEqual([]);
  expect(await house.leader()).not.toBeNull();
  return { answers, runs: runs.length, terms: term, programs, faults };
}

/** What a process says at level error when another one has followed it, or the database does not answer. */
const expected = /"what":"another process leads now; this one ends"|"error":"Failure: store_unwritable /;

const unexpected = (log: string): string[] =>
  log.split("\n").filter((line) => line.includes('"level":"error"') && !expected.test(line));

if (import.meta.main) {
  const [minutes, seed] = [Number(process.env["SOAK_MINUTES"] ?? 30), Number(process.env["SEED"] ?? 1)];
  const end = performance.now() + minutes * 60_000;
  for (let each = seed; performance.now() < end; each++)
    process.stdout.write(`seed ${each}: ${JSON.stringify(await survive(each, 45_000))}\n`);
  process.stdout.write("the books balance\n");
  process.exit(0);
}
