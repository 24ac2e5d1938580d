// What Lighthouse says of the compiled executable's pages: an empty one, and a conversation with everything that Markdown has.
// Fails below 95. Lighthouse itself is fetched from the npm registry into .cache. Writes a table into bench/README.md.

import { join } from "node:path";
import { newId } from "../src/domain/id.ts";
import { PageClient } from "../test/house.ts";
import { startLlama } from "../test/llama/server.ts";
import { startParlor } from "./parlor.ts";
import { root } from "./process.ts";
import { writeTable } from "./report.ts";

const version = "13.5.0";
const least = 95;
const folder = join(root, ".cache/lighthouse");
const chromium = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

if (!(await Bun.file(join(folder, "node_modules/lighthouse/package.json")).exists())) {
  const installed = Bun.spawnSync(
    ["npm", "install", "--silent", "--prefix", folder, `lighthouse@${version}`],
    { stdout: "inherit", stderr: "inherit" },
  );
  if (!installed.success) throw new Error("Lighthouse could not be fetched");
}

const llama = await startLlama();
const { url } = await startParlor([llama.url]);
const conversation = newId();
const page = await new PageClient({ url }, conversation).ready();
page.say("How is a lamp wired?");
await page.lastIs("done");
page.close();

interface Report {
  /** It could not look, which happens on busy machines; it asks to be run again. */
  runtimeError?: { code: string };
  categories: Record<string, { score: number }>;
  audits: Record<string, { numericValue?: number }>;
}

/** Scores of a page, and what it transfers in kB. */
async function look(path: string, tries = 3): Promise<{ scores: number[]; kilobytes: number }> {
  const flags = [
    "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
    "--output=json",
    "--quiet",
    "--only-categories=performance,accessibility,best-practices",
  ];
  // under Bun, since it asks for a newer Node than this project does
  const child = Bun.spawn(
    [process.execPath, join(folder, "node_modules/lighthouse/cli/index.js"), url + path, ...flags],
    {
      env: { ...process.env, CHROME_PATH: chromium },
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const report = JSON.parse(await new Response(child.stdout).text()) as Report;
  if (report.runtimeError && tries > 1) return look(path, tries - 1);
  const scores = ["performance", "accessibility", "best-practices"].map((name) =>
    Math.round((report.categories[name]?.score ?? 0) * 100),
  );
  return { scores, kilobytes: (report.audits["total-byte-weight"]?.numericValue ?? 0) / 1000 };
}

const rows: string[] = [];
const all: number[] = [];
for (const [name, path] of [
  ["an empty page", "/"],
  ["a conversation with Markdown", `/c/${conversation}`],
] as const) {
  const { scores, kilobytes } = await look(path);
  all.push(...scores);
  rows.push(`| ${name} | ${scores.join(" | ")} | ${kilobytes.toFixed(0)} |`);
}
const head =
  "| page | performance | accessibility | best practices | kB transferred, all in all |\n|---|---|---|---|---|";
await writeTable("lighthouse", `${head}\n${rows.join("\n")}`);
await llama.stop();
process.exit(all.every((score) => score >= least) ? 0 : 1);
