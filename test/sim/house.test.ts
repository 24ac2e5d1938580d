// A seeded random house: people say, stop, drop their socket, reload, come with a second device, try again, send twice; the
// real llama-server is killed and comes back. At the end what every page shows equals what the store holds, and that equals
// what llama-server said. If this fails, run it again with SEED=n, which is printed.
// Promises: R2, C1.

import { afterAll, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { type House, PageClient, startHouse } from "../house.ts";
import { freePort, type Llama, startLlama, until } from "../llama/server.ts";
import { isLong, type Seeded, seeded } from "../seeded.ts";
import { agree, questionOf, stopAll } from "./answers.ts";

const seeds = process.env["SEED"]
  ? [Number(process.env["SEED"])]
  : Array.from({ length: isLong ? 24 : 8 }, (_, i) => i + 1);
const people = 6;
const steps = 250;

interface World {
  readonly house: House;
  readonly random: Seeded;
  readonly pages: PageClient[];
  readonly done: string[];
  llama: Llama;
  readonly port: number;
}

/** Each thing that somebody may do. */
const deeds: Record<string, (world: World, page: PageClient) => unknown> = {
  say: ({ random }, page) => open(page) && page.say(`${questionOf(random)} ${random.below(1000)}`),
  "say twice": ({ random }, page) => {
    if (!open(page)) return;
    const text = `${questionOf(random)} ${random.below(1000)}`;
    page.say(text, page.say(text));
  },
  stop: (_, page) => open(page) && page.command({ type: "stop" }),
  retry: (_, page) => open(page) && page.last && page.command({ type: "retry", message: page.last.id }),
  drop: (_, page) => page.ws.close(),
  reload: ({ house, pages }, page) => {
    page.close();
    pages[pages.indexOf(page)] = new PageClient(house, page.conversation);
  },
  "second device": ({ house, pages }, page) => {
    if (pages.length < people * 2) pages.push(new PageClient(house, page.conversation));
  },
  "new chat": ({ house, pages }, page) => {
    page.close();
    pages[pages.indexOf(page)] = new PageClient(house, newId());
  },
  nonsense: (_, page) => open(page) && page.ws.send(`{"type":"say","text":7}`),
};
const weights = [
  "say",
  "say",
  "say",
  "say",
  "say twice",
  "stop",
  "stop",
  "retry",
  "drop",
  "drop",
  "reload",
  "second device",
  "new chat",
  "nonsense",
];

const open = (page: PageClient): boolean => page.ws.readyState === WebSocket.OPEN;

async function live(world: World): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const page = world.random.pick(world.pages) as PageClient;
    const deed = world.random.pick(weights) as string;
    world.done.push(deed);
    deeds[deed]?.(world, page);
    if (step % 50 === 49) {
      world.done.push("llama-server is killed");
      await world.llama.stop();
      world.llama = await startLlama({ port: world.port });
    }
    for (let turns = world.random.below(8); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
    if (world.random.below(4) === 0)
      await until(() => page.gone || page.frames.length > 0, "a page has something"); // one that was left may never get any
  }
}

/** Lets everything come to rest: sockets open, nothing running. */
async function settle({ house, pages }: World): Promise<void> {
  await until(() => pages.every(open), "all pages are connected");
  await until(async () => {
    await stopAll(house);
    const { running, waiting } = (await (await fetch(`${house.url}/readyz`)).json()) as {
      running: number;
      waiting: number;
    };
    return running === 0 && waiting === 0;
  }, "nothing runs");
  await until(
    () =>
      pages.every((page) =>
        page.articles().every(({ status }) => status !== "queued" && status !== "running"),
      ),
    "no page shows a running answer",
  );
}

let last: World | null = null;
afterAll(async () => {
  await last?.llama.stop();
});

for (const seed of seeds) {
  test(`seed ${seed}: pages, store and llama-server agree in the end`, async () => {
    const port = freePort();
    const llama = await startLlama({ port });
    const house = await startHouse({ llama: llama.url });
    await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
    const world: World = {
      house,
      random: seeded(seed),
      pages: Array.from({ length: people }, () => new PageClient(house)),
      done: [],
      llama,
      port,
    };
    last = world;
    await live(world);
    await settle(world);

    const answers = await agree(house, world.pages);
    expect(answers).toBeGreaterThan(0);
    expect(await world.llama.busySlots()).toBe(0);
    expect(house.log.filter((line) => line.includes('"level":"error"'))).toEqual([]);
    for (const page of world.pages) page.close();
    await house.stop();
    await world.llama.stop();
  });
}
