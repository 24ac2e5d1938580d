// What it costs to open a conversation of 2 000 messages, in parlor's page and in llama-server's own UI: the same file, taken in
// by `parlor import` and put where the UI keeps its conversations (IndexedDB). The second visit: files are cached. Called by
// bench/browser.ts.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { executable, startParlor } from "./parlor.ts";
import { markdownAnswer } from "./source.ts";
import { newContext, openTab } from "./tab.ts";

export interface Opening {
  /** From the navigation to the last message on the screen. */
  readonly visibleMs: number;
  /** Until nothing more is done. */
  readonly mainMs: number;
  readonly nodes: number;
  readonly heapMb: number;
  /** Messages that the page has elements for. */
  readonly messages: number;
}

export const openingMessages = 2_000;
const conversation = "bench-conversation-000"; // parlor's ids have 22 characters
const lastWords = "and that was the last of all lamps";
const answerTokens = 200;

type Row = Record<string, unknown> & { id: string; children: string[] };

/** The conversation as llama-server's UI keeps it: a root, then each message the only child of the one before. */
function longConversation(): { conv: Record<string, unknown>; messages: Row[] } {
  const id = (i: number) => `bench-message-${String(i).padStart(8, "0")}`;
  const text = (i: number) =>
    i % 2 === 1
      ? `Question ${i}: what of lamp ${i}?`
      : `${markdownAnswer(answerTokens)}${i === openingMessages ? `\n\n${lastWords}` : ""}`;
  const messages = Array.from({ length: openingMessages + 1 }, (_, i) => ({
    id: id(i),
    convId: conversation,
    type: i === 0 ? "root" : "text",
    role: i === 0 ? "system" : i % 2 === 1 ? "user" : "assistant",
    content: i === 0 ? "" : text(i),
    timestamp: 1_790_000_000_000 + i * 1000,
    parent: i === 0 ? null : id(i - 1),
    children: i === openingMessages ? [] : [id(i + 1)],
  }));
  return {
    conv: {
      id: conversation,
      name: "On lamps",
      lastModified: 1_790_000_000_000,
      currNode: id(openingMessages),
    },
    messages,
  };
}

/** A folder in which parlor has this conversation. */
export async function folderWithLongConversation(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "parlor-bench-"));
  const { conv, messages } = longConversation();
  const lines = [{ type: "session", ...conv }, ...messages.map((message) => ({ type: "message", message }))];
  const file = join(folder, "long.jsonl");
  await Bun.write(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  const env = { ...process.env, PARLOR_DATA: folder };
  const { exitCode, stderr } = Bun.spawnSync([executable, "import", file], {
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`parlor import: ${stderr.toString()}`);
  return folder;
}

/** Puts it where the UI looks; the page must have been at the UI before, which makes the tables. */
async function putIntoUi(page: Page): Promise<void> {
  await page.evaluate(
    ({ conv, messages }) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("LlamaUi");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const change = opening.result.transaction(["conversations", "messages"], "readwrite");
          change.objectStore("conversations").put(conv);
          for (const message of messages) change.objectStore("messages").put(message);
          change.oncomplete = () => resolve();
          change.onerror = () => reject(change.error);
        };
      }),
    longConversation(),
  );
}

async function open(context: BrowserContext, url: string, message: string): Promise<Opening> {
  const tab = await openTab(context);
  await tab.page.addInitScript(
    ({ message, lastWords }) => {
      const look = () => {
        const last = [...document.querySelectorAll(message)].at(-1);
        const box = last?.textContent?.includes(lastWords) ? last.getBoundingClientRect() : null;
        if (box && box.height > 0 && box.top < innerHeight && box.bottom > 0)
          (window as unknown as { seenAt: number }).seenAt = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
    { message, lastWords },
  );
  const before = await tab.counts();
  await tab.page.goto(url);
  const seen = await tab.page.waitForFunction(
    () => (window as unknown as { seenAt?: number }).seenAt,
    undefined,
    { timeout: 60_000, polling: 100 },
  );
  await tab.quiet();
  const after = await tab.counts();
  const messages = await tab.page.locator(message).count();
  const held = await tab.held();
  const visibleMs = (await seen.jsonValue()) as number;
  await tab.page.close();
  return {
    visibleMs,
    mainMs: after.mainMs - before.mainMs,
    nodes: held.nodes,
    heapMb: held.heapMb,
    messages,
  };
}

export async function openInParlor(parlorUrl: string): Promise<Opening> {
  const context = await newContext();
  const first = await context.newPage();
  await first.goto(parlorUrl);
  await first.waitForSelector('[data-connection="on"]');
  await first.close();
  const opening = await open(context, `${parlorUrl}/c/${conversation}`, "article");
  await context.close();
  return opening;
}

export async function openInUi(uiUrl: string): Promise<Opening> {
  const context = await newContext();
  const first = await context.newPage();
  await first.goto(uiUrl);
  await first.waitForSelector("textarea");
  await putIntoUi(first);
  await first.close();
  const opening = await open(
    context,
    `${uiUrl}/#/chat/${conversation}`,
    '[aria-label$="message with actions"]',
  );
  await context.close();
  return opening;
}

/** A parlor that has the long conversation. */
export async function startWithLongConversation(llamaUrl: string): Promise<string> {
  const data = await folderWithLongConversation();
  return (await startParlor([llamaUrl], ["--data", data])).url;
}
