// Files that people attach to questions: what is known of one, and its content as text by page. Plain facts:
// store/ keeps them, documents/ reads them, runs/ puts them into the prompt.

import type { FileType } from "./file-type.ts";
import type { PersonId } from "./id.ts";

export type FileId = string;

const fileTypes: Readonly<Record<FileType, true>> = {
  ...{ pdf: true, docx: true, pptx: true, xlsx: true, odt: true, odp: true, ods: true, epub: true },
  ...{ html: true, csv: true, markdown: true, text: true, code: true, picture: true, audio: true },
  unknown: true,
};

export const isFileType = (value: unknown): value is FileType =>
  typeof value === "string" && Object.hasOwn(fileTypes, value);

/** What a page shows of a file. */
export interface FileFacts {
  /** The name that its owner's machine gave it, without folders. */
  readonly name: string;
  readonly type: FileType;
  /** Size of the stored content. */
  readonly bytes: number;
  /** Number of pages with text; 0 for a picture and a recording. */
  readonly pages: number;
  /** Pages without text: they are pictures, or empty. Absent: there are none. */
  readonly picturePages?: readonly PageRange[];
}

/** First and last of some successive pages. */
type PageRange = readonly [from: number, to: number];

/** Ranges that are kept. */
const rangesMax = 50;

/** Numbers of pages, in ascending order, as ranges; those that are too many are left out. */
export function rangesOf(pages: readonly number[]): readonly PageRange[] {
  const ranges: [number, number][] = [];
  for (const page of pages) {
    const last = ranges.at(-1);
    if (last?.[1] === page - 1) last[1] = page;
    else ranges.push([page, page]);
  }
  return ranges.slice(0, rangesMax);
}

/** The ranges in a value of unknown shape. */
export function rangesIn(value: unknown): readonly PageRange[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, rangesMax).filter((each: unknown): each is PageRange => {
    const [from, to, ...more] = Array.isArray(each) ? each : [];
    return Number.isInteger(from) && Number.isInteger(to) && from >= 1 && from <= to && more.length === 0;
  });
}

export interface StoredFile extends FileFacts {
  readonly id: FileId;
  readonly owner: PersonId;
  /** Media type of the stored content. */
  readonly mediaType: string;
}

/** The text of a page. Formats without pages have one, slides and sheets one each. */
export interface FilePage {
  /** From 1. */
  readonly page: number;
  readonly text: string;
}

/** Longest name of a file, in UTF-16 units. */
const nameMaxChars = 200;

/** The name without folders and control characters, at most 200 UTF-16 units; its extension is kept. */
export function fileName(given: string): string {
  const plain = (given.split(/[\\/]/).at(-1) ?? "")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim()
    .toWellFormed();
  const name = plain === "" || /^\.+$/.test(plain) ? "file" : plain;
  if (name.length <= nameMaxChars) return name;
  const extension = /\.[^.]{1,10}$/.exec(name)?.[0] ?? "";
  return name.slice(0, nameMaxChars - extension.length).toWellFormed() + extension;
}
