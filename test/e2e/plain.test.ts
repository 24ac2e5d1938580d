// A browser that runs no scripts: asking, reading, stopping, branches and personas work with forms and links alone.
// Promises: C7.

import { afterAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { until } from "../llama/server.ts";
import { closeBrowser, newContext, shown, standing, startReady } from "./stage.ts";

const parlor = standing(() => startReady());
afterAll(closeBrowser);

async function open(path = "/"): Promise<Page> {
  const page = await (await newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(parlor.it.url + path);
  return page;
}

const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
const answers = (page: Page) => page.locator("article[data-role=assistant]");

async function ask(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** The last answer once it has this status: the page is loaded anew until then. */
async function answered(page: Page, nth: number, status = "done"): Promise<string> {
  await until(
    async () =>
      (await answers(page).count()) > nth &&
      (await answers(page).nth(nth).getAttribute("data-status")) === status,
    `answer ${nth} is ${status}`,
  );
  return ((await answers(page).nth(nth).locator("> .text").textContent()) ?? "").replace(/\s+/g, " ").trim();
}

test("a conversation: asked, answered, asked on, found in the list", async () => {
  const page = await open();
  await ask(page, "story, without scripts");
  expect(await answered(page, 0)).toBe(shown("story"));
  expect(await field(page).inputValue()).toBe("");
  await ask(page, "twenty");
  expect(await answered(page, 1)).toBe(shown("twenty"));
  await page.getByRole("link", { name: "New chat" }).first().click();
  await page.getByRole("link", { name: "story, without scripts" }).click();
  expect(await answered(page, 1)).toBe(shown("twenty"));
});

test("an answer streams into the page as it is made, and Stop ends it", async () => {
  const page = await open();
  await field(page).fill("endless");
  await page.getByRole("button", { name: "Send" }).click({ noWaitAfter: true });
  await until(
    async () => ((await answers(page).first().locator("> .text").textContent()) ?? "").length > 500,
    "it grows",
  );
  expect(await field(page).isEditable()).toBe(false);
  const grown = ((await answers(page).first().locator("> .text").textContent()) ?? "").length;
  await until(
    async () => ((await answers(page).first().locator("> .text").textContent()) ?? "").length > grown + 2_000,
    "it goes on, in the same page",
  );
  await page.getByRole("button", { name: "Stop" }).click({ noWaitAfter: true });
  await answered(page, 0, "stopped");
  expect(await page.getByRole("button", { name: "Continue" }).isVisible()).toBe(true);
  expect(await field(page).isEditable()).toBe(true);
});

test("ask again, and the way between the versions", async () => {
  const page = await open();
  await ask(page, "twenty");
  await answered(page, 0);
  await answers(page).first().hover();
  await page.getByRole("button", { name: "Regenerate" }).click();
  await until(async () => (await page.locator(".branches").textContent()) === "‹2 / 2›", "there are two");
  await page.getByRole("button", { name: "Previous version" }).click();
  expect(await page.locator(".branches").textContent()).toBe("‹1 / 2›");
});

test("a persona and its questions", async () => {
  const page = await open();
  await page.getByRole("link", { name: /^Kaufberater/ }).click();
  await page.getByRole("button", { name: "Welche Kaffeemühle empfiehlst du mir?" }).click();
  expect(await answered(page, 0)).toBe(`${shown("adviserGrinder")} [2]`);
});

test("what can't be sent is said, and stays in the field", async () => {
  const page = await open();
  await ask(page, "   ");
  expect(await page.getByRole("alert").textContent()).toBe("There is nothing to send yet.");
  const long = "ä".repeat(150_000);
  await ask(page, long);
  expect(await page.getByRole("alert").textContent()).toMatch(
    /^This message has 300,000 bytes; the limit is 262,144/,
  );
  expect((await field(page).inputValue()).length).toBe(long.length);
});

test("a page of another origin can't send a form", async () => {
  const body = new URLSearchParams({ type: "say", message: "m".repeat(22), text: "x" });
  const sent = await fetch(`${parlor.it.url}/c/${"c".repeat(22)}`, {
    method: "POST",
    body,
    headers: { origin: "http://evil.example" },
  });
  expect(sent.status).toBe(403);
});
