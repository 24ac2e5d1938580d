// The model files of tests and demos in .cache: each is made when it is not there, or older than the code that makes
// it. Run: bun test/llama/models.ts .cache/NAME.gguf

import { readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { ear } from "./ear.ts";
import { eye } from "./eye.ts";
import { judge } from "./judge.ts";
import { magpie } from "./magpie.ts";
import { parrot } from "./parrot.ts";

const makers = { parrot, magpie, judge, ear, eye } as const;
export type ModelName = keyof typeof makers;

const cache = join(import.meta.dir, "../../.cache");

/** What models are made of; the Makefile says the same. */
const sources = [
  ...readdirSync(import.meta.dir).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts")),
  "../views/markdown/dangers.ts",
].map((file) => join(import.meta.dir, file));

/** The path of a model's file, which is made first if need be. */
export async function modelFile(name: ModelName): Promise<string> {
  const path = join(cache, `${name}.gguf`);
  const changed = Math.max(...sources.map((file) => Bun.file(file).lastModified));
  const made = Bun.file(path);
  if (!(await made.exists()) || made.lastModified < changed) await make(name, path);
  return path;
}

/** Writes under a name of its own and renames, so that no other process reads half a file. */
async function make(name: ModelName, path: string): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  await Bun.write(part, makers[name]());
  await rename(part, path);
}

if (import.meta.main) {
  const path = process.argv[2] ?? "";
  const name = basename(path, ".gguf");
  if (!path.endsWith(".gguf") || !Object.hasOwn(makers, name))
    throw new Error(`usage: bun test/llama/models.ts FOLDER/(${Object.keys(makers).join("|")}).gguf`);
  await make(name as ModelName, path);
}
