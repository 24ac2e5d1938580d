// The process that extracts the text of one file: from standard input, to standard output. It may be ended at
// any time, and holds nothing that anybody else needs. documents/extractor is the other end.

import { setPriority } from "node:os";
import { Failure } from "../domain/failure.ts";
import { extract } from "./extract/extract.ts";
import { cleaned } from "./plain.ts";
import type { ExtractLine, ExtractRequest } from "./protocol.ts";
import { sniff } from "./sniff.ts";

/** Pages of a file that are read. */
const pagesMax = 20_000;

/** Reads the request and the file, writes the lines, and returns when all of them are written. */
export async function runChild(): Promise<void> {
  giveWay();
  for (const method of ["log", "info", "warn", "error", "debug"] as const) console[method] = () => {};
  const out = Bun.stdout.writer();
  const write = async (line: ExtractLine) => {
    out.write(`${JSON.stringify(line)}\n`);
    await out.flush();
  };
  try {
    const given = await Bun.stdin.bytes();
    const start = given.indexOf(0x0a) + 1;
    const request: ExtractRequest = JSON.parse(new TextDecoder().decode(given.subarray(0, start)));
    await write({ title: await extractAll(given.subarray(start), request, write) });
  } catch (error) {
    await write({ failure: (error instanceof Failure ? error : new Failure("file_unreadable")).report });
  }
  await out.end();
}

/** Answers to people go first. */
function giveWay(): void {
  try {
    setPriority(10);
  } catch {
    // not allowed here
  }
}

async function extractAll(
  bytes: Uint8Array,
  { name, extractMaxChars, ...bounds }: ExtractRequest,
  write: (line: ExtractLine) => Promise<void>,
): Promise<string | null> {
  const type = sniff(bytes, name);
  await write({ type });
  const pages = extract(bytes, type, bounds);
  for (let [count, chars] = [0, 0]; ; ) {
    const next = await pages.next();
    if (next.done) return next.value === null ? null : cleaned(next.value);
    if (typeof next.value !== "string") {
      await write({ picture: next.value.picture.toBase64() });
      continue;
    }
    if (++count > pagesMax) throw new Failure("file_too_large", { limitPages: pagesMax });
    const text = cleaned(next.value);
    chars += text.length;
    if (chars > extractMaxChars) throw new Failure("file_too_large", { limitChars: extractMaxChars });
    await write({ text });
  }
}
