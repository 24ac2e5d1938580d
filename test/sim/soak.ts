// Three real llama-servers that are killed, paused, restarted and given another model while people and programs ask, for as long as is wished. Nothing hangs,
// nothing is answered twice, and the books balance at the end. `make soak` runs it for half an hour (SOAK_MINUTES, SEED); a short one is a test.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises"; // things happen over a time that is wished; nothing is waited for by it
import { type House, PageClient, PlainClient, startHouse } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { demoModel, freePort, type Llama, spawnLlama, startLlama, until } from "../llama/server.ts";
import { type Seeded, seeded } from "../seeded.ts";
import { agree, questionOf, stopAll } from "./answers.ts";

/** Longest that anything may take before it counts as hanging, in ms: a stall, a stop, an attempt elsewhere, on a machine that does much else. */
const hangsMs = 60_000;
const people = 6;
const programs = 4;

/** What came of the programs' questions. */
interface Counts {
  answered: number;
  refused: number;
  broken: number;
}

interface World {
  readonly house: House;
  readonly random: Seeded;
  readonly ports: readonly number[];
  readonly llamas: (Llama | null)[];
  readonly pages: PageClient[];
  readonly faults: Record<string, number>;
  readonly until: number;
}

export interface Soaked {
  readonly answers: number;
  readonly programs: Counts;
  readonly faults: Readonly<Record<string, number>>;
}

/** Lives for so long and looks whether all is in order then. */
export async function soak(seed: number, ms: number): Promise<Soaked> {
  const ports = [freePort(), freePort(), freePort()];
  const llamas = await Promise.all(ports.map((port) => startLlama({ port })));
  const bounds = { stallMs: 1_500, probeMs: 500, stopMs: 1_500, pollReadyMs: 150 };
  const house = await startHouse({ llama: llamas.map(({ url }) => url), bounds });
  await until(
    () => house.upstream.servers.every(({ status }) => status === "ready"),
    "the house sees all three",
  );
  const pages = Array.from({ length: people }, () => new PageClient(house));
  const world: World = {
    house,
    random: seeded(seed),
    ports,
    llamas,
    pages,
    faults: {},
    until: performance.now() + ms,
  };
  const counts: Counts = { answered: 0, refused: 0, broken: 0 };
  try {
    await Promise.all([
      strike(world),
      ...pages.map((_, i) => live(world, i)),
      ...Array.from({ length: programs }, (_, i) => ask(world, i, counts)),
    ]);
    await mend(world);
    return { answers: await balance(world, counts), programs: counts, faults: world.faults };
  } finally {
    for (const page of world.pages) page.close();
    await house.stop();
    for (const llama of world.llamas) {
      llama?.process.kill("SIGCONT");
      await llama?.stop();
    }
  }
}

/** Faults that a run has at least, however slow the machine is. */
const faultsMin = 3;
const isOver = ({ until, faults }: World): boolean =>
  performance.now() > until && Object.values(faults).reduce((sum, count) => sum + count, 0) >= faultsMin;

/** One after the other is killed, paused or started anew with another name. */
async function strike(world: World): Promise<void> {
  const { random, ports, llamas, faults } = world;
  const count = (fault: string) => {
    faults[fault] = (faults[fault] ?? 0) + 1;
  };
  while (!isOver(world)) {
    await pause(300 + random.below(1_500));
    const i = random.below(ports.length);
    const llama = llamas[i];
    const fault = random.pick([
      "kill",
      "kill",
      "pause",
      "pause",
      "another model",
      "while it loads",
    ]) as string;
    count(fault);
    if (fault === "pause") {
      llama?.process.kill("SIGSTOP");
      await pause(200 + random.below(4_000));
      llama?.process.kill("SIGCONT");
      continue;
    }
    await llama?.stop();
    llamas[i] = null;
    await pause(random.below(2_000));
    if (fault === "while it loads") {
      const starting = spawnLlama(ports[i] as number, ["--model", await demoModel(), "--threads", "1"]);
      await pause(random.below(40));
      starting.kill("SIGKILL");
      await starting.exited; // else it may hold the port that the next one needs
    }
    llamas[i] = await startLlama({
      port: ports[i] as number,
      args: fault === "another model" ? ["--alias", `model-${random.below(3)}`] : [],
    });
  }
}

/** Somebody before a page. */
async function live(world: World, i: number): Promise<void> {
  const { house, random, pages } = world;
  while (!isOver(world)) {
    await pause(50 + random.below(700));
    const page = pages[i] as PageClient;
    const deed = random.pick([
      "say",
      "say",
      "say",
      "say",
      "stop",
      "retry",
      "drop",
      "reload",
      "new chat",
    ]) as string;
    const isOpen = page.ws.readyState === WebSocket.OPEN;
    if (deed === "say" && isOpen) page.say(`${questionOf(random)} ${random.below(1_000)}`);
    else if (deed === "stop" && isOpen) page.command({ type: "stop" });
    else if (deed === "retry" && isOpen && page.last) page.command({ type: "retry", message: page.last.id });
    else if (deed === "drop") page.ws.close();
    else if (deed === "reload" || deed === "new chat") {
      page.close();
      pages[i] = deed === "reload" ? new PageClient(house, page.conversation) : new PageClient(house);
    }
  }
}

/** A program that asks in one of the ways that there are, and is told the whole, or what went wrong. */
async function ask(world: World, i: number, counts: Counts): Promise<void> {
  const { house, random } = world;
  const within = () => ({ signal: AbortSignal.timeout(hangsMs) });
  while (!isOver(world)) {
    await pause(random.below(500));
    const said = textOf("twenty");
    if (i % 3 === 0) {
      const client = await new PlainClient(house).opened();
      const { text, last } = await client.ask("twenty", hangsMs);
      client.close();
      if (last === "[DONE]") expect(text).toBe(said);
      else expect(said.startsWith(text)).toBe(true);
      counts[last === "[DONE]" ? "answered" : "broken"]++;
    } else if (i % 3 === 1) {
      const text = await (
        await fetch(`${house.url}/ask`, { method: "POST", body: "twenty", ...within() })
      ).text();
      const isWhole = text === `${said}\n`;
      if (!isWhole) expect(text).toMatch(/\[ERROR\] |^\S.*\.\n$/);
      counts[isWhole ? "answered" : "broken"]++;
    } else {
      const body = JSON.stringify({
        messages: [{ role: "user", content: "twenty" }],
        stream: random.below(2) === 0,
      });
      const response = await fetch(`${house.url}/v1/chat/completions`, { method: "POST", body, ...within() });
      const text = await response.text().catch(() => null); // what breaks off in one piece is broken off
      const pieces =
        text === null
          ? ""
          : [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)]
              .map(([, piece]) => JSON.parse(`"${piece}"`) as string)
              .join("");
      if (response.ok && pieces === said) counts.answered++;
      else {
        expect(said.startsWith(pieces)).toBe(true);
        counts[response.ok ? "broken" : "refused"]++;
      }
    }
  }
}

/** All llama-servers are well again, and nothing is asked any more. */
async function mend({ house, llamas, pages }: World): Promise<void> {
  for (const llama of llamas) llama?.process.kill("SIGCONT");
  await until(
    () => house.upstream.servers.every(({ status }) => status === "ready"),
    "all are seen again",
    hangsMs,
  );
  await until(
    () => pages.every((page) => page.ws.readyState === WebSocket.OPEN),
    "all pages are connected",
    hangsMs,
  );
  await until(
    async () => {
      await stopAll(house);
      const { running, waiting } = (await (await fetch(`${house.url}/readyz`)).json()) as {
        running: number;
        waiting: number;
      };
      return running + waiting === 0;
    },
    "nothing runs",
    hangsMs,
  );
  const isAtRest = ({ status }: { status: string }) => status !== "queued" && status !== "running";
  await until(
    () => pages.every((page) => page.articles().every(isAtRest)),
    "no page shows a running answer",
    hangsMs,
  );
}

/** What was asked and what has ended, slots, log: all must agree. The number of answers that stand on pages. */
async function balance({ house, llamas, pages }: World, counts: Counts): Promise<number> {
  const answers = await agree(house, pages);
  await until(
    async () => (await Promise.all(llamas.map((llama) => llama?.busySlots()))).every((busy) => busy === 0),
    "no slot is busy",
    hangsMs,
  );
  await until(
    () => house.upstream.state.foreignSlots === 0 && house.upstream.state.slots === 6,
    "every slot is counted on",
    hangsMs,
  );
  const metrics = await (await fetch(`${house.url}/metrics`)).text();
  const ended = [...metrics.matchAll(/^parlor_runs_total\{outcome="\w+"\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  // each that was queued has ended, once
  const queued = house.log.filter((line) => line.includes('"what":"Run queued"')).length;
  const leased = house.log.filter((line) => line.includes('"what":"API request ended"')).length;
  expect({ ended }).toEqual({ ended: queued + leased });
  expect(counts.answered).toBeGreaterThan(0);
  expect(house.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  return answers;
}

if (import.meta.main) {
  const [minutes, seed] = [Number(process.env["SOAK_MINUTES"] ?? 30), Number(process.env["SEED"] ?? 1)];
  process.stdout.write(`${minutes} minutes, seed ${seed}\n`);
  process.stdout.write(`${JSON.stringify(await soak(seed, minutes * 60_000))}\nthe books balance\n`);
  process.exit(0);
}
