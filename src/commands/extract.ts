// `parlor extract FILE`: the text that parlor finds in a document. Pages are separated by a form feed, as
// pdftotext does; what else there is to say goes to standard error.

import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { en } from "../../views/words/en.ts";
import { CommandError } from "../config/arguments.ts";
import { type ExtractBounds, type Extracted, type ExtractedPage, Extractor } from "../documents/extractor.ts";
import { Failure } from "../domain/failure.ts";
import { visible } from "../telemetry/log.ts";

/** @throws CommandError when there is no such file, or its text can't be extracted */
export async function runExtract(file: string, bounds: ExtractBounds): Promise<void> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new CommandError(`there is no file ${file}`, 1);
  try {
    show(await new Extractor(bounds).extract(Bun.file(file).stream(), basename(file)));
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "internal") throw error;
    throw new CommandError(`${file}: ${en.failures[error.code](error.facts)}`, 1);
  }
}

function show({ pages, picturePages }: Extracted): void {
  const printed = ({ text }: ExtractedPage) => visible(text, "\t\n");
  process.stdout.write(`${pages.map(printed).join("\n\f")}\n`);
  if (picturePages.length > 0)
    process.stderr.write(`parlor: pages without text: ${picturePages.join(", ")}\n`);
}
