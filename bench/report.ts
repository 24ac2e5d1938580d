// What the benchmarks share: quantiles, tables in bench/README.md, and the numbers behind them as JSON in bench/results.

import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

export const quick = process.env["QUICK"] === "1";
export const rounds = Number(process.env["ROUNDS"] ?? (quick ? 1 : 3));

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;
export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : "");

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

const machine = () => `${cpus().length} × ${cpus()[0]?.model.trim()}, Bun ${Bun.version}, ${new Date().toISOString().slice(0, 10)}`;

/** Writes tables into bench/README.md and what they were made of into bench/results/NAME.json, unless it was only a quick look. */
export async function writeResults(name: string, tables: readonly Table[], results: unknown): Promise<void> {
  if (quick) return;
  mkdirSync(join(import.meta.dir, "results"), { recursive: true });
  await Bun.write(join(import.meta.dir, `results/${name}.json`), `${JSON.stringify({ machine: machine(), rounds, results }, roundNumbers, 1)}\n`);
  await writeTable(name, tables.map(({ text }) => text).join("\n\n"), true);
}

const roundNumbers = (_: string, value: unknown) => (typeof value === "number" ? Math.round(value * 1000) / 1000 : value);

/** Prints a table and, unless it was only a quick look, puts it between `<!-- name -->` and `<!-- /name -->` of bench/README.md. */
export async function writeTable(name: string, text: string, isPrinted = false): Promise<void> {
  if (!isPrinted) process.stdout.write(`${text}\n`);
  if (quick) return;
  const readme = join(import.meta.dir, "README.md");
  const pattern = new RegExp(`(<!-- ${name} -->).*(<!-- /${name} -->)`, "s");
  await Bun.write(
    readme,
    (await Bun.file(readme).text()).replace(pattern, (_, open, close) => `${open}\n\nMeasured on ${machine()}.\n\n${text}\n\n${close}`),
  );
}
