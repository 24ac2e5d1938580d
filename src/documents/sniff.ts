// What a file is, by its bytes. The name decides only between kinds of plain text, which have no marks of
// their own. Pure.

import type { FileType } from "../domain/file-type.ts";
import { filesOf, isZip, type Packed } from "../domain/zip.ts";
import { audioTypeOf } from "./audio.ts";
import { isText } from "./plain.ts";

/** How far into a file a PDF's mark may stand, in bytes; programs put other data in front of it. */
const pdfMarkWithin = 1024;
/** Longest media type in an OpenDocument or EPUB archive, in bytes. */
const mediaTypeMaxBytes = 256;

const codeEndings = new Set(
  (
    "asm awk bash bat c cc cfg clj cmake conf cpp cs css cxx dart diff env erl ex fish fs go gradle groovy h hpp " +
    "hs ini java jl js json jsonc jsonl jsx kt lisp lua m make mjs ml mts nim nix patch php pl proto ps1 py r rb " +
    "rs rst s sass scala scss sh sol sql svelte svg swift tex toml ts tsx vb vue xml yaml yml zig zsh"
  ).split(" "),
);
const codeNames = /^(makefile|dockerfile|containerfile|cmakelists\.txt|\.gitignore|\.editorconfig)$/i;

const mediaTypes: readonly (readonly [string, FileType])[] = [
  ["application/vnd.oasis.opendocument.text", "odt"],
  ["application/vnd.oasis.opendocument.presentation", "odp"],
  ["application/vnd.oasis.opendocument.spreadsheet", "ods"],
  ["application/epub+zip", "epub"],
];
const officeParts: readonly (readonly [RegExp, FileType])[] = [
  [/^word\/document\d*\.xml$/, "docx"],
  [/^ppt\/presentation\.xml$/, "pptx"],
  [/^xl\/workbook\.xml$/, "xlsx"],
];
const officeTypes = [...mediaTypes, ...officeParts].map(([, type]) => type);

/** First bytes of pictures, as Latin-1; a dot stands for any byte. */
const pictureMarks =
  /^(?:\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*|....ftyp(?:avif|heic|heix|mif1|msf1))/s;

/**
 * The type of a file from its bytes, of which the first 64 KiB suffice for all but archives. Of an archive
 * whose end is missing the name is believed.
 */
export function sniff(bytes: Uint8Array, name: string): FileType {
  const head = Buffer.from(bytes.subarray(0, pdfMarkWithin)).toString("latin1");
  if (head.includes("%PDF-")) return "pdf";
  if (pictureMarks.test(head)) return "picture";
  if (audioTypeOf(bytes) !== null) return "audio";
  if (isZip(bytes)) return archiveType(bytes, name);
  if (!isText(bytes) || head.startsWith("{\\rtf")) return "unknown";
  return textType(head, name);
}

const endingOf = (name: string): string => /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? "";

function archiveType(bytes: Uint8Array, name: string): FileType {
  let files: Packed[];
  try {
    files = filesOf(bytes);
  } catch {
    return officeTypes.find((type) => type === endingOf(name)) ?? "unknown";
  }
  const mediaType = files.find((file) => file.name === "mimetype");
  if (mediaType) {
    try {
      const stated = new TextDecoder().decode(mediaType.unpack(mediaTypeMaxBytes));
      return mediaTypes.find(([start]) => stated.startsWith(start))?.[1] ?? "unknown";
    } catch {
      return "unknown";
    }
  }
  return officeParts.find(([part]) => files.some((file) => part.test(file.name)))?.[1] ?? "unknown";
}

function textType(head: string, name: string): FileType {
  const ending = endingOf(name);
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b/i.test(head)) return "html";
  if (["html", "htm", "xhtml"].includes(ending)) return "html";
  if (["csv", "tsv"].includes(ending)) return "csv";
  if (["md", "markdown", "mdown"].includes(ending)) return "markdown";
  return codeEndings.has(ending) || codeNames.test(name) || head.startsWith("#!") ? "code" : "text";
}
