// What people do while no process leads, and what they see of an upgrade, in the browser. If this fails, a
// click is lost that came in the wrong second, or an upgrade cuts off those who read.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answered, ask, connected, grownBeyond, shown, visit, withPages } from "../e2e/stage.ts";
import { until } from "../llama/server.ts";
import { conversationOf, type House, type Leading, type Process, startHouse, storedText } from "./house.ts";

const open = withPages();
let house: House;
beforeAll(async () => {
  house = await startHouse();
}, 180_000);
beforeEach(() => house.whole());
afterEach(() => house.whole());
afterAll(() => house?.close());

/** Kills the leader. Nobody leads when this resolves. */
async function killLeader(): Promise<Process> {
  const { leader } = (await house.leader()) as Leading;
  const { process } = leader.parlor;
  leader.kill("SIGKILL");
  await process.exited;
  expect(await house.leader()).toBeNull();
  return leader;
}

const aFollower = async (): Promise<Process> => ((await house.leader()) as Leading).followers[0] as Process;

test("Stop while nobody leads: the next leader stops the answer and frees its slot", async () => {
  const { page } = await open((await aFollower()).through);
  await ask(page, "endless");
  await grownBeyond(page, 200);
  const before = await killLeader();
  await page.getByRole("button", { name: "Stop" }).click();
  await house.leaderAfter(before);
  const text = await answered(page, "stopped");
  await until(async () => (await house.busySlots()) === 0, "its slot is idle");
  expect(shown("endless").startsWith(text.slice(0, 200))).toBe(true);
  await page.reload();
  expect(await answered(page, "stopped")).toBe(text);
});

test("a question while nobody leads is answered, once", async () => {
  const { page } = await open((await aFollower()).through);
  await ask(page, "medium");
  expect(await answered(page)).toBe(shown("medium"));
  const before = await killLeader();
  await ask(page, "twenty");
  await house.leaderAfter(before);
  await page.waitForFunction(() => document.querySelectorAll("article").length === 4);
  expect(await answered(page)).toBe(shown("twenty"));
  await page.reload();
  expect(await page.locator("article").count()).toBe(4);
  expect(await house.busySlots()).toBe(0);
});

test("an upgrade: one process after the other ends and starts again, the answer is written on", async () => {
  const { leader, followers } = (await house.leader()) as Leading;
  const at = followers[0] as Process;
  const whole = await visit(at.url);
  await ask(whole.page, "endless");
  const text = await answered(whole.page);
  const wholeText = await storedText(at, conversationOf(whole.page));
  await whole.close();
  const visits = await Promise.all(house.processes.map(({ through }) => open(through)));
  const [first, ...others] = visits.map(({ page }) => page) as [Page, ...Page[]];
  await ask(first, "endless");
  await grownBeyond(first, 200);
  const conversation = conversationOf(first);
  await Promise.all(others.map((page) => page.goto(`${new URL(page.url()).origin}/c/${conversation}`)));
  for (const each of [leader, ...followers]) {
    const { process } = each.parlor;
    each.kill("SIGTERM");
    expect(await process.exited).toBe(0);
    await house.whole();
  }
  for (const page of [first, ...others]) expect(await answered(page)).toBe(text);
  expect(await storedText(at, conversation)).toBe(wholeText);
});

test("a page without WebSockets goes on with the next leader", async () => {
  // the browser says in its console that no socket can be opened
  const { page, close } = await visit(house.withoutSockets);
  await ask(page, "endless");
  await grownBeyond(page, 200);
  const before = await killLeader();
  await house.leaderAfter(before);
  const text = await answered(page);
  await page.reload();
  expect(await answered(page)).toBe(text);
  expect(shown("endless").startsWith(text.slice(0, 1_000))).toBe(true);
  await close();
});

test("a temporary chat ends with its leader: the page is empty, and a new one can be begun there", async () => {
  // the browser says in its console that it is asked to come again while nobody leads
  const { page, close } = await visit(`${(await aFollower()).through}/temporary`);
  await ask(page, "medium");
  expect(await answered(page)).toBe(shown("medium"));
  await killLeader();
  await page.waitForFunction(() => document.querySelector("article") === null);
  await connected(page);
  await ask(page, "twenty");
  expect(await answered(page)).toBe(shown("twenty"));
  await close();
});
