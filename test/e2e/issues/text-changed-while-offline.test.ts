// A text that was sent while offline, then changed and sent again under the same id, was swallowed without a word.
// Promises: C5.

import { expect, test } from "bun:test";
import { ask, startReady, withPages } from "../stage.ts";
import { startWire } from "../wire.ts";

const visit = withPages();

test("both texts reach the server: the first is asked, the second is refused in words or asked, and not lost", async () => {
  const parlor = await startReady();
  const wire = startWire(parlor.url);
  const { page } = await visit(wire.url);
  wire.cut();
  await page.waitForSelector('[role="status"][data-connection="off"]');
  await ask(page, "endless");
  await ask(page, "endless, better");
  await page.waitForSelector('article[data-status="running"]');
  await page.getByText("An answer is still being written here").waitFor();
  expect(await page.locator('article[data-role="user"] > .text').allTextContents()).toEqual(["endless"]);
  expect(await page.inputValue("#text")).toBe("endless, better");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.waitForSelector('article[data-status="stopped"]');
  wire.stop();
  await parlor.stop();
});
