// What the operator and a program's owner do in the browser: llama-servers that come and go, what ours print, keys. If this fails, a house can't grow without
// a restart, or a key that is lost can't be taken back.

import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { startLlama, until } from "../llama/server.ts";
import { answered, ask, serving, shown, standing, startParlor, startReady, withPages } from "./stage.ts";

const own = standing(() => startReady());
const empty = standing(() => startParlor(["--poll-ms", "50", "--poll-ready-ms", "100"]));
const other = standing(() => startLlama({ args: ["--alias", "other"] }));
const visit = withPages();

const open = async (url: string, path: string): Promise<Page> => {
  const { page } = await visit(url);
  await page.goto(`${url}${path}`);
  return page;
};

test("a llama-server is added while parlor runs, answers, and is let go; what is no address is said", async () => {
  const page = await open(empty.it.url, "/admin");
  await page.getByLabel("Address of a llama-server").fill(other.it.url);
  await page.getByRole("button", { name: "Add server" }).click();
  await page.getByText(other.it.url).first().waitFor();
  await page.getByRole("button", { name: "Remove: http://127.0.0.1:8080" }).click();
  await serving(empty.it);
  await page.waitForFunction(
    (url) =>
      [...document.querySelectorAll(".servers li")]
        .map((item) => item.textContent)
        .join()
        .includes(url),
    other.it.url,
  );
  expect(await page.locator(".servers li").count()).toBe(1);
  await page.goto(empty.it.url);
  await ask(page, "twenty");
  expect(await answered(page)).toBe(shown("twenty"));
  expect(await page.locator(".stats").textContent()).toContain("other");
  await page.goto(`${empty.it.url}/admin`);
  await page.getByRole("button", { name: `Remove: ${other.it.url}` }).click();
  await until(async () => (await fetch(`${empty.it.url}/readyz`)).status === 503, "none is left");
  await page.evaluate(() => document.querySelector("input[name=add]")?.setAttribute("type", "text"));
  await page.getByLabel("Address of a llama-server").fill("ftp://x");
  await page.getByRole("button", { name: "Add server" }).click();
  await page.getByText("is not a valid address").waitFor();
});

test("what a llama-server of ours prints can be read", async () => {
  const page = await open(own.it.url, "/admin");
  await page.getByText("Output of").click();
  await page.waitForFunction(() => (document.querySelector(".log")?.textContent?.length ?? 0) > 200);
  expect(await page.locator(".log").textContent()).toContain("model loaded");
});

test("a key is made, shown once, used, and taken back", async () => {
  const page = await open(own.it.url, "/account");
  await page.getByLabel("What is it for?").fill("my script");
  await page.getByLabel("embeddings").check();
  await page.getByRole("button", { name: "Create key" }).click();
  const key = (await page.locator(".key").textContent()) as string;
  expect(key).toMatch(/^parlor_[\w-]{32}$/);
  const models = () => fetch(`${own.it.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect((await models()).status).toBe(200);
  await page.goto(`${own.it.url}/account`);
  expect(await page.locator(".key").count()).toBe(0);
  const entry = page.locator("#keys li");
  expect(await entry.textContent()).toMatch(/my script · answers, embeddings · last used /);
  await page.getByRole("button", { name: "Revoke: my script" }).click();
  await page.waitForFunction(() => document.querySelectorAll("#keys li").length === 0);
});
