// The list of conversations: live on every device, search that jumps to its place, delete with undo.

import { expect, test } from "bun:test";
import type { Locator, Page } from "playwright-core";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";
import {
  answered,
  ask,
  connected,
  grownBeyond,
  serving,
  shown,
  startParlor,
  withHouse,
  withModel,
} from "./stage.ts";

const house = withHouse();
const { open } = house;
const list = (page: Page): Locator => page.getByRole("navigation", { name: "Conversations" });
const titles = (page: Page): Promise<string[]> =>
  list(page).locator(".conversations li > a").allTextContents();
const listed = (page: Page, wished: string[]): Promise<void> =>
  until(
    async () =>
      JSON.stringify((await titles(page)).map((title) => title.replace(/ Answering$/, ""))) ===
      JSON.stringify(wished),
    `the list is ${wished}`,
  );
const menu = async (page: Page, title: string): Promise<Locator> => {
  await page.getByRole("button", { name: `Options: ${title}` }).click();
  const item = list(page).locator("li", { has: page.getByRole("link", { name: title }) });
  await item.locator(".menu form").waitFor();
  return item;
};

test("two devices: what is said on one is listed on the other, the latest first, with a mark while it runs", async () => {
  const one = await open(house.url);
  const two = await open(house.url);
  await ask(one.page, "twenty please");
  await answered(one.page);
  await ask(two.page, "endless, a second question");
  await grownBeyond(two.page, 50);
  await listed(one.page, ["endless, a second question", "twenty please"]);
  expect(await list(one.page).locator('li[data-active="true"]').count()).toBe(1);
  expect(await list(one.page).locator('[aria-current="page"]').textContent()).toBe("twenty please");
  expect(await list(two.page).locator('[aria-current="page"]').textContent()).toContain(
    "endless, a second question",
  );
  await two.page.getByRole("button", { name: "Stop" }).click();
  await answered(two.page, "stopped");
  await until(
    async () => (await list(one.page).locator('li[data-active="true"]').count()) === 0,
    "the mark is gone",
  );
  await ask(one.page, "story");
  await answered(one.page, "done", 1);
  for (const { page } of [one, two]) await listed(page, ["twenty please", "endless, a second question"]);
  expect(await one.page.title()).toBe("twenty please · parlor");
});

test("rename, pin and delete with undo, on both devices", async () => {
  const one = await open(house.url);
  const two = await open(house.url);
  const item = await menu(one.page, "twenty please");
  await item.getByRole("textbox", { name: "Name" }).fill("Zahlen & <Zeichen>");
  await item.getByRole("button", { name: "Rename" }).click();
  for (const { page } of [one, two]) await listed(page, ["Zahlen & <Zeichen>", "endless, a second question"]);
  await (await menu(two.page, "endless, a second question"))
    .getByRole("button", { name: "Pin", exact: true })
    .click();
  for (const { page } of [one, two]) await listed(page, ["endless, a second question", "Zahlen & <Zeichen>"]);
  await (await menu(one.page, "endless, a second question")).getByRole("button", { name: "Delete" }).click();
  for (const { page } of [one, two]) await listed(page, ["Zahlen & <Zeichen>"]);
  await one.page.getByRole("button", { name: "Undo" }).click();
  for (const { page } of [one, two]) await listed(page, ["endless, a second question", "Zahlen & <Zeichen>"]);
  expect(await one.page.getByRole("button", { name: "Undo" }).count()).toBe(0);
});

test("search finds titles and texts, without umlauts too, and jumps to the passage, also on another branch", async () => {
  const { page } = await open(house.url);
  await ask(page, "Deutsch");
  await answered(page);
  await page.locator("article").first().hover();
  await page.getByRole("button", { name: "Edit" }).click();
  await page.locator(".edit textarea").fill("emoji, on another branch");
  await page.getByRole("button", { name: "Save and submit" }).click();
  await page.getByText("2 / 2").waitFor();
  await answered(page);
  const { page: searching } = await open(house.url);
  await list(searching).getByRole("searchbox", { name: "Search" }).fill("vogelein schw");
  const hit = list(searching).locator("#found a").first();
  await hit.waitFor();
  expect(await hit.locator("mark").allTextContents()).toEqual(["Vögelein", "schweigen"]);
  await hit.click();
  await connected(searching);
  await until(async () => {
    const passage = searching.locator("article:target");
    return (
      (await passage.count()) === 1 &&
      (await passage.isVisible()) &&
      /Vögelein/.test((await passage.textContent()) ?? "")
    );
  }, "the passage is shown");
  await list(searching).getByRole("searchbox", { name: "Search" }).fill("xyzzy");
  await list(searching).getByText("Nothing found").waitFor();
});

test("out as Markdown, JSON and JSON Lines; in again elsewhere, also from llama-server's UI, with faults named", async () => {
  const { page } = await open(house.url);
  await ask(page, "story for export");
  await answered(page);
  const id = new URL(page.url()).pathname.slice(3);
  const markdown = await fetch(`${house.url}/c/${id}/export.md`);
  expect(markdown.headers.get("content-disposition")).toBe(
    "attachment; filename*=UTF-8''story%20for%20export.md",
  );
  expect(await markdown.text()).toBe(
    `# story for export\n\n## You\n\nstory for export\n\n## Answer\n\n${textOf("story")}\n`,
  );
  expect(
    ((await (await fetch(`${house.url}/c/${id}/export.json`)).json()) as { parlor: number }).parlor,
  ).toBe(2);
  const all = await (await fetch(`${house.url}/export.jsonl`)).text();

  const elsewhere = await startParlor([]);
  const { page: fresh } = await open(elsewhere.url);
  const theirs = {
    conv: { id: crypto.randomUUID(), name: "From elsewhere", currNode: "b" },
    messages: [
      { id: "a", role: "user", content: "Which tea?", parent: null },
      { id: "b", role: "assistant", content: "Black.", parent: "a" },
    ],
  };
  const file = {
    name: "all.jsonl",
    mimeType: "application/jsonl",
    buffer: Buffer.from(`${all}${JSON.stringify(theirs)}\n{broken\n`),
  };
  await fresh.setInputFiles('input[type="file"]', file);
  const lines = all.trim().split("\n").length;
  await fresh.getByText(`${lines + 1} conversations imported.`).waitFor();
  await fresh.getByText(`line ${lines + 2}: this is no JSON object`).waitFor();
  await fresh.getByRole("link", { name: "From elsewhere" }).click();
  await connected(fresh);
  expect((await fresh.locator("article > .text").allTextContents()).map((text) => text.trim())).toEqual([
    "Which tea?",
    "Black.",
  ]);
  await elsewhere.stop();
});

test("on a phone the list is a drawer that opens and closes with a touch", async () => {
  const { page } = await open(house.url, {
    viewport: { width: 390, height: 700 },
    hasTouch: true,
    isMobile: true,
  });
  expect(await list(page).count()).toBe(0); // not there for anybody while it is closed
  await page.getByRole("button", { name: "Conversations" }).click();
  await list(page).waitFor();
  await list(page).locator(".conversations a").first().click();
  await page.locator("article").first().waitFor();
  await connected(page);
  expect(await list(page).count()).toBe(0);
});

test("a long list is fetched in pages as one scrolls down", async () => {
  const alone = await startParlor(await withModel());
  await serving(alone);
  const sockets = Array.from({ length: 60 }, (_, i) => i);
  for (const i of sockets) {
    const id = `listed-conversation-${String(i).padStart(3, "0")}`;
    const socket = new WebSocket(`${alone.url.replace("http", "ws")}/live?c=${id}`);
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    socket.send(
      JSON.stringify({
        type: "say",
        message: `listed-question-${String(i).padStart(3, "0")}`,
        text: `emoji ${i}`,
      }),
    );
    const isDone = (frame: string) => /data-role="assistant" data-status="done"/.test(frame);
    await new Promise((resolve) =>
      socket.addEventListener("message", ({ data }) => isDone(String(data)) && resolve(null)),
    );
    socket.close();
  }
  const { page } = await open(alone.url);
  expect((await titles(page)).length).toBeLessThan(60);
  await until(async () => {
    await list(page).locator(".conversations").hover();
    await page.mouse.wheel(0, 4000);
    return (await titles(page)).length === 60;
  }, "all are listed");
  expect(await titles(page)).toEqual(sockets.toReversed().map((i) => `emoji ${i}`));
  await alone.stop();
});

test("a name or a question that is being reworded stays while others work on the list, and a reconnect comes", async () => {
  const one = await open(house.url);
  await ask(one.page, "twenty to be reworded");
  await answered(one.page);
  const two = await open(one.page.url());
  const article = one.page.locator("article").first();
  await article.hover();
  await article.getByRole("button", { name: "Edit" }).click();
  await one.page.getByRole("textbox", { name: "Edit" }).fill("story, half reword");
  const item = await menu(one.page, "twenty to be reworded");
  await item.getByRole("textbox", { name: "Name" }).fill("Half a na");
  await (await menu(two.page, "twenty to be reworded"))
    .getByRole("button", { name: "Pin", exact: true })
    .click();
  await until(async () => (await list(one.page).locator("#list-pinned li").count()) > 0, "the pin is told");
  expect(await item.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Half a na");
  expect(await one.page.getByRole("textbox", { name: "Edit" }).inputValue()).toBe("story, half reword");
  await item.getByRole("button", { name: "Rename" }).click();
  await list(two.page).getByRole("link", { name: "Half a na" }).waitFor();
  expect(await list(one.page).locator(".menu form").count()).toBe(0);
  await one.page.getByRole("button", { name: "Save and submit" }).click();
  await until(async () => (await answered(one.page)) === shown("story"), "the reworded question is answered");
  expect(await one.page.getByRole("textbox", { name: "Edit" }).count()).toBe(0);
});

test("in a conversation that was deleted nothing is said into the void: the text stays, and the delete can be undone", async () => {
  const { page } = await open(house.url);
  await ask(page, "twenty to be deleted");
  await answered(page);
  await (await menu(page, "twenty to be deleted"))
    .getByRole("button", { name: "Delete", exact: true })
    .click();
  await page.getByRole("button", { name: "Undo" }).waitFor();
  await ask(page, "story for nobody");
  await page
    .getByText("This conversation was deleted. Undo that, or start a new chat; your text is kept.")
    .waitFor();
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("story for nobody");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator("article").nth(1).waitFor();
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
  expect(await answered(page, "done", 1)).toBe(shown("story"));
});
