// After a refused message the next one was sent, but stayed in the field, and Enter sent it again.

import { expect, test } from "bun:test";
import { answered, ask, shown, startReady, withPages } from "../stage.ts";

const visit = withPages();

test("the field is emptied of what was accepted, whatever was refused before", async () => {
  const parlor = await startReady("--queue-max-runs", "1");
  const others = await Promise.all([0, 1, 2].map(() => visit(parlor.url)));
  for (const [i, { page }] of others.entries()) {
    await ask(page, "endless");
    await page.waitForSelector(`article[data-status="${i < 2 ? "running" : "queued"}"]`);
  }
  const { page } = await visit(parlor.url);
  await page.keyboard.press("Enter"); // of nothing, nothing is sent
  await ask(page, "refused");
  await page.getByText("others are already waiting").waitFor();
  for (const other of others) await other.page.getByRole("button", { name: "Stop" }).click();
  for (const other of others) await other.page.waitForSelector('article[data-status="stopped"]');
  await ask(page, "twenty");
  expect(await answered(page)).toBe(shown("twenty"));
  expect(await page.inputValue("#text")).toBe("");
  expect(await page.getByText("others are already waiting").count()).toBe(0);
  expect(await page.locator('article[data-role="user"]').count()).toBe(1);
  await parlor.stop();
});
