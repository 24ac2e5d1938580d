// Cuts the text of a document into passages: at the ends of paragraphs where it can be, short enough to be
// read at a glance. Pure.

import type { Passage } from "../domain/document.ts";
import type { ExtractedPage } from "./extractor.ts";

/** Lengths are in UTF-16 code units. A passage does not grow beyond this one by another paragraph. */
export const targetLength = 1_200;
/** A paragraph up to this length stays whole. */
const wholeLength = 1_800;
/** A passage of at least this length ends before a heading. */
const sectionLength = 400;

/** A paragraph, or a line that is a heading. */
interface Paragraph {
  readonly start: number;
  readonly end: number;
  /** 1 to 6 for a heading, 0 for a paragraph. */
  readonly level: number;
}

/** What stays together: a paragraph with the headings just above it. */
interface Block {
  readonly start: number;
  readonly end: number;
  readonly hasHeading: boolean;
  /** The headings that hold for it. */
  readonly headings: readonly string[];
}

/**
 * The passages of a document, in order. Each lies in one page. Together they hold all text but white space.
 * `isMarkdown`: lines that begin with # are headings.
 */
export function* passagesOf(pages: Iterable<ExtractedPage>, isMarkdown: boolean): Generator<Passage> {
  const path: string[] = [];
  for (const { page, text } of pages) {
    for (const { start, end, headings } of joined(blocks(text, paragraphs(text, isMarkdown), path))) {
      for (const [from, to] of pieces(text, start, end))
        yield { page, start: from, end: to, headings, text: text.slice(from, to) };
    }
  }
}

/** The paragraphs of a page. Those in a block of code are no headings. */
function* paragraphs(text: string, isMarkdown: boolean): Generator<Paragraph> {
  let [start, end] = [-1, -1];
  let fence = "";
  for (const [from, to] of lines(text)) {
    const line = text.slice(from, to);
    const trimmed = line.trim();
    const level = isMarkdown && fence === "" ? (/^(#{1,6})[ \t]/.exec(line)?.[1]?.length ?? 0) : 0;
    const mark = isMarkdown ? (/^(```+|~~~+)/.exec(trimmed)?.[1] ?? "") : "";
    if (fence === "") fence = mark;
    else if (mark.startsWith(fence)) fence = "";
    if ((trimmed === "" && fence === "") || level > 0) {
      if (start >= 0) yield { start, end, level: 0 };
      start = -1;
      if (level > 0) yield { start: from, end: from + line.trimEnd().length, level };
    } else if (trimmed !== "") {
      if (start < 0) start = from + line.indexOf(trimmed);
      end = from + line.indexOf(trimmed) + trimmed.length;
    }
  }
  if (start >= 0) yield { start, end, level: 0 };
}

/** Joins each paragraph with the headings just above it. `path` is that of the headings, and follows. */
function* blocks(text: string, all: Iterable<Paragraph>, path: string[]): Generator<Block> {
  let start = -1;
  let end = -1;
  for (const paragraph of all) {
    if (paragraph.level > 0) {
      path.length = Math.min(path.length, paragraph.level - 1);
      while (path.length < paragraph.level - 1) path.push("");
      path.push(headingText(text.slice(paragraph.start, paragraph.end)));
      if (start < 0) start = paragraph.start;
      end = paragraph.end;
      continue;
    }
    const hasHeading = start >= 0;
    yield {
      start: hasHeading ? start : paragraph.start,
      end: paragraph.end,
      hasHeading,
      headings: set(path),
    };
    start = -1;
  }
  if (start >= 0) yield { start, end, hasHeading: true, headings: set(path) };
}

const set = (path: readonly string[]): readonly string[] => path.filter((heading) => heading !== "");
const headingText = (line: string): string => line.replace(/^#+\s*/, "").replace(/\s+#+$/, "");

/** Joins blocks to passages. One that is too long by itself stays alone. */
function* joined(all: Iterable<Block>): Generator<Block> {
  let open: Block | null = null;
  for (const block of all) {
    if (open && !fits(open, block)) {
      yield open;
      open = null;
    }
    open = open ? extended(open, block.end) : block;
  }
  if (open) yield open;
}

const extended = (block: Block, end: number): Block => ({ ...block, end });

const fits = (open: Block, next: Block): boolean =>
  next.end - open.start <= targetLength && !(next.hasHeading && open.end - open.start >= sectionLength);

/** The range itself, or ranges in it that are short enough: to the end of a sentence, a line, or a word. */
export function* pieces(text: string, start: number, end: number): Generator<[start: number, end: number]> {
  let from = start;
  while (end - from > wholeLength) {
    const window = text.slice(from, from + targetLength);
    const length = lastEnd(window, /[.!?…][\p{Pe}\p{Pf}"']*(?=\s)/gu) || lastEnd(window, /\S(?=\n)/g);
    const cut = from + (length || lastEnd(window, /\S(?=\s)/g) || wholeCharacters(window));
    yield [from, cut];
    from = cut + (text.slice(cut, end).length - text.slice(cut, end).trimStart().length);
  }
  if (from < end) yield [from, end];
}

/** End of the last match in the second half of `window`; 0 if there is none. */
function lastEnd(window: string, pattern: RegExp): number {
  let last = 0;
  for (const { index, 0: found } of window.matchAll(pattern)) last = index + found.length;
  return last >= window.length / 2 ? last : 0;
}

/** Length of `window` without half of a character at its end. */
const wholeCharacters = (window: string): number =>
  /[\ud800-\udbff]$/.test(window) ? window.length - 1 : window.length;

/** The lines of a text, without their ends. */
function* lines(text: string): Generator<[start: number, end: number]> {
  for (let from = 0; from < text.length; ) {
    const at = text.indexOf("\n", from);
    const end = at < 0 ? text.length : at;
    yield [from, end];
    from = end + 1;
  }
}
