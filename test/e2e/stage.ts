// What every end-to-end test stands on: the compiled executable in an empty folder and Debian's Chromium, each started again where it is gone.
// Problems that a page has (console, policy, exceptions) fail the test that made them.

import { afterAll, afterEach, beforeEach, expect } from "bun:test";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { rendered } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { demoModel, llamaProgram, patienceMs, until } from "../llama/server.ts";

export const executable = join(import.meta.dir, "../../dist/parlor");

export interface Parlor {
  readonly url: string;
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Everything it wrote to standard error. */
  readonly log: () => string;
  /** Everything it wrote to standard output. */
  readonly out: () => string;
  stop(): Promise<void>;
}

/** Environment without anything that parlor or Bun would read. */
export const bareEnvironment = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };

/** Runs the executable in an empty folder and waits for its first line. */
export async function startParlor(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Parlor> {
  const cwd = options.cwd ?? mkdtempSync(join(tmpdir(), "parlor-e2e-"));
  const child = Bun.spawn([executable, ...(args.includes("--port") ? args : ["--port", "0", ...args])], {
    cwd,
    env: { ...bareEnvironment, PARLOR_DATA: join(cwd, "data"), ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  process.on("exit", () => child.kill("SIGKILL"));
  let log = "";
  let line = "";
  void collect(child.stderr, (text) => {
    log += text;
  });
  void collect(child.stdout, (text) => {
    line += text;
  });
  await until(() => line.includes("\n") || child.exitCode !== null, "parlor serves");
  const url = /^parlor \S+ listening on ((?:https?:\/\/|unix:)\S+)\n/.exec(line)?.[1];
  if (!url) throw new Error(`parlor did not start: ${line}${log}`);
  return {
    url,
    process: child,
    log: () => log,
    out: () => line,
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
}

/** The flags that make parlor start the real llama-server with the demo model on two slots. */
export async function withModel(...llamaArgs: string[]): Promise<string[]> {
  const args = ["-c", "65536", "-np", "2", "--threads", "1", ...llamaArgs].map((arg) => `--llama-arg=${arg}`);
  return [
    "--model",
    await demoModel(),
    "--llama-server",
    llamaProgram(),
    "--poll-ms",
    "50",
    "--poll-ready-ms",
    "200",
    ...args,
  ];
}

const axe = Bun.resolveSync("axe-core/axe.min.js", import.meta.dir);

let browser: Browser | null = null;

/** Debian's Chromium, started once, and again when it is gone. Nothing of it talks to the outside. */
export async function theBrowser(): Promise<Browser> {
  if (browser?.isConnected()) return browser;
  const candidates = [
    process.env["CHROMIUM"],
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  const executablePath = candidates.find((path) => path && existsSync(path));
  if (!executablePath)
    throw new Error(
      "the end-to-end tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM=/path/to/it",
    );
  const quiet = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const args = [...quiet, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
  browser = await chromium.launch({ executablePath, args, timeout: patienceMs });
  return browser;
}

/** A context of its own in the browser, whose waits are as patient as ours. */
export async function newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await (await theBrowser()).newContext({
    viewport: { width: 1100, height: 800 },
    locale: "en-GB",
    ...options,
  });
  context.setDefaultTimeout(patienceMs);
  return context;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = null;
}

interface Started {
  readonly process: { readonly exitCode: number | null; readonly signalCode: string | number | null };
  stop(): Promise<void>;
}

/**
 * What the tests of one file stand on: made before the first of them, and again before the one that finds it gone. So what is late or breaks takes one
 * test with it and not those that follow. It ends with the file.
 */
export function standing<T extends Started>(
  make: () => Promise<T>,
): { readonly it: T; again(): Promise<void> } {
  let made: T | null = null;
  const isThere = () => made !== null && made.process.exitCode === null && made.process.signalCode === null;
  const again = async () => {
    if (!isThere()) made = await make();
  };
  beforeEach(again);
  afterAll(() => made?.stop());
  return {
    get it() {
      return made as T;
    },
    again,
  };
}

export interface Visit {
  readonly page: Page;
  /** What went wrong in it: console errors, exceptions, policy violations. */
  readonly problems: string[];
  close(): Promise<void>;
}

/** Opens a page in a context of its own (with `arrive`, in a way of its own) and waits until it is connected. */
export async function visit(
  url: string,
  options: BrowserContextOptions = {},
  arrive?: (page: Page) => Promise<void>,
): Promise<Visit> {
  const context = await newContext(options);
  const page = await context.newPage();
  const problems: string[] = [];
  // a form that is refused comes back as a page that says why: to the browser that is a failure
  const isRefusal = (text: string) => /status of 4(09|13|22|29)/.test(text);
  page.on(
    "console",
    (message) => message.type() === "error" && !isRefusal(message.text()) && problems.push(message.text()),
  );
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.exposeFunction("reportViolation", (text: string) => problems.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      (window as unknown as { reportViolation(text: string): void }).reportViolation(
        `${event.violatedDirective} ${event.blockedURI}`,
      );
    });
  });
  if (arrive) await arrive(page);
  else await page.goto(url);
  await connected(page);
  return { page, problems, close: () => context.close() };
}

/** What axe-core finds wrong on a page as it is. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await Bun.file(axe).text());
  const result = await page.evaluate(() =>
    (
      window as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      }
    ).axe.run(),
  );
  return result.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
  );
}

export const connected = (page: Page): Promise<unknown> =>
  page.waitForSelector('[role="status"][data-connection="on"]');

/** Types a question as a person would, and sends it with Enter. */
export async function ask(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: /Message|Nachricht/ }).fill(text);
  await page.keyboard.press("Enter");
}

/** A recital as a reader sees it. */
export const shown = (name: string): string => rendered(textOf(name));

/** The last answer as it can be read, once it has this status. */
export async function answered(page: Page, status = "done", nth?: number): Promise<string> {
  const answers = page.locator(`article[data-role="assistant"]`);
  const answer = nth === undefined ? answers.last() : answers.nth(nth);
  await page.waitForFunction(
    ([wished, at]) => {
      const all = document.querySelectorAll('article[data-role="assistant"]');
      const found = at === null ? all[all.length - 1] : all[at as number];
      return found?.getAttribute("data-status") === wished;
    },
    [status, nth ?? null] as const,
  );
  return ((await answer.locator("> .text").textContent()) ?? "").replace(/\s+/g, " ").trim();
}

/** Waits until the running answer has more than `length` characters. */
export const grownBeyond = (page: Page, length: number): Promise<unknown> =>
  page.waitForFunction(
    (wished) =>
      ([...document.querySelectorAll('article[data-role="assistant"] > .text')].at(-1)?.textContent?.length ??
        0) > wished,
    length,
  );

/** Parlor with the demo model, once it can answer. */
export async function startReady(...args: string[]): Promise<Parlor> {
  const parlor = await startParlor([...(await withModel()), ...args]);
  await serving(parlor);
  return parlor;
}

/** Pages of one file's tests: closed after their test, and whatever problem one of them had fails it. */
export function withPages(): typeof visit {
  const visits: Visit[] = [];
  afterEach(async () => {
    const problems = visits.flatMap((each) => each.problems);
    for (const each of visits.splice(0)) await each.close();
    expect(problems).toEqual([]);
  });
  afterAll(closeBrowser);
  return async (...args) => {
    const made = await visit(...args);
    visits.push(made);
    return made;
  };
}

/**
 * Parlor with the demo model for the tests of one file, and pages that end with their test. A house in which a test has left something running or waiting
 * is replaced, since the next one would wait behind it.
 */
export function withHouse(...args: string[]): {
  readonly url: string;
  readonly parlor: Parlor;
  open: typeof visit;
} {
  const open = withPages();
  const house = standing(() => startReady(...args));
  afterEach(async () => {
    if (house.it && !(await comesToRest(house.it))) await house.it.stop();
  });
  return {
    get url() {
      return house.it.url;
    },
    get parlor() {
      return house.it;
    },
    open,
  };
}

/** Whether nothing runs and nobody waits, or soon will: what ended just now is still being taken leave of. */
const comesToRest = ({ url }: Pick<Parlor, "url">): Promise<boolean> =>
  until(
    async () => {
      const { running = 0, waiting = 0 } = (await (await fetch(`${url}/readyz`)).json()) as {
        running?: number;
        waiting?: number;
      };
      return running + waiting === 0;
    },
    "nothing runs and nobody waits",
    3_000,
  ).then(
    () => true,
    () => false,
  );

/** Waits until the model is loaded. */
export async function serving({ url }: Pick<Parlor, "url">): Promise<void> {
  const tls = { rejectUnauthorized: false }; // a certificate of the test's own
  await until(async () => (await fetch(`${url}/readyz`, { tls })).status === 200, "the model is loaded");
}
