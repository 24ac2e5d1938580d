// What was measured, for programs: bench/results/NAME.json beside the tables of bench/README.md. Also the goals that are printed.

import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { theBrowser } from "../test/e2e/stage.ts";
import { uiRelease } from "./llama-ui.ts";
import { root } from "./process.ts";

/** Where and with what it was measured. */
async function circumstances(): Promise<Record<string, string>> {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
  return { measured: new Date().toISOString(), machine, bun: Bun.version, chromium: (await theBrowser()).version(), llamaServerUi: uiRelease };
}

export async function writeResults(name: string, results: object, quick: boolean): Promise<void> {
  if (quick) return;
  const file = join(import.meta.dir, "results", `${name}.json`);
  await Bun.write(file, JSON.stringify({ ...(await circumstances()), ...results }, null, 2));
  Bun.spawnSync([join(root, "node_modules/.bin/biome"), "format", "--write", file], { stdout: "ignore", stderr: "ignore" });
}

export interface Goal {
  readonly goal: string;
  readonly found: number;
  readonly atMost: number;
  readonly unit?: string;
}

/** A line for each goal: whether it was met, and by what. */
export const goalLines = (goals: readonly Goal[]): string =>
  goals
    .filter(({ found }) => !Number.isNaN(found))
    .map(({ goal, found, atMost, unit = "" }) => {
      const digits = unit === "" ? 3 : 1;
      return `- ${found <= atMost ? "met" : "**not met**"}: ${goal}: ${found.toFixed(digits)}${unit} (at most ${atMost}${unit})`;
    })
    .join("\n");
