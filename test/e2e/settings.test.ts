// Who answers, and with how much of the conversation: personas from their files, settings of a conversation, a context that
// is full, temporary chats.
// Promises: L6, X8.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { until } from "../llama/server.ts";
import { answered, ask, connected, shown, standing, startParlor, startReady, withPages } from "./stage.ts";

const data = mkdtempSync(join(tmpdir(), "parlor-voice-"));
const personas = join(data, "personas");
const small = ["-c", "4096"].map((arg) => `--llama-arg=${arg}`);
const parlor = standing(() =>
  startReady(...small, "--data", data, "--temporary-ms", "1000", "--heartbeat-ms", "500"),
);
const visit = withPages();

const withList = `---
name: Listenberater
greeting: Wonach suchst du?
starters:
  - Welche Kaffeemühle empfiehlst du mir?
list: liste.csv
---
Du bist ein Kaufberater. Du kennst nur diese Liste:

{{list}}
`;

const open = async (
  url = parlor.it.url,
  ...options: Parameters<typeof visit> extends [string, ...infer Rest] ? Rest : never
): Promise<Page> => (await visit(url, ...options)).page;

async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
  await page.waitForURL(/persona=/);
  await connected(page);
}

test("the Kaufberater answers from its list and is held to it: what the list does not say is marked, what it lacks is not asked", async () => {
  const page = await open();
  await choose(page, "Kaufberater");
  await page.getByRole("button", { name: "Welche Kaffeemühle empfiehlst du mir?" }).click();
  expect(await answered(page)).toContain("Nordhaus K2 für 89,00 €: Sie hat ein Kegelmahlwerk");
  const answers = page.locator('article[data-role="assistant"]');
  const first = answers.nth(0);
  expect(await first.locator("[data-grounding]").count()).toBe(0);
  expect(await first.locator("a.cite[data-by=parlor]").count()).toBe(1);
  await ask(page, "Welche Kaffeemühle ist neu?");
  expect(await answered(page, "done", 1)).toContain("Die Nordhaus K9 ist eine Kaffeemühle");
  expect(await answers.nth(1).locator("[data-grounding].strict").allTextContents()).toEqual([
    expect.stringContaining("K9"),
    expect.stringContaining("59,00 €"),
  ]);
  await ask(page, "Was kostet ein Fahrrad?");
  expect(await answered(page, "done", 2)).toBe("In den Dokumenten steht nichts, was zu dieser Frage passt.");
  await page.context().close();
});

test("a persona with a list answers from the list beside it, says so when that has no answer, and knows a new list at once", async () => {
  await Bun.write(join(personas, "liste.md"), withList);
  await Bun.write(
    join(personas, "liste.csv"),
    "Nordhaus K2;Kaffeemühle;89,00 €\nLindner Uno;Wasserkocher;24,90 €\n",
  );
  const page = await open();
  await choose(page, "Listenberater");
  expect(await page.getByRole("heading", { name: "Wonach suchst du?" }).isVisible()).toBe(true);
  await page.getByRole("button", { name: "Welche Kaffeemühle empfiehlst du mir?", exact: true }).click();
  expect(await answered(page)).toBe(shown("adviceGrinder"));
  expect(await page.getByRole("button", { name: "Persona: Listenberater" }).isVisible()).toBe(true);
  await ask(page, "Was kostet ein Fahrrad?");
  expect(await answered(page, "done", 1)).toBe(shown("adviceNone"));
  const list = join(personas, "liste.csv");
  const before = await Bun.file(list).text();
  await Bun.write(list, before.replace(/^Nordhaus K2.*\n/m, ""));
  await ask(page, "Und welche Kaffeemühle?");
  expect(await answered(page, "done", 2)).toBe(shown("adviceNone"));
  await Bun.write(list, before);
});

test("a persona that always answers in German does, also when it is asked in English", async () => {
  const page = await open();
  await choose(page, "Immer Deutsch");
  await ask(page, "Who are you?");
  expect(await answered(page)).toBe(shown("alwaysGerman"));
});

test("a conversation's persona and settings are changed on one device and shown on the other; a wrong number is refused in words", async () => {
  const page = await open();
  await ask(page, "story");
  await answered(page);
  const other = await open(page.url());
  await page.getByRole("button", { name: "Persona: Helper" }).click();
  await page.getByRole("combobox", { name: "Persona" }).selectOption({ label: "Immer Deutsch" });
  await page.getByRole("spinbutton", { name: "Maximum answer length" }).fill("4");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("Applies from the next answer on.").waitFor();
  await other.getByRole("button", { name: "Persona: Immer Deutsch with custom settings" }).waitFor();
  await page.keyboard.press("Escape");
  await ask(other, "Who are you?");
  const begun = await answered(other, "done", 1);
  expect(shown("alwaysGerman")).toStartWith(begun);
  expect(await other.getByText("Stopped at the length limit").isVisible()).toBe(true);
  await page.getByRole("button", { name: "Persona: Immer Deutsch" }).click();
  const temperature = page.getByRole("spinbutton", { name: "Temperature" });
  expect(await page.getByRole("spinbutton", { name: "Maximum answer length" }).inputValue()).toBe("4");
  await temperature.fill("9");
  await temperature.evaluate((input) =>
    (input.closest("form") as HTMLFormElement).setAttribute("novalidate", ""),
  );
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText("Temperature must be a number from 0 to 2.").waitFor();
});

test("settings of a new chat go with its first question", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Persona: Helper" }).click();
  await page.getByRole("spinbutton", { name: "Maximum answer length" }).fill("3");
  await page.keyboard.press("Escape");
  await ask(page, "story");
  await answered(page);
  expect(await page.getByText("Stopped at the length limit").isVisible()).toBe(true);
});

test("an offered question goes with the settings of the panel; a wrong number there is said, and nothing is lost", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Persona: Helper" }).click();
  await page.getByRole("spinbutton", { name: "Temperature" }).fill("9");
  await page.keyboard.press("Escape");
  await ask(page, "story");
  await page.getByText("Temperature must be a number from 0 to 2.").waitFor();
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("story");
  await page.getByRole("button", { name: "Persona: Helper" }).click();
  await page.getByRole("spinbutton", { name: "Temperature" }).fill("1");
  await page.getByRole("spinbutton", { name: "Maximum answer length" }).fill("4");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "What can you help me with?" }).click();
  await answered(page);
  expect(await page.getByText("Stopped at the length limit").isVisible()).toBe(true);
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("story");
  await page.keyboard.press("Enter");
  await answered(page, "done", 1);
});

test("settings for the first question stay when the panel is closed and opened again; in a conversation the panel waits for what is stored", async () => {
  const page = await open();
  const voice = page.getByRole("button", { name: "Persona: Helper" });
  const length = page.getByRole("spinbutton", { name: "Maximum answer length" });
  await voice.click();
  await length.fill("4");
  await voice.click();
  await length.waitFor({ state: "hidden" });
  await voice.click();
  await length.waitFor();
  expect(await length.inputValue()).toBe("4");
  await page.keyboard.press("Escape");
  await ask(page, "story");
  await answered(page);
  expect(await page.getByText("Stopped at the length limit").isVisible()).toBe(true);
  const asked = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  await page.route("**/settings?*", async (route) => {
    asked.resolve();
    await stored.promise;
    await route.continue();
  });
  await voice.click();
  await asked.promise;
  expect(await length.count()).toBe(0);
  stored.resolve();
  expect(await length.inputValue()).toBe("4");
});

test("who chooses another persona keeps what was typed", async () => {
  const page = await open();
  await page.getByRole("textbox", { name: "Message" }).fill("half a que");
  await choose(page, "Immer Deutsch");
  expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("half a que");
});

test("a full context: the oldest is left behind and said so, or the conversation ends with advice, as the persona says", async () => {
  await Bun.write(
    join(personas, "strict.md"),
    "---\nname: Strict\ndescription: Forgets nothing.\noverflow: refuse\n---\nForget nothing.\n",
  );
  const page = await open();
  expect(await page.locator("#context").textContent()).toBe("");
  const dropped = page.locator("article").getByText(/oldest messages? no longer fit the context/);
  let turns = 0;
  for (let isWarned = false; (await dropped.count()) === 0; turns++) {
    await ask(page, `story ${turns}`);
    await answered(page, "done", turns);
    if (isWarned) expect(await dropped.count()).toBe(1);
    const line = (await page.locator("#context").textContent()) ?? "";
    expect(line).toMatch(/^[\d,]+ of 2,048 tokens of context(: older messages will be left out)?$/);
    isWarned = line.endsWith("left out");
  }
  expect(turns).toBeGreaterThan(5);
  const strict = await open();
  await choose(strict, "Strict");
  const failed = strict.locator("article[data-status=failed]");
  for (let i = 0; (await failed.count()) === 0 && i < 4 * turns; i++) {
    await ask(strict, `story ${i}`);
    await strict.waitForFunction(
      (n) =>
        /done|failed/.test(
          document.querySelectorAll('article[data-role="assistant"]')[n]?.getAttribute("data-status") ?? "",
        ),
      i,
    );
  }
  const failure = strict.locator("article .failure").first();
  expect(await failure.textContent()).toMatch(
    /has no room left for an answer.*Start a new chat, delete messages/,
  );
  expect(await strict.getByRole("button", { name: "Try again" }).isVisible()).toBe(true);
});

test("a temporary chat survives a reload, is in no list and in no file, and is forgotten once nobody looks", async () => {
  const page = await open();
  await page.getByRole("link", { name: "Temporary chat" }).click();
  await page.waitForURL(/temporary$/);
  await connected(page);
  await ask(page, "story, das ist ein Geheimnisvogel");
  await answered(page);
  expect(page.url()).toMatch(/\/c\/temporary-/);
  await page.reload();
  await connected(page);
  expect(await answered(page)).toBe(shown("story"));
  await ask(page, "twenty, and on");
  expect(await answered(page, "done", 1)).toBe(shown("twenty"));
  expect(
    await page.getByRole("navigation", { name: "Conversations" }).getByText("Geheimnisvogel").count(),
  ).toBe(0);
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(4);
  for (const file of files)
    expect(
      Buffer.from(await Bun.file(join(file.parentPath, file.name)).bytes()).includes("Geheimnisvogel"),
    ).toBe(false);
  const url = page.url();
  // looked at, it stays longer than its time; then it is gone
  const since = Date.now();
  await until(() => Date.now() - since > 2_000, "twice its time has passed");
  expect((await fetch(url)).status).toBe(200);
  await page.context().close();
  await until(async () => (await fetch(url)).status === 404, "it is forgotten");
});

test("an operator's persona answers everybody, and nobody can choose another", async () => {
  const strict = await startReady(...small, "--enforce-persona", "kaufberater");
  const page = await open(strict.url);
  expect(await page.getByText("Choose a persona").count()).toBe(0);
  await ask(page, "Welche Kaffeemühle?");
  expect(await answered(page)).toBe(`${shown("adviserGrinder")} [2]`);
  await page.getByRole("button", { name: "Persona: Kaufberater" }).click();
  await page.getByText("The same persona answers everybody here.").waitFor();
  await page.context().close();
  await strict.stop();
});

test("an enforced persona that is not there is said in one line, and nothing starts", async () => {
  await expect(startParlor(["--enforce-persona", "nobody"])).rejects.toThrow(
    /parlor: there is no persona \S+\/personas\/nobody\.md that can be used\n$/,
  );
});
