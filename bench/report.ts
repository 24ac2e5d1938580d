// What the benchmarks share: quantiles, and their tables in bench/README.md.

import { cpus } from "node:os";
import { join } from "node:path";

export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Prints a table and, unless it was only a quick look, puts it between `<!-- name -->` and `<!-- /name -->` of bench/README.md. */
export async function writeTable(name: string, table: string, quick: boolean): Promise<void> {
  process.stdout.write(`${table}\n`);
  if (quick) return;
  const readme = join(import.meta.dir, "README.md");
  const machine = `Measured on ${cpus().length} × ${cpus()[0]?.model.trim()}, Bun ${Bun.version}, ${new Date().toISOString().slice(0, 10)}.`;
  const pattern = new RegExp(`(<!-- ${name} -->).*(<!-- /${name} -->)`, "s");
  await Bun.write(
    readme,
    (await Bun.file(readme).text()).replace(pattern, (_, open, close) => `${open}\n\n${machine}\n\n${table}\n\n${close}`),
  );
}
