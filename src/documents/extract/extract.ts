// Chooses how a file is read, by its type. One text for each page; the title that the file states comes last.

import { Failure } from "../../domain/failure.ts";
import type { FileType } from "../../domain/file-type.ts";
import { decodeText } from "../plain.ts";
import type { ExtractRequest } from "../protocol.ts";
import { docx } from "./docx.ts";
import { epub } from "./epub.ts";
import { odf } from "./odf.ts";
import { pdf } from "./pdf.ts";
import { pptx } from "./pptx.ts";
import { html } from "./web.ts";
import { xlsx } from "./xlsx.ts";

/** The text of the next page, or a picture of the page whose text came last. */
export type Found = string | { readonly picture: Uint8Array };

/** @throws Failure `file_unsupported`, `file_unreadable`, `file_locked`, `file_too_large` */
export function extract(
  bytes: Uint8Array,
  type: FileType,
  { unpackedMaxBytes, picturesMax }: Pick<ExtractRequest, "unpackedMaxBytes" | "picturesMax">,
): Generator<string, string | null> | AsyncGenerator<Found, string | null> {
  if (type === "pdf") return pdf(bytes, picturesMax);
  if (type === "docx") return docx(bytes, unpackedMaxBytes);
  if (type === "pptx") return pptx(bytes, unpackedMaxBytes);
  if (type === "xlsx") return xlsx(bytes, unpackedMaxBytes);
  if (type === "odt" || type === "odp" || type === "ods") return odf(bytes, unpackedMaxBytes, type);
  if (type === "epub") return epub(bytes, unpackedMaxBytes);
  if (type === "html") return html(bytes);
  if (type === "unknown" && isLockedOffice(bytes)) throw new Failure("file_locked");
  if (type === "picture" || type === "audio" || type === "unknown") throw new Failure("file_unsupported");
  return plain(bytes, type);
}

/** True for an office document with a password: a compound file in which the ZIP archive is encrypted. */
function isLockedOffice(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return file.indexOf("d0cf11e0", 0, "hex") === 0 && file.includes("EncryptedPackage", 0, "utf16le");
}

/** Text, code, CSV and Markdown as they are. */
function* plain(bytes: Uint8Array, type: FileType): Generator<string, string | null> {
  const text = decodeText(bytes);
  yield text;
  return type === "markdown" ? (/^#[ \t]+(.+)$/m.exec(text)?.[1]?.trim() ?? null) : null;
}
