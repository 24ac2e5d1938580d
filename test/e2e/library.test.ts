// Documents in a browser: a collection is made, filled, asked and deleted, with scripts and without, and the
// operator's folder is followed by the executable. If this fails, people can't use documents of their own.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { until } from "../llama/server.ts";
import { answered, ask, connected, newContext, withHouse } from "./stage.ts";

const data = mkdtempSync(join(tmpdir(), "parlor-library-"));
const house = withHouse(
  "--data",
  data,
  "--documents-settle-ms",
  "50",
  "--documents-look-ms",
  "500",
  "--document-max-bytes",
  "100000",
);

const file = (name: string, text: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
const contract = file("vertrag.md", "# Vertrag\n\nDie Kündigung ist mit drei Monaten Frist möglich.\n");
const rent = file("miete.txt", "Die Miete kostet 840 Euro.");
const question = "Welche Kündigungsfrist gilt, und was ist die Miete?";

async function make(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Documents", exact: true }).click();
  await page.getByRole("heading", { name: "Documents", level: 1 }).waitFor();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByLabel(`Add documents to ${name}`).setInputFiles([contract, rent]);
  await page.getByRole("region", { name }).getByRole("button", { name: "Upload" }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}
const searchable = (page: Page) => page.locator('li[data-state="searchable"]');

test("a collection is made, filled, read, asked, changed and deleted", async () => {
  const { page } = await house.open(house.url);
  await make(page, "Lease");
  // the list follows by itself
  await searchable(page).nth(1).waitFor();
  await page.getByRole("link", { name: "vertrag.md" }).click();
  await page.getByText("Die Kündigung ist mit drei Monaten Frist möglich.").waitFor();
  await page.getByRole("link", { name: "Lease" }).click();
  await page.getByRole("link", { name: "Ask Lease" }).click();
  await connected(page);
  await page.getByText("Answers from: Lease").waitFor();
  await ask(page, question);
  expect(await answered(page)).toContain("Die Miete kostet 840 Euro [2].");
  expect(await page.locator("a.cite").count()).toBeGreaterThan(1);
  await page.getByRole("button", { name: /^Persona/ }).click();
  await page.getByRole("checkbox", { name: "Lease" }).uncheck();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.locator("#answers-from:empty").waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /^Persona/ }).click();
  await page.getByRole("checkbox", { name: "Lease" }).check();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("Answers from: Lease").waitFor();
  await page.goto(`${house.url}/documents`);
  await page.getByText("used in 1 conversation of yours").waitFor();
  const lease = page.getByRole("region", { name: "Lease" });
  // by the keyboard alone
  await lease.getByRole("button", { name: "Remove miete.txt" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Lease", level: 1 }).waitFor();
  expect(await searchable(page).count()).toBe(1);
  await page.locator("summary", { hasText: "Delete Lease" }).click();
  await page.getByText("This can't be undone.").waitFor();
  await page.getByRole("button", { name: "Delete Lease" }).click();
  await page.getByRole("heading", { name: "Documents", level: 1 }).waitFor();
  expect(await page.getByRole("region", { name: "Lease" }).count()).toBe(0);
});

test("with scripts, documents may be larger together than one request; what is refused is named", async () => {
  const { page } = await house.open(house.url);
  await make(page, "Many");
  const long = (name: string) => file(name, "Die Miete kostet 840 Euro.\n\n".repeat(3_000));
  const add = page.getByLabel("Add documents to Many");
  await add.setInputFiles([long("a.txt"), file("empty.txt", ""), long("b.txt")]);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByText("empty.txt is empty.").waitFor();
  await searchable(page).nth(3).waitFor();
  await add.setInputFiles([long("c.txt"), long("d.txt")]);
  await page.getByRole("button", { name: "Upload" }).click();
  await searchable(page).nth(5).waitFor();
  expect(await page.getByText("empty.txt is empty.").count()).toBe(0);
});

test("without scripts the same forms do it, on a phone", async () => {
  const context = await newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(`${house.url}/documents`);
  await page.getByLabel("Name").fill("Plain");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByLabel("Add documents to Plain").setInputFiles([contract, rent, file("empty.txt", "")]);
  await page.getByRole("region", { name: "Plain" }).getByRole("button", { name: "Upload" }).click();
  await page.getByText("empty.txt is empty.").waitFor();
  await until(async () => {
    await page.reload();
    return (await searchable(page).count()) === 2;
  }, "both are read");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
  await page.getByRole("link", { name: "Ask Plain" }).click();
  await page.getByText("Answers from: Plain").waitFor();
  await page.getByRole("textbox", { name: "Message" }).fill(question);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "[2]" }).first().click();
  await page.getByRole("heading", { name: "Source 2" }).waitFor();
  await context.close();
});

test("the operator's folder is followed while parlor runs", async () => {
  const { page } = await house.open(house.url);
  mkdirSync(join(data, "documents/handbuch"), { recursive: true });
  writeFileSync(join(data, "documents/handbuch/vertrag.md"), contract.buffer);
  const shows = async () => {
    await page.goto(`${house.url}/documents`);
    return page.getByRole("region", { name: "handbuch" }).getByRole("link", { name: "vertrag.md" }).count();
  };
  await until(async () => (await shows()) === 1, "the collection is there");
  expect(await page.getByRole("region", { name: "handbuch" }).getByRole("button").count()).toBe(0);
  rmSync(join(data, "documents/handbuch"), { recursive: true });
  await until(async () => (await shows()) === 0, "the collection is gone");
});
