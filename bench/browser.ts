// What an answer costs the browser that shows it, and what a long conversation costs to open: parlor's page beside llama-server's
// own UI and small pages that do it in other ways, in the same Chromium and the same run. Writes a table into bench/README.md and
// bench/results/browser.json. Run: make bench (QUICK=1 for a short look; ROUNDS=1, LENGTHS=200,2000).

import { join } from "node:path";
import { closeBrowser } from "../test/e2e/stage.ts";
import { allClients, type Client, names, serveSmallPages } from "./clients.ts";
import { openGate } from "./gate.ts";
import { llamaUi } from "./llama-ui.ts";
import {
  type Opening,
  openInParlor,
  openInUi,
  openingMessages,
  startWithLongConversation,
} from "./opening.ts";
import { startParlor } from "./parlor.ts";
import { cpuOf, root, start } from "./process.ts";
import { type Goal, goalLines, median, quick, rounds, writeResults, writeTable } from "./report.ts";
import { markdownAnswer } from "./source.ts";
import { newContext, openTab } from "./tab.ts";

const lengths = process.env["LENGTHS"]
  ? process.env["LENGTHS"].split(",").map(Number)
  : quick
    ? [200]
    : [200, 2_000, 10_000];
const perSecond = 500;

interface Cost {
  readonly mainMs: number;
  readonly scriptMs: number;
  readonly layoutMs: number;
  readonly heapMb: number;
  readonly wire: number;
  /** From the source's last token to the whole text on the screen. */
  readonly behindMs: number;
  /** parlor's processor; nothing where parlor has no part in it. */
  readonly serverUs: number | null;
}

const source = await start([process.execPath, join(root, "bench/source.ts")]);
const ui = llamaUi();
if ("reason" in ui) process.stdout.write(`llama-server's own UI is left out: ${ui.reason}\n`);
const gate = openGate(`http://127.0.0.1:${source.line}`, "folder" in ui ? ui.folder : null);
let parlorUrl = "";
const small = serveSmallPages(gate.url, () => parlorUrl);
const parlor = await startParlor([gate.url], ["--allow-origin", small.url]);
parlorUrl = parlor.url;
const clients = allClients(small.url, "folder" in ui ? gate.url : null, parlorUrl);

/** Letters and digits at the end of the answer by which its end is known on the page, and how often they stand in it. */
const tailChars = 10;
const lettersOf = (text: string): string => text.replace(/[^a-zA-Z0-9]/g, "");

/** The moment at which the whole answer is on the screen, in ms since 1970. Called when the source has ended. */
async function completeAt(
  page: import("playwright-core").Page,
  { done, answer }: Client,
  tokens: number,
): Promise<number> {
  const letters = lettersOf(markdownAnswer(tokens));
  const tail = letters.slice(-tailChars);
  const wished = { done, answer, tail, times: letters.split(tail).length };
  return page.evaluate(
    ({ done, answer, tail, times }) =>
      new Promise<number>((resolve) => {
        const isComplete = () => {
          const text = document.querySelector(done)
            ? ([...document.querySelectorAll(answer)].at(-1)?.textContent ?? "")
            : "";
          return text.replace(/[^a-zA-Z0-9]/g, "").split(tail).length >= times;
        };
        const painted = () =>
          requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
        const look = () => (isComplete() ? painted() : setTimeout(look, 10));
        look();
      }),
    wished,
  );
}

/** One answer in one client, in a browser context of its own. */
async function cost(client: Client, tokens: number): Promise<Cost> {
  const context = await newContext();
  const { page, counts, held, wire, quiet } = await openTab(context);
  await page.goto(client.url);
  await page.waitForSelector(client.ready, { state: "attached" });
  const question = JSON.stringify({ tokens, perSecond, markdown: true });
  await client.type(page, question);
  await quiet();
  const ended = gate.nextEnd();
  const [before, cpuBefore, wireBefore] = [await counts(), cpuOf(parlor.pid), wire()];
  await client.send(page, question);
  const endedAt = await ended;
  const completed = await completeAt(page, client, tokens);
  const [after, cpuAfter] = [await counts(), cpuOf(parlor.pid)];
  const bytes = wire() - wireBefore;
  const { heapMb } = await held();
  await context.close();
  return {
    mainMs: after.mainMs - before.mainMs,
    scriptMs: after.scriptMs - before.scriptMs,
    layoutMs: after.layoutMs - before.layoutMs,
    heapMb,
    wire: bytes,
    behindMs: completed - endedAt,
    serverUs:
      client.name === names.whole || client.name === names.ui ? null : (cpuAfter - cpuBefore) / tokens,
  };
}

const answers: { round: number; tokens: number; client: string; cost: Cost }[] = [];
const openings: { round: number; client: string; opening: Opening }[] = [];
const longUrl = await startWithLongConversation(gate.url);
for (let round = 0; round < rounds; round++) {
  for (const tokens of lengths)
    for (const client of clients.filter(({ tokensMax }) => tokens <= tokensMax))
      answers.push({ round, tokens, client: client.name, cost: await cost(client, tokens) });
  openings.push({ round, client: names.parlor, opening: await openInParlor(longUrl) });
  if ("folder" in ui) openings.push({ round, client: names.ui, opening: await openInUi(gate.url) });
}

const of = (tokens: number, client: string, part: keyof Cost): number =>
  median(
    answers
      .filter((each) => each.tokens === tokens && each.client === client)
      .map((each) => each.cost[part] ?? Number.NaN),
  );
const opened = (client: string, part: keyof Opening): number =>
  median(openings.filter((each) => each.client === client).map(({ opening }) => opening[part]));

function answerRows(): string[] {
  const head =
    "| tokens | client | main thread ms | × parlor's | µs per token | script ms | style and layout ms | heap held MB | wire kB | behind ms | server µs per token |";
  const rows = lengths.flatMap((tokens) =>
    clients
      .filter(({ tokensMax }) => tokens <= tokensMax)
      .map(({ name }) => {
        const main = of(tokens, name, "mainMs");
        const server = of(tokens, name, "serverUs");
        const cells = [
          tokens.toLocaleString("en"),
          name,
          main.toFixed(0),
          (main / of(tokens, names.parlor, "mainMs")).toFixed(2),
        ];
        cells.push(
          ((main * 1000) / tokens).toFixed(0),
          of(tokens, name, "scriptMs").toFixed(0),
          of(tokens, name, "layoutMs").toFixed(0),
        );
        cells.push(
          of(tokens, name, "heapMb").toFixed(1),
          (of(tokens, name, "wire") / 1000).toFixed(0),
          of(tokens, name, "behindMs").toFixed(0),
        );
        return `| ${[...cells, Number.isNaN(server) ? "" : server.toFixed(0)].join(" | ")} |`;
      }),
  );
  return [head, "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|", ...rows];
}

function openingRows(): string[] {
  const head =
    "| client | last message visible after ms | main thread ms | messages on the page | DOM nodes | heap held MB |";
  const rows = clients
    .filter(({ name }) => name === names.parlor || name === names.ui)
    .map(({ name }) => {
      const cells = [
        opened(name, "visibleMs"),
        opened(name, "mainMs"),
        opened(name, "messages"),
        opened(name, "nodes"),
      ].map((value) => value.toFixed(0));
      return `| ${[name, ...cells, opened(name, "heapMb").toFixed(1)].join(" | ")} |`;
    });
  return [head, "|---|---:|---:|---:|---:|---:|", ...rows];
}

/** How much more a token costs in a long answer than in a shorter one. */
const slope = (client: string, long: number, short: number): number =>
  of(long, client, "mainMs") / long / (of(short, client, "mainMs") / short);

const long = Math.max(...lengths);
const ratio = (client: string): number => of(long, names.parlor, "mainMs") / of(long, client, "mainMs");
const at = `at ${long.toLocaleString("en")} tokens`;
const goals: Goal[] = [
  { goal: `main thread, of ${names.bare} ${at}`, found: ratio(names.bare), atMost: 0.3 },
  { goal: `main thread, of ${names.tutorial} ${at}`, found: ratio(names.tutorial), atMost: 0.1 },
  { goal: `main thread, of ${names.ui} ${at}`, found: ratio(names.ui), atMost: 0.15 },
  {
    goal: "a token in 10,000, of one in 2,000 (parlor)",
    found: slope(names.parlor, 10_000, 2_000),
    atMost: 1.2,
  },
];
const slopes = clients
  .map(({ name }) => [name, slope(name, 10_000, 2_000)] as const)
  .filter(([, found]) => !Number.isNaN(found))
  .map(([name, found]) => `${name} ${found.toFixed(2)}`);
const sections = [
  answerRows().join("\n"),
  ...(slopes.length > 0
    ? [`A token's main-thread time in an answer of 10,000, of that in one of 2,000: ${slopes.join(", ")}.`]
    : []),
  goalLines(goals),
  `**A conversation of ${openingMessages.toLocaleString("en")} messages is opened** (files in the browser's cache)`,
  openingRows().join("\n"),
];
await writeTable("browser", sections.join("\n\n"));
await writeResults("browser", { rounds, perSecond, goals, answers, openings });
await closeBrowser();
gate.stop();
small.stop();
process.exit(0);
