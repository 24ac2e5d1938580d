// What the benchmarks share: quantiles, tables in bench/README.md, and the numbers behind them as JSON in bench/results.

import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

export const quick = process.env["QUICK"] === "1";
export const rounds = Number(process.env["ROUNDS"] ?? (quick ? 1 : 3));

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;
export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : "";

/** The least and the most of what was found. */
export const spread = (values: readonly number[], unit = ""): string =>
  values.length < 2 ? "" : `${fixed(Math.min(...values), 2)}–${fixed(Math.max(...values), 2)}${unit}`;

export interface Table {
  row(...cells: (string | number)[]): void;
  readonly text: string;
}

/** A table in Markdown that grows by rows; each is printed as it comes. */
export function table(title: string, columns: readonly string[]): Table {
  const lines = [title, "", `| ${columns.join(" | ")} |`, `|${columns.map(() => "---").join("|")}|`];
  process.stdout.write(`${lines.join("\n")}\n`);
  return {
    row(...cells) {
      const line = `| ${cells.join(" | ")} |`;
      process.stdout.write(`${line}\n`);
      lines.push(line);
    },
    get text() {
      return lines.join("\n");
    },
  };
}

const machine = () =>
  `${cpus().length} × ${cpus()[0]?.model.trim()}, Bun ${Bun.version}, ${new Date().toISOString().slice(0, 10)}`;

/** Writes what was measured into bench/results/NAME.json, for programs, unless it was only a quick look. */
export async function writeResults(name: string, results: object): Promise<void> {
  if (quick) return;
  mkdirSync(join(import.meta.dir, "results"), { recursive: true });
  const file = join(import.meta.dir, `results/${name}.json`);
  await Bun.write(
    file,
    `${JSON.stringify({ machine: machine(), measured: new Date().toISOString(), ...results }, roundNumbers, 2)}\n`,
  );
  Bun.spawnSync([join(import.meta.dir, "../node_modules/.bin/biome"), "format", "--write", file], {
    stdout: "ignore",
    stderr: "ignore",
  });
}

const roundNumbers = (_: string, value: unknown) =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value;

/** Puts a text between `<!-- name -->` and `<!-- /name -->` of bench/README.md, unless it was only a quick look. */
export async function writeText(name: string, text: string): Promise<void> {
  if (quick) return;
  const readme = join(import.meta.dir, "README.md");
  const pattern = new RegExp(`(<!-- ${name} -->).*(<!-- /${name} -->)`, "s");
  await Bun.write(
    readme,
    (await Bun.file(readme).text()).replace(
      pattern,
      (_, open, close) => `${open}\n\nMeasured on ${machine()}.\n\n${text}\n\n${close}`,
    ),
  );
}

/** Prints a table and writes it as `writeText` does. */
export async function writeTable(name: string, text: string): Promise<void> {
  process.stdout.write(`${text}\n`);
  await writeText(name, text);
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
