// Reads the text of a file in a folder. Plain text is decoded here, since a process for each of ten thousand
// small files would take minutes; everything else goes to the Extractor.

import { basename } from "node:path";
import { Failure } from "../domain/failure.ts";
import type { FileType } from "../domain/file-type.ts";
import type { Extracted, Extractor } from "./extractor.ts";
import { cleaned, decodeText } from "./plain.ts";
import { sniff } from "./sniff.ts";

/** Beginning of a file that tells its type, in bytes. */
const headBytes = 64 * 1024;
/** First bytes of older office documents, and of newer ones with a password. */
const compoundFile = "d0cf11e0";

const plainTypes: readonly FileType[] = ["text", "code", "csv", "markdown"];

/** True where a line that begins with # is a heading. */
export const hasHeadings = (type: FileType): boolean => type === "markdown" || !plainTypes.includes(type);

/** False for a kind of file that has no text, as its beginning tells. @throws errors of the system */
export async function mayHaveText(file: string): Promise<boolean> {
  const head = await Bun.file(file).slice(0, headBytes).bytes();
  const type = sniff(head, basename(file));
  const isCompound = Buffer.from(head.subarray(0, 4)).toString("hex") === compoundFile;
  return type !== "picture" && (type !== "unknown" || isCompound);
}

/**
 * The text of a file for which `mayHaveText` holds; null for a kind of file that has none all the same.
 * @throws Failure as `Extractor.extract`; errors of the system
 */
export async function readDocument(
  file: string,
  extractor: Extractor,
  limitChars: number,
): Promise<Extracted | null> {
  const head = await Bun.file(file).slice(0, headBytes).bytes();
  const type = sniff(head, basename(file));
  if (plainTypes.includes(type)) {
    const text = cleaned(decodeText(await Bun.file(file).bytes()));
    if (text.length > limitChars) throw new Failure("file_too_large", { limitChars });
    return { type, title: null, pages: [{ page: 1, text }], picturePages: [] };
  }
  try {
    return await extractor.extract(Bun.file(file).stream(), basename(file));
  } catch (error) {
    if (error instanceof Failure && error.code === "file_unsupported") return null;
    throw error;
  }
}
