// The fair queue before the real llama-server with two slots: shares, places in line, a restart in the
// middle. People come by a proxy's header.
// Promises: R6, Q6, Q8, T3.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
import type { Run } from "../../src/domain/run.ts";
import { type House, PageClient, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "./server.ts";

let llama: Llama;
let house: House;
const file = join(mkdtempSync(join(tmpdir(), "parlor-queue-")), "parlor.db");
const open = async () => {
  house = await startHouse({ llama: llama.url, auth: "header", trustedProxies: ["127.0.0.1"], file });
  await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
};

beforeAll(async () => {
  llama = await startLlama();
  await open();
  const { people } = house.store;
  await people.setRoleLimits("member", {
    ...(await people.roleLimits()).member,
    runsPerMinute: null,
    waitingRunsMax: null,
  });
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

const pagesOf = (name: string, count: number): Promise<PageClient[]> =>
  Promise.all(
    Array.from({ length: count }, () => new PageClient(house, undefined, { "remote-user": name }).ready()),
  );
const idOf = async (name: string): Promise<string> => (await house.store.people.named(name))?.id as string;

/** Holds both slots until it is told to let go. */
async function holdSlots(): Promise<() => Promise<void>> {
  const pages = await pagesOf("Holder", 2);
  for (const page of pages) page.say("endless");
  await until(() => pages.every((page) => page.last?.status === "running"), "both slots are taken");
  return async () => {
    for (const page of pages) page.command({ type: "stop" });
    await Promise.all(pages.map((page) => page.lastIs("stopped")));
    for (const page of pages) page.close();
  };
}

test("who has two questions in line lets a newcomer go before the second, and everybody sees their place", async () => {
  const letGo = await holdSlots();
  const [ada, ben] = [await pagesOf("Ada", 3), await pagesOf("Ben", 1)];
  for (const page of ada) {
    page.say("twenty");
    await until(() => page.runState.includes("in the queue"), "it is in line");
  }
  const [newcomer] = ben as [PageClient];
  newcomer.say("twenty");
  await until(() => newcomer.runState.startsWith("2nd of 4 in the queue"), "the newcomer is second");
  expect(ada.map((page) => page.runState.slice(0, 8))).toEqual(["1st of 4", "3rd of 4", "4th of 4"]);
  ada[1]?.command({ type: "stop" });
  await ada[1]?.lastIs("stopped");
  await until(() => ada[2]?.runState.startsWith("3rd of 3 in the queue") === true, "who leaves makes room");
  await letGo();
  for (const page of [ada[0], newcomer, ada[2]]) await page?.lastIs("done");
  for (const page of [...ada, ...ben]) page.close();
});

test("twelve questions of one and six of another are answered in turn, whoever asked first", async () => {
  const letGo = await holdSlots();
  const asked: { name: string; conversation: string }[] = [];
  for (const name of [...Array(12).fill("Ada"), ...Array(6).fill("Ben")] as string[]) {
    const conversation = newId();
    const body = new URLSearchParams({ type: "say", message: newId(), text: "twenty" });
    const said = await fetch(`${house.url}/c/${conversation}`, {
      method: "POST",
      headers: { "remote-user": name, origin: house.url },
      body,
      redirect: "manual",
    });
    expect(said.status).toBe(303);
    asked.push({ name, conversation });
  }
  await letGo();
  const runOf = async (conversation: string) =>
    (await house.store.thread(conversation, { limit: 2 })).thread.at(-1)?.run;
  await until(
    async () =>
      (await Promise.all(asked.map(({ conversation }) => runOf(conversation)))).every(
        (run) => run?.status === "done",
      ),
    "all are answered",
  );
  const runs = await Promise.all(
    asked.map(async ({ name, conversation }) => ({ name, run: (await runOf(conversation)) as Run })),
  );
  const startedAt = ({ run }: { run: Run }) => run.createdAt + (run.stats.queueMs as number);
  const order = runs.sort((one, other) => startedAt(one) - startedAt(other)).map(({ name }) => name);
  // until Ben's last, both have had their half, give or take one answer
  const half = order.slice(0, order.lastIndexOf("Ben") + 1).filter((name) => name === "Ada").length;
  expect(half / 6).toBeLessThanOrEqual(1.5);
  expect(6 / half).toBeLessThanOrEqual(1.5);
});

test("who waits, in which order, and what each has had, is the same after a restart", async () => {
  const letGo = await holdSlots();
  const pages = [...(await pagesOf("Ada", 2)), ...(await pagesOf("Ben", 1))];
  for (const page of pages) {
    page.say("twenty");
    await until(() => page.runState.includes("in the queue"), "it is in line");
  }
  await until(() => pages[2]?.runState.startsWith("2nd of 3") === true, "Ben is second");
  const shares = await house.store.usage.shares();
  expect(shares.had.get(await idOf("Holder"))).toBeGreaterThan(shares.floor);
  for (const page of pages) page.close();
  void letGo;
  await house.stop();
  await open();
  expect(await house.store.usage.shares()).toMatchObject({ floor: expect.any(Number) });
  const again = pages.map(
    ({ conversation }, i) => new PageClient(house, conversation, { "remote-user": i < 2 ? "Ada" : "Ben" }),
  );
  for (const page of again) await page.lastIs("done");
  for (const page of again) page.close();
});

test("an answer goes on when nobody looks, and is there later", async () => {
  const [page] = (await pagesOf("Ada", 1)) as [PageClient];
  page.say("long");
  await until(() => (page.last?.text.length ?? 0) > 100, "it runs");
  page.close();
  await until(
    async () =>
      (await house.store.thread(page.conversation, { limit: 2 })).thread.at(-1)?.run?.status === "done",
    "it is stored",
  );
  const later = await new PageClient(house, page.conversation, { "remote-user": "Ada" }).ready();
  await later.lastIs("done");
  later.close();
});
