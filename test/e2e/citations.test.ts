// An answer from documents in a browser: read in on the command line, asked on the page, looked up by its numbers,
// with scripts and without. If this fails, nobody can check what an answer says.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answered, ask, bareEnvironment, executable, newContext, withHouse } from "./stage.ts";

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
  await page.getByRole("link", { name: "[1]" }).click();
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
