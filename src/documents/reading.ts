// Reads the text of a file in a folder. Short plain text is decoded here, since a process for each of ten
// thousand small files would take minutes; everything else goes to the Extractor.

import { basename } from "node:path";
import { Failure } from "../domain/failure.ts";
import type { FileType } from "../domain/file-type.ts";
import type { Extracted, Extractor } from "./extractor.ts";
import { cleaned, decodeText } from "./plain.ts";
import { sniff } from "./sniff.ts";

/** Beginning of a file that tells its type, in bytes. */
const headBytes = 64 * 1024;
/** Longest plain text that is decoded here, in bytes: about 5 ms. */
const plainMaxBytes = 512 * 1024;
/** First bytes of older office documents, and of newer ones with a password. */
const compoundFile = "d0cf11e0";

const plainTypes: readonly FileType[] = ["text", "code", "csv", "markdown"];

/** True where a line that begins with # is a heading. */
export const hasHeadings = (type: FileType): boolean => type === "markdown" || !plainTypes.includes(type);

/** False for a kind of file that has no text. `bytes`: its first 64 KiB, of an archive better all of it. */
export function mayHaveText(bytes: Uint8Array, name: string): boolean {
  const type = sniff(bytes, name);
  const isCompound = Buffer.from(bytes.subarray(0, 4)).toString("hex") === compoundFile;
  return type !== "picture" && type !== "audio" && (type !== "unknown" || isCompound);
}

/** The beginning of a file, which tells its type. @throws errors of the system */
export const headOf = (file: string): Promise<Uint8Array> => Bun.file(file).slice(0, headBytes).bytes();

/**
 * The text of a file for which `mayHaveText` holds; null for a kind of file that has none all the same.
 * @throws Failure as `Extractor.extract`; errors of the system
 */
export async function readDocument(
  file: string,
  extractor: Extractor,
  limitChars: number,
  signal?: AbortSignal,
): Promise<Extracted | null> {
  const type = sniff(await headOf(file), basename(file));
  if (plainTypes.includes(type) && Bun.file(file).size <= plainMaxBytes) {
    const text = cleaned(decodeText(await Bun.file(file).bytes()));
    if (text.length > limitChars) throw new Failure("file_too_large", { limitChars });
    return { type, title: null, pages: [{ page: 1, text }], picturePages: [], pictures: new Map() };
  }
  try {
    return await extractor.extract(Bun.file(file).stream(), basename(file), signal);
  } catch (error) {
    if (error instanceof Failure && error.code === "file_unsupported") return null;
    throw error;
  }
}
