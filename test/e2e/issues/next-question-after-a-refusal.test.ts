// After a refused message the next one was sent, but stayed in the field, and Enter sent it again.

import { afterAll, expect, test } from "bun:test";
import { answered, ask, closeBrowser, serving, shown, startParlor, visit, withModel } from "../stage.ts";

afterAll(closeBrowser);

test("the field is emptied of what was accepted, whatever was refused before", async () => {
  const parlor = await startParlor([...(await withModel()), "--queue-max-runs", "1"]);
  await serving(parlor);
  const others = await Promise.all([0, 1, 2].map(() => visit(parlor.url)));
  for (const [i, { page }] of others.entries()) {
    await ask(page, "endless");
    await page.waitForSelector(`article[data-status="${i < 2 ? "running" : "queued"}"]`);
  }
  const { page, close } = await visit(parlor.url);
  await page.keyboard.press("Enter"); // of nothing, nothing is sent
  await ask(page, "refused");
  await page.getByText("others are waiting already").waitFor();
  for (const other of others) await other.page.getByRole("button", { name: "Stop" }).click();
  for (const other of others) await other.page.waitForSelector('article[data-status="stopped"]');
  await ask(page, "twenty");
  expect(await answered(page)).toBe(shown("twenty"));
  expect(await page.inputValue("#text")).toBe("");
  expect(await page.getByText("others are waiting already").count()).toBe(0);
  expect(await page.locator('article[data-role="user"]').count()).toBe(1);
  for (const other of others) await other.close();
  await close();
  await parlor.stop();
}, 60_000);
