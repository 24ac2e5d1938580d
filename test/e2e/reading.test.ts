// Reading under pressure: while text comes, on a phone when something is wrong, at 400 % zoom. If this fails, a selection is lost under the reader's
// hand, or there is no room left for what they want to read.

import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answered, ask, grownBeyond, withHouse } from "./stage.ts";

const house = withHouse();
const heightOf = (page: Page, selector: string): Promise<number> =>
  page.locator(selector).evaluate((element) => element.getBoundingClientRect().height);

test("what is selected in the block that is being written stays selected when the block ends", async () => {
  const { page } = await house.open(house.url);
  await ask(page, "endless");
  await grownBeyond(page, 200);
  const words = await page.evaluate(async () => {
    /** The first text of the open block, once it is long enough to select some of it. */
    const longEnough = async (): Promise<Text> => {
      for (;;) {
        const open = document.getElementById("t");
        const text = open && document.createTreeWalker(open, NodeFilter.SHOW_TEXT).nextNode();
        if (text && (text as Text).length >= 9) return text as Text;
        await new Promise(requestAnimationFrame);
      }
    };
    const node = await longEnough();
    getSelection()?.setBaseAndExtent(node, 2, node, Math.min(9, node.length));
    const selected = String(getSelection());
    const blocks = () => document.querySelectorAll("article:last-child > .text > *").length;
    const before = blocks();
    while (blocks() < before + 2) await new Promise(requestAnimationFrame);
    return [selected, String(getSelection())];
  });
  await page.getByRole("button", { name: "Stop" }).click();
  await answered(page, "stopped");
  expect(words[0]?.length).toBeGreaterThan(3);
  expect(words[1]).toBe(words[0] as string);
});

test("at 400 % zoom thread and list have room, and nothing is wider than the window", async () => {
  const { page } = await house.open(house.url, { viewport: { width: 320, height: 256 } });
  await ask(page, "how is a lamp wired?");
  await answered(page);
  expect(await heightOf(page, "#scroller")).toBeGreaterThan(120);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  await page.getByRole("button", { name: "Conversations" }).click();
  await page.locator("nav:popover-open").waitFor();
  expect(await heightOf(page, "#list-body")).toBeGreaterThan(120);
  await page.locator("nav a", { hasText: "Export all" }).scrollIntoViewIfNeeded();
  expect(await page.locator("nav a", { hasText: "Export all" }).isVisible()).toBe(true);
});

test("on a phone the head stays one line when something is wrong, which is said; Delete is not beside Copy", async () => {
  const { page } = await house.open(house.url, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await ask(page, "twenty please");
  await answered(page);
  const before = await heightOf(page, "header");
  await page.evaluate(() => document.getElementById("status")?.setAttribute("data-connection", "off"));
  await page.getByText("Not connected, reconnecting").waitFor();
  expect(await heightOf(page, "header")).toBe(before);
  expect(await heightOf(page, "#status")).toBeLessThan(40);
  const acts = page.locator("article").last().locator(".acts");
  const [copy, remove] = await Promise.all(
    ["Copy", "Delete"].map((name) => acts.getByRole("button", { name, exact: true }).boundingBox()),
  );
  expect((remove?.x ?? 0) - ((copy?.x ?? 0) + (copy?.width ?? 0))).toBeGreaterThan(60);
});

test("a deleted message comes back by Undo, with what followed it", async () => {
  const { page } = await house.open(house.url);
  await ask(page, "twenty please");
  await answered(page);
  await page.locator("article").first().hover();
  await page.locator("article").first().getByRole("button", { name: "Delete" }).click();
  await page.getByText("Message deleted, together with everything after it.").waitFor();
  await page.waitForFunction(() => document.querySelectorAll("article").length === 0);
  await page.getByRole("button", { name: "Undo" }).click();
  await answered(page);
  expect(await page.locator("article").count()).toBe(2);
  expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
});
