// What a page says of a file in a few words: its kind, its length, its size.

import type { FileFacts } from "../../src/domain/file.ts";
import type { FileType } from "../../src/domain/file-type.ts";
import { size } from "./numbers.ts";

/** Names of formats, which are the same in every language. */
const kinds: Readonly<Record<Exclude<FileType, "picture" | "audio" | "unknown">, string>> = {
  pdf: "PDF",
  docx: "Word",
  pptx: "PowerPoint",
  xlsx: "Excel",
  odt: "OpenDocument",
  odp: "OpenDocument",
  ods: "OpenDocument",
  epub: "EPUB",
  html: "HTML",
  csv: "CSV",
  markdown: "Markdown",
  code: "Code",
  text: "Text",
};

/** A language's words for a picture and for the length of a file. Counts come as text. */
export interface FactWords {
  readonly picture: string;
  readonly audio: string;
  readonly unknown: string;
  /** Of formats that have pages. */
  readonly lengths: Readonly<Record<"pdf" | "pptx" | "odp" | "xlsx" | "ods", (count: string) => string>>;
}

/** The facts of a file, in the order in which they are read; the length only of more than one page. */
export function factsIn({ type, pages, bytes }: FileFacts, words: FactWords, locale: string): string[] {
  const length = type in words.lengths ? words.lengths[type as keyof FactWords["lengths"]] : null;
  return [
    type === "picture" || type === "audio" || type === "unknown" ? words[type] : kinds[type],
    ...(length !== null && pages > 1 ? [length(pages.toLocaleString(locale))] : []),
    size(bytes, locale),
  ];
}
