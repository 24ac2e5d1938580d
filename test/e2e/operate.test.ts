// What the operator and a program's owner do in the browser: llama-servers that come and go, what ours print, keys. If this fails, a house can't grow without
// a restart, or a key that is lost can't be taken back.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Llama, startLlama, until } from "../llama/server.ts";
import { answered, ask, closeBrowser, type Parlor, serving, shown, startParlor, type Visit, visit, withModel } from "./stage.ts";

let own: Parlor;
let empty: Parlor;
let other: Llama;

beforeAll(async () => {
  own = await startParlor(await withModel());
  empty = await startParlor(["--poll-ms", "50", "--poll-ready-ms", "100"]);
  other = await startLlama({ args: ["--alias", "other"] });
  await serving(own);
});
afterAll(async () => {
  await closeBrowser();
  await Promise.all([own?.stop(), empty?.stop(), other?.stop()]);
});

const open = async (url: string, path: string): Promise<Visit> => {
  const at = await visit(url);
  await at.page.goto(`${url}${path}`);
  return at;
};
const fine = async ({ problems, close }: Visit) => {
  await close();
  expect(problems).toEqual([]);
};

test("a llama-server is added while parlor runs, answers, and is let go; what is no address is said", async () => {
  const at = await open(empty.url, "/admin");
  const { page } = at;
  await page.getByLabel("Address of a llama-server").fill(other.url);
  await page.getByRole("button", { name: "Use it, too" }).click();
  await page.getByText(other.url).first().waitFor();
  await page.getByRole("button", { name: "Remove: http://127.0.0.1:8080" }).click();
  await serving(empty);
  await page.waitForFunction(
    (url) =>
      [...document.querySelectorAll(".servers li")]
        .map((item) => item.textContent)
        .join()
        .includes(url),
    other.url,
  );
  expect(await page.locator(".servers li").count()).toBe(1);
  await page.goto(empty.url);
  await ask(page, "twenty");
  expect(await answered(page)).toBe(shown("twenty"));
  expect(await page.locator(".stats").textContent()).toContain("other");
  await page.goto(`${empty.url}/admin`);
  await page.getByRole("button", { name: `Remove: ${other.url}` }).click();
  await until(async () => (await fetch(`${empty.url}/readyz`)).status === 503, "none is left");
  await page.evaluate(() => document.querySelector("input[name=add]")?.setAttribute("type", "text"));
  await page.getByLabel("Address of a llama-server").fill("ftp://x");
  await page.getByRole("button", { name: "Use it, too" }).click();
  await page.getByText("is no address").waitFor();
  await fine(at);
});

test("what a llama-server of ours prints can be read", async () => {
  const at = await open(own.url, "/admin");
  const { page } = at;
  await page.getByText("llama-server prints").click();
  await page.waitForFunction(() => (document.querySelector(".log")?.textContent?.length ?? 0) > 200);
  expect(await page.locator(".log").textContent()).toContain("model loaded");
  await fine(at);
});

test("a key is made, shown once, used, and taken back", async () => {
  const at = await open(own.url, "/account");
  const { page } = at;
  await page.getByLabel("What is it for?").fill("my script");
  await page.getByLabel("embeddings").check();
  await page.getByRole("button", { name: "Make a key" }).click();
  const key = (await page.locator(".key").textContent()) as string;
  expect(key).toMatch(/^parlor_[\w-]{32}$/);
  const models = () => fetch(`${own.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect((await models()).status).toBe(200);
  await page.goto(`${own.url}/account`);
  expect(await page.locator(".key").count()).toBe(0);
  const entry = page.locator("#keys li");
  expect(await entry.textContent()).toMatch(/my script · answers, embeddings · used /);
  await page.getByRole("button", { name: "Revoke: my script" }).click();
  await page.waitForFunction(() => document.querySelectorAll("#keys li").length === 0);
  await fine(at);
});
