// axe-core finds no violation on any page and in any state, light and dark, wide and narrow.

import { afterAll, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { freePort } from "../llama/server.ts";
import {
  answered,
  ask,
  closeBrowser,
  connected,
  grownBeyond,
  standing,
  startParlor,
  startReady,
  violations,
  visit,
} from "./stage.ts";

afterAll(closeBrowser);
const parlor = standing(() => startReady());
const alone = standing(() => startParlor(["--llama", `http://127.0.0.1:${freePort()}`]));

const states: Record<string, (page: Page) => Promise<void>> = {
  "an empty page": async () => {},
  "a finished answer": async (page) => {
    await ask(page, "think");
    await answered(page);
  },
  "everything that Markdown has": async (page) => {
    await ask(page, "how is a lamp wired?");
    await answered(page);
  },
  "an answer in progress": async (page) => {
    await ask(page, "endless");
    await grownBeyond(page, 3000);
  },
  "a stopped answer": async (page) => {
    await ask(page, "endless");
    await grownBeyond(page, 3000);
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
  },
  "the settings, open": async (page) => {
    await ask(page, "story");
    await answered(page);
    await page.getByRole("button", { name: "Persona: Helper" }).click();
    await page.getByRole("spinbutton", { name: "Temperature" }).waitFor();
  },
  "a temporary chat": async (page) => {
    await page.getByRole("link", { name: "Temporary chat" }).click();
    await page.waitForURL(/temporary$/);
    await connected(page);
  },
  "attached files, and those of a question": async (page) => {
    const file = { name: "notes.md", mimeType: "text/markdown", buffer: Buffer.from("notes") };
    const attach = async () => {
      await page.getByLabel("Attach", { exact: true }).setInputFiles([file, { ...file, name: "more.txt" }]);
      await page.locator("#attached li:nth-child(2) [name=file]").waitFor({ state: "attached" });
    };
    await attach();
    await ask(page, "twenty");
    await answered(page);
    await attach();
  },
  "documents, and their choice": async (page) => {
    const [home, name] = [page.url(), `Papers ${crypto.randomUUID().slice(0, 8)}`];
    await page.goto(new URL("/documents", home).href);
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Create" }).click();
    const file = { name: "notes.md", mimeType: "text/markdown", buffer: Buffer.from("notes") };
    await page.getByLabel(`Add documents to ${name}`).setInputFiles([file, { ...file, name: "broken.pdf" }]);
    await page.getByRole("region", { name }).getByRole("button", { name: "Upload" }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.locator('li[data-state="searchable"]').nth(1).waitFor();
    await page.locator("summary").click();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: "notes.md" }).click();
    await page.locator(".passage").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.goto(new URL("/documents", home).href);
    expect(await violations(page)).toEqual([]);
    await page.goto(home);
    await connected(page);
    await page.getByRole("button", { name: "Persona: Helper" }).click();
    await page.getByRole("checkbox", { name }).waitFor();
  },
  "a refused message": async (page) => {
    await ask(page, "x".repeat(300_000));
    await page.locator("#notice p").waitFor();
  },
};

for (const look of [
  { colorScheme: "light" as const, viewport: { width: 1100, height: 800 } },
  { colorScheme: "dark" as const, viewport: { width: 360, height: 640 } },
]) {
  describe(`${look.colorScheme}, ${look.viewport.width} wide`, () => {
    for (const [name, reach] of Object.entries(states)) {
      test(name, async () => {
        const { page, close } = await visit(parlor.it.url, look);
        await reach(page);
        expect(await violations(page)).toEqual([]);
        const stop = page.getByRole("button", { name: "Stop" });
        if (await stop.isVisible()) await stop.click();
        await close();
      });
    }

    test("no llama-server, and a failed answer", async () => {
      const { page, close } = await visit(alone.it.url, look);
      expect(await violations(page)).toEqual([]);
      await ask(page, "is anybody there?");
      await answered(page, "failed");
      expect(await violations(page)).toEqual([]);
      await close();
    });

    test("a page that is not there", async () => {
      const { page, close } = await visit(parlor.it.url, look);
      await page.goto(`${parlor.it.url}/nothing`);
      expect(await violations(page)).toEqual([]);
      await close();
    });
  });
}
