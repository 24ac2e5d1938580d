// The examples of docs/clients in Chromium, each as its readers take it: bundled, served from an origin of its own, answered by the real llama-server.
// If this fails, whoever copies an example has a page that does not answer, does not stop, or hides what went wrong.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { textOf } from "../llama/recitals.ts";
import { freePort, startLlama, until } from "../llama/server.ts";
import { closeBrowser, newContext, serving, standing, startParlor } from "./stage.ts";

const folder = join(import.meta.dir, "../../docs/clients");
const examples = ["plain.html", "react.tsx", "vue.js", "angular.ts"];

let site: Bun.Server<undefined>;
const pages: Page[] = [];
const problems: string[] = [];

beforeAll(async () => {
  const served = new Map<string, () => Response>();
  for (const name of examples) {
    const file = join(folder, name);
    if (name.endsWith(".html")) served.set(`/${name}`, () => new Response(Bun.file(file)));
    else {
      const script = await bundled(file);
      const host = `<!doctype html><meta charset="utf-8"><parlor-chat></parlor-chat><script type="module" src="/${name}.js"></script>`;
      served.set(`/${name}`, () => new Response(host, { headers: { "content-type": "text/html" } }));
      served.set(
        `/${name}.js`,
        () => new Response(script, { headers: { "content-type": "text/javascript" } }),
      );
    }
  }
  site = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => served.get(new URL(url).pathname)?.() ?? new Response(null, { status: 204 }), // also the icon that browsers ask for
  });
});
const [llamaPort, parlorPort] = [freePort(), freePort()];
const llama = standing(() => startLlama({ port: llamaPort }));
const parlor = standing(async () => {
  const to = [
    "--port",
    String(parlorPort),
    "--llama",
    llama.it.url,
    "--poll-ms",
    "50",
    "--allow-origin",
    site.url.origin,
  ];
  const started = await startParlor(to);
  await serving(started);
  return started;
});
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close();
  expect(problems.splice(0)).toEqual([]);
});
afterAll(async () => {
  await closeBrowser();
  await site.stop(true);
});

async function bundled(entry: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "true",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
  });
  return (built.outputs[0] as Bun.BuildArtifact).text();
}

async function open(name: string): Promise<Page> {
  const page = await (await newContext()).newPage();
  pages.push(page);
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${site.url.origin}/${name}?at=${parlor.it.url.replace("http", "ws")}/chat`);
  await canSend(page);
  return page;
}

const send = (page: Page) => page.getByRole("button", { name: "Send" });
const stop = (page: Page) => page.getByRole("button", { name: "Stop" });
const answer = (page: Page) => page.locator("article");
const canSend = (page: Page) => page.waitForSelector("button:has-text('Send'):enabled");

async function ask(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Question" }).fill(text);
  await send(page).click();
}

const grownBeyond = (page: Page, length: number) =>
  page.waitForFunction(
    (wished) => (document.querySelector("article")?.textContent?.length ?? 0) > wished,
    length,
  );

test("every example is tried here, is named in the README, and is short", () => {
  const files = readdirSync(folder);
  expect(files.filter((name) => name !== "README.md").sort()).toEqual([...examples].sort());
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  for (const name of examples) {
    expect(readme).toContain(`(${name})`);
    expect({ name, lines: readFileSync(join(folder, name), "utf8").split("\n").length - 1 }).toSatisfy(
      ({ lines }) => lines <= 40,
    );
  }
});

describe.each(examples)("%s", (name) => {
  test("the answer comes whole, and the next one in its place", async () => {
    const page = await open(name);
    await ask(page, "twenty");
    await page.waitForFunction(
      (text) => document.querySelector("article")?.textContent === text,
      textOf("twenty"),
    );
    await canSend(page);
    await ask(page, "Deutsch");
    await page.waitForFunction(
      (text) => document.querySelector("article")?.textContent === text,
      textOf("german"),
    );
    await canSend(page);
    expect(await stop(page).isEnabled()).toBe(false);
  });

  test("an answer grows, and Stop ends it: on the page and in llama-server", async () => {
    const page = await open(name);
    await ask(page, "endless");
    await grownBeyond(page, 200);
    await grownBeyond(page, ((await answer(page).textContent()) ?? "").length + 200);
    expect(await send(page).isEnabled()).toBe(false);
    expect(await llama.it.busySlots()).toBe(1);
    await stop(page).click();
    await canSend(page);
    const stopped = await answer(page).textContent();
    await until(async () => (await llama.it.busySlots()) === 0, "its slot is idle");
    expect(await answer(page).textContent()).toBe(stopped);
    await ask(page, "twenty");
    await page.waitForFunction(
      (text) => document.querySelector("article")?.textContent === text,
      textOf("twenty"),
    );
  });

  test("what went wrong is said, and asking goes on", async () => {
    const page = await open(name);
    await ask(page, "");
    await page.getByRole("alert").getByText("There is nothing to send yet.").waitFor();
    await canSend(page);
    await ask(page, "twenty");
    await page.waitForFunction(
      (text) => document.querySelector("article")?.textContent === text,
      textOf("twenty"),
    );
    expect(await page.getByRole("alert").textContent()).toBe("");
  });
});

test("a connection that is lost is said", async () => {
  for (const name of examples) await open(name);
  await parlor.it.stop();
  for (const page of pages) {
    await page.getByRole("alert").getByText("There is no connection to parlor.").waitFor();
    expect([await send(page).isEnabled(), await stop(page).isEnabled()]).toEqual([false, false]);
  }
});
