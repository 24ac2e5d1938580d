// What the process that extracts a file's text is told, and what it answers: lines of JSON. The first line in
// is an ExtractRequest, the file's bytes follow it. The lines out are ExtractLines.

import type { FailureReport } from "../domain/failure.ts";
import type { FileType } from "../domain/file-type.ts";

/** The first argument that makes parlor's program extract a file instead of what it does otherwise. */
export const childArgument = "--extract-child";

/** True in the executable, whose code has addresses of another kind. */
export const isCompiled = import.meta.url.includes("/$bunfs/") || import.meta.url.includes("/~BUN/");

/**
 * The code of that process: beside this file, or in the executable under its path from src. It is loaded by
 * this address, so that it is a program of its own there, and pdf.js does not lengthen parlor's start.
 */
export const childModule: string = isCompiled
  ? new URL("./documents/child.js", import.meta.url).href
  : new URL("./child.ts", import.meta.url).href;

export interface ExtractRequest {
  readonly name: string;
  readonly unpackedMaxBytes: number;
  readonly extractMaxChars: number;
  /** Most pictures of pages that are taken out of a PDF. */
  readonly picturesMax: number;
}

/** A page with fewer characters, white space aside, has no text worth the name. */
const pageMinChars = 20;

export const hasText = (text: string): boolean => text.replace(/\s/g, "").length >= pageMinChars;

/** Last comes one with `title` or one with `failure`; what ends without is incomplete. */
export type ExtractLine =
  | { readonly type: FileType }
  | { readonly text: string }
  /** A JPEG of the page whose text came last, in Base64. */
  | { readonly picture: string }
  | { readonly title: string | null }
  | { readonly failure: FailureReport };
