// An answer from documents in a browser: read in on the command line, asked on the page, looked up by its numbers,
// with scripts and without. If this fails, nobody can check what an answer says.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { answered, ask, bareEnvironment, executable, newContext, violations, withHouse } from "./stage.ts";

const root = mkdtempSync(join(tmpdir(), "parlor-citations-"));
const data = join(root, "data");
mkdirSync(join(data, "personas"), { recursive: true });
mkdirSync(join(root, "haus"));
writeFileSync(join(data, "personas/helper.md"), "---\nname: Verwalter\ndocuments: [haus]\n---\nSei kurz.\n");
const contract =
  "# Vertrag\n\nDie Kündigung ist mit drei Monaten Frist möglich. <b>Schriftform</b> ist nötig.\n";
writeFileSync(join(root, "haus/vertrag.md"), contract);
writeFileSync(join(root, "haus/miete.txt"), "Die Miete kostet 840 Euro.");

const house = withHouse("--data", data);

function index(): string {
  const { stdout, stderr } = Bun.spawnSync([executable, "index", join(root, "haus"), "--data", data], {
    env: bareEnvironment,
    timeout: 60_000,
  });
  return stdout.toString() + stderr.toString();
}

test("a citation leads to the passage and back; what leads nowhere is counted; nothing found is said", async () => {
  expect(index()).toStartWith("haus: 2 documents are read");
  const { page } = await house.open(house.url);
  await ask(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  expect(await answered(page)).toContain("gekündigt werden [1]. Die Miete kostet 840 Euro [2].");
  await page.goto(
    new URL((await page.getByRole("link", { name: "[1]" }).getAttribute("href")) ?? "", house.url).href,
  );
  await page.getByRole("heading", { name: "Source 1" }).waitFor();
  const passage = page.locator("blockquote");
  expect((await passage.textContent())?.trim()).toBe(contract.trim());
  expect(await passage.locator("b, h1").count()).toBe(0);
  expect(await page.locator(".note").textContent()).toContain("vertrag.md › page 1");
  await page.getByRole("link", { name: "Back to the conversation" }).click();
  expect(await answered(page)).toContain("Die Miete kostet 840 Euro [2].");
  await ask(page, "Und die Kaution bei der Miete?");
  await page.getByText("1 citation led nowhere and was removed.").waitFor();
  await ask(page, "Was ist die Quantenchromodynamik?");
  await page.getByText("In den Dokumenten steht nichts, was zu dieser Frage passt.").waitFor();
});

/** A page with an answer that cites two passages. */
async function cited(options: BrowserContextOptions): Promise<Page> {
  index();
  const { page } = await house.open(house.url, options);
  await ask(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  await answered(page);
  return page;
}
const link = (page: Page, n: number) => page.getByRole("link", { name: `[${n}]`, exact: true });
const panel = (page: Page) => page.locator("dialog#source");
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);
const opened = (page: Page, n: number) =>
  panel(page)
    .getByRole("heading", { name: `Source ${n}`, exact: true })
    .waitFor();
const closed = (page: Page) => page.locator("dialog#source:not([open])").waitFor({ state: "attached" });

test("in a wide window a passage opens beside the thread: by mouse, then another one, closed by Esc", async () => {
  const page = await cited({ viewport: { width: 1440, height: 900 } });
  const address = page.url();
  await link(page, 1).click();
  await opened(page, 1);
  expect(await panel(page).locator("mark").allTextContents()).toContain("Frist");
  const [thread, beside] = [await page.locator("#scroller").boundingBox(), await panel(page).boundingBox()];
  expect((thread?.x ?? 0) + (thread?.width ?? 0)).toBeLessThanOrEqual(beside?.x ?? 0);
  expect(await focused(page)).toBe("Source 1");
  expect(await violations(page)).toEqual([]);
  await link(page, 2).click();
  await opened(page, 2);
  expect(await panel(page).locator(".passage").textContent()).toBe("Die Miete kostet 840 Euro.");
  await page.keyboard.press("Escape");
  await closed(page);
  expect(await focused(page)).toBe("[2]");
  // the thread can be used while the panel is open
  await link(page, 1).click();
  await opened(page, 1);
  await ask(page, "Und die Kaution bei der Miete?");
  await page.getByText("1 citation led nowhere and was removed.").waitFor();
  await opened(page, 1);
  expect(page.url()).toBe(address);
});

test("by keyboard: Enter opens, the close button closes, the focus returns", async () => {
  const page = await cited({ viewport: { width: 1440, height: 900 } });
  await link(page, 2).focus();
  await page.keyboard.press("Enter");
  await opened(page, 2);
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Close");
  await page.keyboard.press("Enter");
  await closed(page);
  expect(await focused(page)).toBe("[2]");
  await page.keyboard.press("Enter");
  await opened(page, 2);
});

test("on a phone it is a sheet, opened by a tap, closed beside it", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await cited({
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
      colorScheme,
    });
    await link(page, 1).tap();
    await opened(page, 1);
    const box = await panel(page).boundingBox();
    expect([box?.x, box?.width, Math.round((box?.y ?? 0) + (box?.height ?? 0))]).toEqual([0, 390, 844]);
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.touchscreen.tap(200, 20);
    await closed(page);
    expect(await focused(page)).toBe("[1]");
    await page.getByRole("button", { name: "Delete" }).last().waitFor();
  }
});

test("in a new tab the link leads to the page, and the panel stays closed", async () => {
  const page = await cited({});
  const [tab] = await Promise.all([
    page.context().waitForEvent("page"),
    link(page, 1).click({ modifiers: ["ControlOrMeta"] }),
  ]);
  await tab.getByRole("link", { name: "Back to the conversation" }).waitFor();
  expect(await panel(page).isVisible()).toBe(false);
  expect(await violations(tab)).toEqual([]);
});

test("what comes nearest opens in the panel, and one press asks without the documents", async () => {
  const page = await cited({ viewport: { width: 1440, height: 900 } });
  await ask(page, "Was kostet ein Parkplatz für Wohnmobile am Flughafen?");
  await page.getByRole("link", { name: "miete.txt › page 1" }).click();
  await opened(page, 2);
  expect(await panel(page).locator("mark").allTextContents()).toEqual(["kostet"]);
  await page.getByRole("button", { name: "Ask without the documents" }).click();
  await page.getByText("Answered without the documents.").waitFor();
});

test("without scripts one press asks without the documents, too", async () => {
  const context = await newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(house.url);
  await page.getByRole("textbox", { name: "Message" }).fill("Was kostet ein Parkplatz am Flughafen Tegel?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("button", { name: "Ask without the documents" }).click();
  await page.getByText("Answered without the documents.").waitFor();
  await context.close();
});

test("without scripts the answer has the same links", async () => {
  const context = await newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(house.url);
  await page.getByRole("textbox", { name: "Message" }).fill("Kündigungsfrist und Miete?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "[2]" }).first().click();
  await page.getByRole("heading", { name: "Source 2" }).waitFor();
  expect(await page.locator("blockquote").textContent()).toBe("Die Miete kostet 840 Euro.");
  await context.close();
});

test("what is not in its source is said in words that can be seen and heard, and are no text of the answer", async () => {
  index();
  const { page } = await house.open(house.url);
  await ask(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  await answered(page);
  await ask(page, "Was ist die Kaution, wenn die Miete 840 Euro kostet?");
  expect(await answered(page, "done", 1)).toBe(
    "Die Miete kostet 950 Euro [2]. Die Kaution wird verzinst. Das ist fast überall so.",
  );
  const answer = page.locator('article[data-role="assistant"]').last();
  const wrong = answer.locator('[data-grounding="unsupported"]');
  expect(await wrong.textContent()).toBe("Die Miete kostet 950 Euro [2].");
  const heard = await answer.ariaSnapshot();
  expect(heard.match(/not found in \[2\]/g)).toHaveLength(1);
  expect(heard.match(/without a source/g)).toHaveLength(2);
  await answer.getByText("0 of 3 sentences found in their sources").waitFor();
});
