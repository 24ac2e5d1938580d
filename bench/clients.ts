// Who shows the answer of bench/browser.ts: parlor's page, llama-server's own UI, and three small pages that stand for other
// ways to do it. The small pages are served here; each has a `window.ask(text)`.

import type { Page } from "playwright-core";
import { markdownHtml } from "../views/markdown/html.ts";

export interface Client {
  readonly name: string;
  readonly url: string;
  /** Selector of what is there once it can be used. */
  readonly ready: string;
  /** Answers of more tokens are not worth their time here. */
  readonly tokensMax: number;
  /** Puts the question where it is typed, so that only sending it is left. */
  type(page: Page, question: string): Promise<void>;
  send(page: Page, question: string): Promise<void>;
  /** Selector of what is there once the answer is complete. */
  readonly done: string;
  /** Selector of the answer's text; of several the last. */
  readonly answer: string;
}

export const names = {
  bare: "bare `textContent +=`",
  tutorial: "the tutorial's page",
  whole: "whole message, Markdown",
  ui: "llama-server's UI, Markdown",
  parlor: "parlor, Markdown",
} as const;

/** As often as a client that swaps whole messages usually does. */
const swapEveryMs = 33;

/** Each token is added to the text. That is all. */
const barePage = (
  chat: string,
) => `<style>main { max-width: 41rem; margin: auto; font: 18px/1.6 serif; white-space: pre-wrap }</style>
<main id="out"></main>
<script>
const out = document.getElementById("out");
const ws = new WebSocket("${chat}");
ws.onmessage = ({ data }) => { if (data === "[DONE]") document.body.dataset.done = ""; else out.textContent += data; };
window.ask = (text) => ws.send(text);
</script>`;

/** The same, following the text, with a cursor that blinks behind it and a line that says what goes on. */
const tutorialPage = (chat: string) => `<style>
#chat { max-width: 41rem; height: 80vh; margin: auto; overflow-y: auto; font: 18px/1.6 serif; white-space: pre-wrap }
.cursor { animation: blink 1s step-end infinite }
@keyframes blink { 50% { opacity: 0 } }
</style>
<main id="chat"><span id="out"></span><span class="cursor">▌</span></main>
<p id="status">Ready</p>
<script>
const [chat, out, status] = ["chat", "out", "status"].map((id) => document.getElementById(id));
const ws = new WebSocket("${chat}");
ws.onmessage = ({ data }) => {
  if (data === "[DONE]") { document.body.dataset.done = ""; status.textContent = "Ready"; return; }
  out.textContent += data;
  chat.scrollTop = chat.scrollHeight;
};
window.ask = (text) => { status.textContent = "Generating…"; ws.send(text); };
</script>`;

/** Gets the whole message, rendered anew. */
const wholePage = (
  swap: string,
) => `<style>main { max-width: 41rem; margin: auto; font: 18px/1.6 serif }</style>
<main id="out"></main>
<script>
const out = document.getElementById("out");
const ws = new WebSocket("${swap}");
ws.onmessage = ({ data }) => { if (data === "[DONE]") document.body.dataset.done = ""; else out.innerHTML = data; };
window.ask = (text) => ws.send(text);
</script>`;

/** Serves the small pages. `parlorUrl()` has the tokens one by one, at /chat. */
export function serveSmallPages(gateUrl: string, parlorUrl: () => string): { url: string; stop(): void } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, server) {
      const { pathname, host } = new URL(request.url);
      if (pathname === "/swap")
        return server.upgrade(request) ? undefined : new Response("no socket", { status: 400 });
      const chat = `${parlorUrl().replace("http", "ws")}/chat`;
      const page = {
        "/bare": barePage(chat),
        "/tutorial": tutorialPage(chat),
        "/whole": wholePage(`ws://${host}/swap`),
      }[pathname];
      return new Response(`<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${page}`, {
        headers: { "content-type": "text/html" },
      });
    },
    websocket: {
      idleTimeout: 0,
      async message(ws, question) {
        const body = JSON.stringify({ messages: [{ role: "user", content: question }] });
        const response = await fetch(`${gateUrl}/v1/chat/completions`, { method: "POST", body });
        let text = "";
        let rest = "";
        let sentAt = 0;
        const decoder = new TextDecoder();
        for await (const chunk of response.body as ReadableStream<Uint8Array>) {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
          rest = lines.pop() as string;
          for (const line of lines)
            if (line.startsWith("data: {")) text += JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "";
          if (text === "" || performance.now() - sentAt < swapEveryMs) continue;
          sentAt = performance.now();
          ws.send(markdownHtml(text));
        }
        ws.send(markdownHtml(text));
        ws.send("[DONE]");
      },
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}

/** All that can be had; `uiUrl` is null where the UI could not be built. */
export function allClients(smallUrl: string, uiUrl: string | null, parlorUrl: string): Client[] {
  const small = (
    name: string,
    url: string,
    answer: string,
    tokensMax = Number.POSITIVE_INFINITY,
  ): Client => ({
    name,
    url,
    ready: "body",
    tokensMax,
    type: async () => {},
    send: (page, question) =>
      page.evaluate((text) => (window as unknown as { ask(text: string): void }).ask(text), question),
    done: "body[data-done]",
    answer,
  });
  const typed = (field: string) => ({
    tokensMax: Number.POSITIVE_INFINITY,
    type: async (page: Page, question: string) => {
      await page.fill(field, question);
      await page.focus(field);
    },
    send: (page: Page) => page.keyboard.press("Enter"),
  });
  const ui: Client = {
    name: names.ui,
    url: uiUrl ?? "",
    ready: "textarea",
    ...typed("textarea"),
    done: 'body:has([aria-label="Assistant message with actions"]):not(:has(button .lucide-square))',
    answer: '[aria-label="Assistant message with actions"]',
  };
  return [
    small(names.bare, `${smallUrl}/bare`, "#out"),
    small(names.tutorial, `${smallUrl}/tutorial`, "#out"),
    small(names.whole, `${smallUrl}/whole`, "#out", 2_000),
    ...(uiUrl === null ? [] : [ui]),
    {
      name: names.parlor,
      url: parlorUrl,
      ready: '[data-connection="on"]',
      ...typed("#text"),
      done: 'article[data-role="assistant"][data-status="done"]',
      answer: 'article[data-role="assistant"] > .text',
    },
  ];
}
