// A conversation is a tree: edit, ask again, branches, delete, continue; on every page that looks at it; over a restart.

import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";
import { answered, ask, grownBeyond, serving, shown, startParlor, withHouse, withModel } from "./stage.ts";

const house = withHouse();
const { open } = house;
const act = async (page: Page, article: number, name: string): Promise<void> => {
  await page.locator("article").nth(article).hover();
  await page.locator("article").nth(article).getByRole("button", { name }).click();
};
const texts = (page: Page): Promise<string[]> =>
  page
    .locator("article > .text")
    .allTextContents()
    .then((all) => all.map((text) => text.replace(/\s+/g, " ").trim()));
const showing = (page: Page, wished: string[]): Promise<unknown> =>
  page.waitForFunction(
    (list) =>
      JSON.stringify(
        [...document.querySelectorAll("article > .text")].map((text) =>
          (text.textContent ?? "").replace(/\s+/g, " ").trim(),
        ),
      ) === list,
    JSON.stringify(wished),
  );

test("an edited question is a branch beside the old one; both pages follow, and the path shown is what is sent", async () => {
  const { page } = await open(house.url);
  await ask(page, "twenty");
  await answered(page);
  await ask(page, "count");
  expect(await answered(page, "done", 1)).toBe("3 messages were sent to me.");
  const second = await open(page.url());
  await act(page, 0, "Edit");
  await page.locator(".edit textarea").fill("emoji");
  await page.getByRole("button", { name: "Save and submit" }).click();
  for (const each of [page, second.page]) await showing(each, ["emoji", shown("emoji")]);
  await ask(page, "count again");
  await showing(second.page, ["emoji", shown("emoji"), "count again", "3 messages were sent to me."]);
  expect(await page.locator(".branches").first().textContent()).toBe("‹2 / 2›");
  await second.page.getByRole("button", { name: "Previous version" }).click();
  for (const each of [page, second.page])
    await showing(each, ["twenty", shown("twenty"), "count", "3 messages were sent to me."]);
  await page.reload();
  expect(await texts(page)).toEqual(["twenty", shown("twenty"), "count", "3 messages were sent to me."]);
});

test("ask again: another answer beside the first, and the way between them", async () => {
  const { page } = await open(house.url);
  await ask(page, "story");
  await answered(page);
  const first = await page.locator("article").nth(1).getAttribute("id");
  await act(page, 1, "Regenerate");
  await page.getByText("2 / 2").waitFor();
  await answered(page);
  expect(await page.locator("article").nth(1).getAttribute("id")).not.toBe(first);
  await page.getByRole("button", { name: "Previous version" }).click();
  await page.getByText("1 / 2").waitFor();
  expect(await page.locator("article").nth(1).getAttribute("id")).toBe(first);
});

test("a deleted message takes with it what follows, also on the other page", async () => {
  const { page } = await open(house.url);
  for (const [i, word] of ["twenty", "emoji", "story"].entries()) {
    await ask(page, word);
    await answered(page, "done", i);
  }
  const second = await open(page.url());
  await act(page, 2, "Delete");
  for (const each of [page, second.page]) await showing(each, ["twenty", shown("twenty")]);
});

test("continue goes on where a stopped answer ended, in the same message", async () => {
  const { page } = await open(house.url);
  await ask(page, "endless");
  await grownBeyond(page, 300);
  await page.getByRole("button", { name: "Stop" }).click();
  const part = await answered(page, "stopped");
  await page.getByRole("button", { name: "Continue" }).click();
  // Parrot goes on with the recital where the part ends in one of its pieces, else it says a sentence of its own
  await grownBeyond(page, part.length + 1);
  const stop = page.getByRole("button", { name: "Stop" });
  await until(async () => {
    if (await stop.isVisible()) await stop.click({ timeout: 500 }).catch(() => null);
    return /done|stopped/.test((await page.locator("article").last().getAttribute("data-status")) ?? "");
  }, "it has come to its end");
  const whole = (await texts(page)).at(-1) as string;
  expect(whole.startsWith(part)).toBe(true);
  expect(await page.locator("article").count()).toBe(2);
});

test("a message is copied as it was written", async () => {
  const { page } = await open(house.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await ask(page, "html please");
  await answered(page);
  await act(page, 1, "Copy");
  await page.getByText("Copied").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(textOf("html"));
});

test("a long conversation opens at its end and brings the older messages as one scrolls up", async () => {
  const long = await startParlor([...(await withModel()), "--page-max-messages", "6"]);
  await serving(long);
  const { page } = await open(long.url);
  for (let i = 0; i < 8; i++) {
    await ask(page, `story ${i}`);
    await answered(page, "done", i);
  }
  await page.reload();
  expect(await page.locator("article").count()).toBeLessThan(16);
  expect((await texts(page)).at(-1)).toBe(shown("story"));
  await until(async () => {
    await page.locator("#scroller").hover();
    await page.mouse.wheel(0, -2000);
    return (await page.locator("article").count()) === 16;
  }, "all messages are there");
  expect((await texts(page)).filter((_, i) => i % 2 === 0)).toEqual(
    Array.from({ length: 8 }, (_, i) => `story ${i}`),
  );
  await long.stop();
});
