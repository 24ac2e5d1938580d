// Several people with accounts at one parlor, each in a browser of their own. If this fails, people wait without knowing why, read each
// other, or the operator can't help them.
// Promises: Q6.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { until } from "../llama/server.ts";
import {
  answered,
  ask,
  connected,
  executable,
  grownBeyond,
  type Parlor,
  startParlor,
  visit,
  withHouse,
  withModel,
} from "./stage.ts";

const house = withHouse("--auth", "password", "--queue-max-runs", "4");
const passwords: Record<string, string> = {
  Ada: "correct horse",
  Ben: "battery staple",
  Cleo: "tall giraffe",
  Dee: "quiet river",
};
/** What the browser of each keeps, by house: who is here, comes again without signing in. */
const browsers = new WeakMap<Parlor, Record<string, StorageState>>();
type StorageState = Awaited<ReturnType<BrowserContext["storageState"]>>;

const kept = (): Record<string, StorageState> => {
  const found = browsers.get(house.parlor) ?? {};
  browsers.set(house.parlor, found);
  return found;
};

/** Takes an invitation up: the page it leads to is the chat. */
async function takeUp(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill(passwords[name] as string);
  await page.getByRole("button", { name: "Create account" }).click();
  await connected(page);
  kept()[name] = await page.context().storageState();
}

const comeAgain = async (name: string): Promise<Page> =>
  (await house.open(house.url, { storageState: kept()[name] as StorageState })).page;

/** A page of somebody who is signed in; invited first, if they are not here yet: the first admin by the link that was printed. */
async function pageOf(name: string): Promise<Page> {
  if (kept()[name]) return comeAgain(name);
  if (name === "Ada") return (await house.open("", {}, (fresh) => takeUp(fresh, printedLink(), name))).page;
  const operator = await pageOf("Ada");
  await operator.goto(`${house.url}/admin`);
  await operator.getByRole("button", { name: "Invite", exact: true }).click();
  const link = await operator.locator(".made input").inputValue();
  return (await house.open("", {}, (fresh) => takeUp(fresh, link, name))).page;
}

const printedLink = (): string => /http:\S+\/invite\/\S+/.exec(house.parlor.out())?.[0] as string;

/** Another tab of the same person. */
async function another(page: Page): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(house.url);
  await connected(tab);
  return tab;
}

const stop = (page: Page) => page.getByRole("button", { name: "Stop" }).click();

test("the first admin comes by the printed link, once; others by invitations; wrong passwords are told, right ones lead in", async () => {
  const ada = await pageOf("Ada");
  expect(await ada.getByRole("link", { name: "Manage" }).count()).toBe(1);
  expect((await fetch(printedLink())).status).toBe(404);
  const ben = await pageOf("Ben");
  expect(await ben.getByRole("link", { name: "Manage" }).count()).toBe(0);
  const stranger = await (await ben.context().browser())?.newContext({ locale: "en-GB" });
  const door = (await stranger?.newPage()) as Page;
  await door.goto(`${house.url}/account`);
  await door.getByLabel("Name").fill("Ben");
  await door.getByLabel("Password").fill("wrong one");
  await door.getByRole("button", { name: "Sign in" }).click();
  await door.getByText("The name or the password is wrong.").waitFor();
  expect(await door.getByLabel("Name").inputValue()).toBe("Ben");
  await door.getByLabel("Password").fill(passwords["Ben"] as string);
  await door.getByRole("button", { name: "Sign in" }).click();
  await door.getByRole("heading", { name: "Ben" }).waitFor();
  await stranger?.close();
});

test("each sees their own conversations only; a file of theirs is not found by the other", async () => {
  const [ada, ben] = [await pageOf("Ada"), await pageOf("Ben")];
  await ask(ada, "html please, said Ada");
  await answered(ada);
  await ben.reload();
  await connected(ben);
  expect(await ben.getByText("said Ada").count()).toBe(0);
  expect((await ben.request.get(ada.url())).status()).toBe(404);
});

test("places count down; the third is served before the first's second; the line can be left; a full one refuses and keeps the text", async () => {
  const ada = await pageOf("Ada");
  const tabs = [ada, await another(ada)];
  for (const tab of tabs) {
    await ask(tab, "endless");
    await grownBeyond(tab, 50);
  }
  const [ben, cleo] = [await pageOf("Ben"), await pageOf("Cleo")];
  const second = await another(ben);
  const third = await another(ben);
  await ask(ben, "twenty");
  await ben.getByText("1st of 1 in the queue").waitFor();
  await ask(second, "endless, the second");
  await second.getByText("2nd of 2 in the queue").waitFor();
  await ask(cleo, "twenty");
  await cleo.getByText("2nd of 3 in the queue").waitFor();
  await second.getByText("3rd of 3 in the queue").waitFor();
  await ask(third, "twenty");
  await third.getByText("4th of 4 in the queue").waitFor();
  const fourth = await another(cleo);
  await ask(fourth, "one too many");
  await fourth.getByText(/4 others are already waiting\. Try again in .*; your text is kept/).waitFor();
  expect(await fourth.inputValue("#text")).toBe("one too many");
  await third.getByRole("button", { name: "Leave the queue" }).click();
  await answered(third, "stopped");
  await second.getByText("3rd of 3 in the queue").waitFor();
  await stop(tabs[0] as Page);
  await Promise.all([answered(ben), answered(cleo)]);
  await grownBeyond(second, 50);
  await stop(second);
  await stop(tabs[1] as Page);
  await answered(second, "stopped");
  for (const tab of [tabs[1], second, third, fourth]) await tab?.close();
});

test("limits are seen before they bite, and refuse with when they reset", async () => {
  const ada = await pageOf("Ada");
  await ada.goto(`${house.url}/admin`);
  await ada.locator("summary", { hasText: "Cleo" }).click();
  const cleosOwn = ada.locator("details", { hasText: "Cleo" });
  await cleosOwn.getByLabel("Tokens per day").fill("150");
  await cleosOwn.getByLabel("Questions per minute").fill("3");
  await cleosOwn.getByRole("button", { name: "Apply" }).click();
  await ada.locator("summary", { hasText: "Cleo" }).waitFor();
  const cleo = await pageOf("Cleo");
  await cleo.getByText(/of 150 tokens used today/).waitFor();
  await ask(cleo, "lamp");
  await answered(cleo);
  await cleo.getByText(/\d+ of 150 tokens used today/).waitFor();
  await ask(cleo, "twenty again");
  await cleo
    .getByText(/You have used \d+ of 150 tokens today\. The count resets .*; your text is kept/)
    .waitFor();
  expect(await cleo.inputValue("#text")).toBe("twenty again");
  await ada.locator("summary", { hasText: "Cleo" }).click();
  await cleosOwn.getByLabel("Tokens per day").fill("1e9x");
  await cleosOwn.getByRole("button", { name: "Apply" }).click();
  await ada
    .getByText(
      "Tokens per day: enter a number from 1 to 1,000,000,000, or leave the field empty for no limit.",
    )
    .waitFor();
  await ada.locator("summary", { hasText: "Cleo" }).click();
  await cleosOwn.getByLabel("Tokens per day").fill("");
  await cleosOwn.getByRole("button", { name: "Apply" }).click();
  for (const question of ["twenty", "twenty", "twenty"]) {
    const text = await cleo.inputValue("#text");
    await ask(cleo, text === "" ? question : text);
    if (
      await Promise.race([
        cleo
          .getByText("questions per minute")
          .waitFor()
          .then(() => true),
        answeredAgain(cleo).then(() => false),
      ])
    )
      break;
  }
  await cleo
    .getByText(/You have reached your limit of 3 questions per minute.*Try again in \d+ s; your text is kept/)
    .waitFor();
});

/** Waits until no answer is being written and the field is empty. */
const answeredAgain = (page: Page): Promise<unknown> =>
  page.waitForFunction(
    () =>
      document.querySelector(".send") &&
      (document.querySelector("#text") as HTMLTextAreaElement).value === "",
  );

test("a link is read live in a private window while the answer is written, until it is revoked", async () => {
  const ada = await pageOf("Ada");
  await ask(ada, "endless");
  await grownBeyond(ada, 100);
  await ada.locator("header").getByRole("button", { name: "Share" }).click();
  await ada.getByRole("button", { name: "Create link" }).click();
  const link = await ada.locator(".links input[readonly]").inputValue();
  const { page: reader } = await house.open(link);
  const length = async () => ((await reader.locator("article .text").last().textContent()) ?? "").length;
  const seen = await length();
  await grownBeyond(reader, seen + 200);
  expect(await reader.getByRole("textbox").count()).toBe(0);
  expect(await reader.getByRole("button", { name: /Stop|Copy|Delete|Edit/ }).count()).toBe(0);
  await ada.getByRole("button", { name: "Revoke" }).click();
  await reader.getByText("This does not exist, or no longer exists.").waitFor();
  expect((await reader.request.get(link)).status()).toBe(404);
  await ada.keyboard.press("Escape");
  await stop(ada);
  await answered(ada, "stopped");
});

test("the operator sees what runs and stops it; a removed person is out at once", async () => {
  const ben = await pageOf("Ben");
  await ask(ben, "endless");
  await grownBeyond(ben, 50);
  const ada = await pageOf("Ada");
  await ada.goto(`${house.url}/admin`);
  const run = ada.locator(".runs li", { hasText: "Ben" });
  await run.getByRole("button", { name: "Stop" }).click();
  await answered(ben, "stopped");
  await ada.getByText("Nothing is running, nobody is waiting.").waitFor();
  await ask(ben, "endless");
  await grownBeyond(ben, 50);
  await ada.locator("summary", { hasText: "Ben" }).click();
  await ada.locator("details", { hasText: "Ben" }).getByRole("button", { name: "Remove" }).click();
  await ben.getByText("You are not signed in.").waitFor();
  await ben.waitForSelector('[role="status"][data-connection="off"]');
  await ada.getByText("Nothing is running, nobody is waiting.").waitFor();
  await ada.locator("summary", { hasText: "Ben" }).click();
  await ada.locator("details", { hasText: "Ben" }).getByRole("button", { name: "Restore" }).click();
  await ada.getByText(/restored Ben/).waitFor();
});

test("a changed password signs out everywhere else; signing out leads to the door", async () => {
  await pageOf("Dee");
  const signIn = async (fresh: Page) => {
    await fresh.goto(house.url);
    await fresh.getByLabel("Name").fill("Dee");
    await fresh.getByLabel("Password").fill(passwords["Dee"] as string);
    await fresh.getByRole("button", { name: "Sign in" }).click();
  };
  const [{ page: here }, { page: there }] = [
    await house.open("", {}, signIn),
    await house.open("", {}, signIn),
  ];
  await here.goto(`${house.url}/account`);
  await here.getByLabel("Current password").fill(passwords["Dee"] as string);
  await here.getByLabel("New password").fill("another staple");
  await here.getByRole("button", { name: "Change password" }).click();
  await here.getByText("Done.").waitFor();
  await there.getByText("You are not signed in.").waitFor();
  await here.getByRole("button", { name: "Sign out", exact: true }).click();
  await here.getByRole("heading", { name: "Sign in to parlor" }).waitFor();
});

test("on a phone nothing of the operator's page, one's account or the door scrolls sideways", async () => {
  const ada = await pageOf("Ada");
  await ada.setViewportSize({ width: 360, height: 700 });
  for (const path of ["/admin", "/account", "/login"]) {
    await ada.goto(house.url + path);
    expect(await ada.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

test("accounts can be looked after by commands while parlor serves", async () => {
  const data = mkdtempSync(join(tmpdir(), "parlor-people-"));
  const parlor = await startParlor([...(await withModel()), "--auth", "password"], {
    env: { PARLOR_DATA: data },
  });
  const run = (words: string[], password = "") => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...words, "--data", data], {
      stdin: Buffer.from(password),
    });
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };
  expect(run(["user", "add", "Dora", "admin"], "a long password\n")).toEqual({
    code: 0,
    out: "Dora is here as admin\n",
    err: "",
  });
  expect(run(["user", "add", "dora"], "x")).toMatchObject({
    code: 1,
    err: expect.stringContaining("The name dora is already taken"),
  });
  expect(run(["user", "add", "Emil", "king"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("there are admin, member, guest"),
  });
  expect(run(["user", "add", "Emil"], "short\n")).toMatchObject({
    code: 1,
    err: expect.stringContaining("at least 8 characters"),
  });
  passwords["Dora"] = "a long password";
  const { page, close } = await visit("", {}, async (fresh) => {
    await fresh.goto(parlor.url);
    await fresh.getByLabel("Name").fill("Dora");
    await fresh.getByLabel("Password").fill("a long password");
    await fresh.getByRole("button", { name: "Sign in" }).click();
  });
  expect(run(["user", "role", "Dora", "guest"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("at least one admin"),
  });
  expect(run(["user", "add", "Fred", "admin"], "another password\n").code).toBe(0);
  expect(run(["user", "list"]).out).toMatch(/^Dora\tadmin\t0 conversations/m);
  expect(run(["user", "remove", "Dora"]).code).toBe(0);
  await page.getByText("You are not signed in.").waitFor();
  await close();
  expect(run(["erase", "Dora"])).toEqual({
    code: 0,
    out: "Dora and everything of theirs is deleted\n",
    err: "",
  });
  for (const name of readdirSync(data).filter((name) => name.startsWith("parlor.db")))
    expect({ name, isLeft: readFileSync(join(data, name)).includes("Dora") }).toEqual({
      name,
      isLeft: false,
    });
  expect(run(["user", "passwd", "Dora"], "x")).toMatchObject({
    code: 1,
    err: expect.stringContaining("there is nobody called Dora"),
  });
  await parlor.stop();
  await until(() => parlor.process.exitCode !== null || parlor.process.signalCode !== null, "it is over");
});

test("signing out forgets what was typed and not sent", async () => {
  const page = await pageOf("Ada");
  await ask(page, "twenty please");
  await answered(page);
  await page.getByRole("textbox", { name: "Message" }).fill("a secret of Ada's");
  await page.goto(`${house.url}/account`);
  const stored = () => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(await stored()).toContain("a secret");
  await page.getByRole("button", { name: "Sign out", exact: true }).last().click();
  await page.waitForURL(/\/login/);
  expect(await stored()).not.toContain("a secret");
  delete kept()["Ada"];
});
