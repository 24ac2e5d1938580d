// What an answer costs the browser that shows it: parlor's page, Markdown and all, beside two others in the same Chromium and the
// same run: the tutorial's client, which adds each token to a text, and one that gets the whole message rendered anew at each flush.
// Writes a table into bench/README.md. Run: make bench (QUICK=1 for a short look).

import { join } from "node:path";
import type { Page } from "playwright-core";
import { closeBrowser, theBrowser } from "../test/e2e/stage.ts";
import { until } from "../test/llama/server.ts";
import { markdownHtml } from "../views/markdown/html.ts";
import { cpuOf, root, start } from "./process.ts";
import { median, writeTable } from "./report.ts";
import { markdownAnswer } from "./source.ts";

const quick = process.env["QUICK"] === "1";
const rounds = Number(process.env["ROUNDS"] ?? (quick ? 1 : 3));
const lengths = process.env["LENGTHS"] ? process.env["LENGTHS"].split(",").map(Number) : quick ? [200] : [200, 2_000, 10_000];
const perSecond = 500;
/** As often as a client that swaps whole messages usually does. */
const swapEveryMs = 33;

const source = await start([process.execPath, join(root, "bench/source.ts")]);
const sourceUrl = `http://127.0.0.1:${source.line}`;

/** The other two clients, and the whole-message relay. */
const others = Bun.serve<{ question: string }>({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/swap") return server.upgrade(request, { data: { question: "" } }) ? undefined : new Response("no socket", { status: 400 });
    const onmessage =
      pathname === "/tutorial"
        ? "if (data === '[DONE]') document.body.dataset.done = ''; else out.textContent += data;"
        : "if (data === '[DONE]') document.body.dataset.done = ''; else out.innerHTML = data;";
    const socket = pathname === "/tutorial" ? `${(searchParams.get("parlor") ?? "").replace("http", "ws")}/chat` : `ws://${request.headers.get("host")}/swap`;
    return new Response(
      `<!doctype html><meta charset=utf-8><style>main{max-width:41rem;margin:auto;font:18px/1.6 serif;white-space:${pathname === "/tutorial" ? "pre-wrap" : "normal"}}</style><main id=out></main>
<script>const out = document.getElementById("out"); const ws = new WebSocket("${socket}"); ws.onmessage = ({ data }) => { ${onmessage} }; window.ask = (text) => ws.send(text);</script>`,
      { headers: { "content-type": "text/html" } },
    );
  },
  websocket: {
    idleTimeout: 0,
    async message(ws, question) {
      const body = JSON.stringify({ messages: [{ role: "user", content: question }] });
      const response = await fetch(`${sourceUrl}/v1/chat/completions`, { method: "POST", body });
      let text = "";
      let rest = "";
      let sentAt = 0;
      const decoder = new TextDecoder();
      for await (const chunk of response.body as ReadableStream<Uint8Array>) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() as string;
        for (const line of lines) if (line.startsWith("data: {")) text += JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
        if (text === "" || performance.now() - sentAt < swapEveryMs) continue;
        sentAt = performance.now();
        ws.send(markdownHtml(text));
      }
      ws.send(markdownHtml(text));
      ws.send("[DONE]");
    },
  },
});
const othersUrl = `http://127.0.0.1:${others.port}`;
const parlor = await start([join(root, "dist/parlor"), "--port", "0", "--llama", sourceUrl, "--log-level", "error", "--allow-origin", othersUrl]);
const parlorUrl = parlor.line.split(" ").at(-1) as string;
await until(async () => (await fetch(`${parlorUrl}/readyz`)).status === 200, "parlor is ready");

interface Client {
  readonly url: string;
  ask(page: Page, question: string): Promise<void>;
  readonly done: string;
}

const bare = (path: string): Client => ({
  url: othersUrl + path,
  ask: (page, question) => page.evaluate((text) => (window as unknown as { ask(text: string): void }).ask(text), question),
  done: "body[data-done]",
});
const clients: Record<string, Client> = {
  "tutorial, plain text": bare(`/tutorial?parlor=${encodeURIComponent(parlorUrl)}`),
  "whole message, Markdown": bare("/whole"),
  "parlor, Markdown": {
    url: parlorUrl,
    async ask(page, question) {
      await page.waitForSelector('[data-connection="on"]');
      await page.fill("#text", question);
      await page.keyboard.press("Enter");
    },
    done: 'article[data-role="assistant"][data-status="done"]',
  },
};

interface Cost {
  mainMs: number;
  layoutMs: number;
  heapMb: number;
  wire: number;
  serverUs: number;
}

/** One answer in one client, in a browser context of its own. */
async function cost({ url, ask, done }: Client, tokens: number): Promise<Cost> {
  const context = await (await theBrowser()).newContext({ viewport: { width: 1100, height: 800 } });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  await devtools.send("Network.enable");
  let wire = 0;
  devtools.on("Network.webSocketFrameReceived", ({ response }) => {
    wire += Buffer.byteLength(response.payloadData);
  });
  await page.goto(url);
  await page.waitForLoadState("networkidle");
  const metrics = async () => Object.fromEntries((await devtools.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  const [before, cpuBefore, wireBefore] = [await metrics(), cpuOf(parlor.process.pid), wire];
  await ask(page, JSON.stringify({ tokens, perSecond, markdown: true }));
  await page.waitForSelector(done, { state: "attached", timeout: 120_000 });
  const [after, cpuAfter] = [await metrics(), cpuOf(parlor.process.pid)];
  const spent = (name: string) => ((after[name] ?? 0) - (before[name] ?? 0)) * 1000;
  await context.close();
  return {
    mainMs: spent("TaskDuration"),
    layoutMs: spent("LayoutDuration") + spent("RecalcStyleDuration"),
    heapMb: (after["JSHeapUsedSize"] ?? 0) / 1e6,
    wire: wire - wireBefore,
    serverUs: (cpuAfter - cpuBefore) / tokens,
  };
}

const found = new Map<string, Cost[]>();
for (let round = 0; round < rounds; round++)
  for (const tokens of lengths)
    for (const [name, client] of Object.entries(clients)) {
      const key = `${tokens} ${name}`;
      found.set(key, [...(found.get(key) ?? []), await cost(client, tokens)]);
    }

const of = (tokens: number, name: string, part: keyof Cost) => median((found.get(`${tokens} ${name}`) ?? []).map((each) => each[part]));
const rows = lengths.flatMap((tokens) =>
  Object.keys(clients).map((name) => {
    const main = of(tokens, name, "mainMs");
    const ratio = main / of(tokens, "tutorial, plain text", "mainMs");
    const wire = of(tokens, name, "wire");
    const server = name === "whole message, Markdown" ? "" : of(tokens, name, "serverUs").toFixed(0);
    return `| ${tokens.toLocaleString("en")} | ${name} | ${main.toFixed(0)} | ${ratio.toFixed(2)} | ${of(tokens, name, "layoutMs").toFixed(0)} | ${of(tokens, name, "heapMb").toFixed(1)} | ${(wire / 1000).toFixed(0)} | ${(wire / Buffer.byteLength(markdownAnswer(tokens))).toFixed(1)} | ${server} |`;
  }),
);
const head = "| tokens | client | main thread ms | × the tutorial's | style and layout ms | JS heap MB | wire kB | × the text | server µs per token |";
await writeTable("browser", [head, "|---|---|---|---|---|---|---|---|---|", ...rows].join("\n"), quick);
await closeBrowser();
others.stop(true);
process.exit(0);
