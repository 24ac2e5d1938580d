// How soon there is something to look at: from the process's start to the first page, and from the navigation to a live page in
// Chromium, with what is transferred for it; llama-server's own UI beside it. Writes a table into bench/README.md and
// bench/results/start.json. Run: bun bench/start.ts (QUICK=1 for a short look).

import { statSync } from "node:fs";
import { join } from "node:path";
import { closeBrowser } from "../test/e2e/stage.ts";
import { names } from "./clients.ts";
import { openGate } from "./gate.ts";
import { llamaUi } from "./llama-ui.ts";
import { measureStarts, startNames } from "./own-start.ts";
import { executable, startParlor } from "./parlor.ts";
import { root, start } from "./process.ts";
import { type Goal, goalLines, median, quantile, quick, writeResults, writeTable } from "./report.ts";
import { newContext, openTab } from "./tab.ts";

const starts = quick ? 3 : 25;
const loads = quick ? 3 : 15;

interface Load {
  /** From the navigation to a page that can be used: its socket is live, or where it has none, its field is there. */
  readonly liveMs: number;
  /** All that was transferred, as it was compressed. */
  readonly bytes: number;
  readonly requests: number;
  readonly mainMs: number;
}

/** A page's first load in a context that has never seen it. */
async function load(url: string, live: string): Promise<Load> {
  const context = await newContext();
  const tab = await openTab(context);
  let requests = 0;
  tab.page.on("request", () => requests++);
  await tab.page.addInitScript((live) => {
    const look = () => {
      if (!document.querySelector(live)) return;
      watch.disconnect();
      (window as unknown as { liveAt: number }).liveAt = performance.now();
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true, attributeFilter: ["data-connection"] });
  }, live);
  await tab.page.goto(url);
  const liveAt = await tab.page.waitForFunction(() => (window as unknown as { liveAt?: number }).liveAt);
  const liveMs = (await liveAt.jsonValue()) as number;
  await tab.quiet();
  const { mainMs } = await tab.counts();
  const bytes = tab.wire();
  await context.close();
  return { liveMs, bytes, requests, mainMs };
}

const source = await start([process.execPath, join(root, "bench/source.ts")]);
const ui = llamaUi();
if ("reason" in ui) process.stdout.write(`llama-server's own UI is left out: ${ui.reason}\n`);
const gate = openGate(`http://127.0.0.1:${source.line}`, "folder" in ui ? ui.folder : null);
const started = await measureStarts(gate.url, starts);

const parlor = await startParlor([gate.url]);
/** What Chromium takes for any page that has a socket: one of a line of script, which lives when its first message has come. */
const bareName = "a line of script with a socket";
const bare = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (new URL(request.url).pathname === "/live")
      return server.upgrade(request) ? undefined : new Response("no socket", { status: 400 });
    const script =
      "new WebSocket(location.href.replace('http', 'ws') + 'live').onmessage = () => { document.body.dataset.connection = 'on'; }";
    const page = `<!doctype html><link rel="icon" href="data:,"><body><script>${script}</script>`;
    return new Response(page, { headers: { "content-type": "text/html" } });
  },
  websocket: { open: (ws) => void ws.send("hello"), message() {} },
});
const pages: Record<string, () => Promise<Load>> = {
  [bareName]: () => load(`http://127.0.0.1:${bare.port}/`, '[data-connection="on"]'),
  [names.parlor]: () => load(parlor.url, '[data-connection="on"]'),
  ...("folder" in ui && { [names.ui]: () => load(gate.url, "textarea") }),
};
const loaded: Record<string, Load[]> = {};
for (const page of Object.values(pages)) await page(); // Chromium itself is warm
for (let i = 0; i < loads; i++)
  for (const [name, page] of Object.entries(pages)) loaded[name] = [...(loaded[name] ?? []), await page()];

const executableMb = statSync(executable).size / 1e6;
const pageMs = (name: string): number[] => (started[name] ?? []).map((each) => each.pageMs);
const of = (name: string, part: keyof Load): number => median((loaded[name] ?? []).map((each) => each[part]));

const startRows = Object.entries(started).map(([name, all]) => {
  const lines = all.map((each) => each.lineMs);
  return `| ${name} | ${median(lines).toFixed(1)} | ${median(pageMs(name)).toFixed(1)} | ${quantile(pageMs(name), 0.99).toFixed(1)} |`;
});
const loadRows = Object.entries(loaded).map(([name, all]) => {
  const slowest = quantile(
    all.map((each) => each.liveMs),
    0.99,
  );
  const cells = [
    of(name, "liveMs").toFixed(0),
    slowest.toFixed(0),
    (of(name, "bytes") / 1000).toFixed(1),
    of(name, "requests").toFixed(0),
  ];
  return `| ${[name, ...cells, of(name, "mainMs").toFixed(0)].join(" | ")} |`;
});
const overBun = (name: string): number => median(pageMs(name)) - median(pageMs(startNames.bare));
const goals: Goal[] = [
  { goal: "navigation to live page, median", found: of(names.parlor, "liveMs"), atMost: 100, unit: " ms" },
  { goal: "first page transferred", found: of(names.parlor, "bytes") / 1000, atMost: 60, unit: " kB" },
  {
    goal: "process start to first page beyond Bun's own, new folder",
    found: overBun(startNames.fresh),
    atMost: 15,
    unit: " ms",
  },
  {
    goal: "process start to first page beyond Bun's own, used folder",
    found: overBun(startNames.used),
    atMost: 15,
    unit: " ms",
  },
];
const table = [
  `**From the process's start** (the executable has ${executableMb.toFixed(1)} MB)`,
  [
    "| program | says that it listens after ms | first page after ms, p50 | p99 |",
    "|---|---:|---:|---:|",
    ...startRows,
  ].join("\n"),
  "**From the navigation**, a context that has never been there",
  [
    "| page | live after ms, p50 | p99 | kB transferred | requests | main thread ms |",
    "|---|---:|---:|---:|---:|---:|",
    ...loadRows,
  ].join("\n"),
  goalLines(goals),
];
await writeTable("start", table.join("\n\n"));
await writeResults("start", { executableMb, goals, started, loaded });
await closeBrowser();
gate.stop();
bare.stop(true);
process.exit(0);
