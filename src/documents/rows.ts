// Cuts the text of a CSV file into passages: each row is one, below the names of the columns. Pure.

import type { Passage } from "../domain/document.ts";
import type { ExtractedPage } from "./extractor.ts";
import { pieces, targetLength } from "./passages.ts";

/** In a table of more rows, a passage has several: as many as a passage of a text has room for. */
const alonePassagesMax = 20_000;
/** Rows that are looked at to tell what separates the fields. */
const sampleRows = 20;
const separators = [";", ",", "\t"] as const;
/** A longer field in quotes is none: its first mark stands for itself. In UTF-16 code units. */
const quotedMaxLength = 10_000;
/** Longest row that names columns. It goes with every passage. In UTF-16 code units. */
const namesMaxLength = 500;

type Range = readonly [start: number, end: number];

/**
 * The passages of a table, in order. Each is the text of its rows as they stand, with the row that names the
 * columns as its heading. `areTogether`: a passage has several rows also where the table is short.
 */
export function* rowPassages(pages: Iterable<ExtractedPage>, areTogether: boolean): Generator<Passage> {
  for (const { page, text } of pages) {
    const separator = separatorOf(text);
    const rows = rowsOf(text, separator);
    const names = namesOf(text, separator);
    if (names !== null) rows.next();
    const headings = names === null ? [] : [names];
    const ranges = areTogether || hasMany(text, separator) ? joined(rows) : rows;
    for (const [start, end] of ranges)
      for (const [from, to] of pieces(text, start, end))
        yield { page, start: from, end: to, headings, text: text.slice(from, to) };
  }
}

function hasMany(text: string, separator: string): boolean {
  let rows = 0;
  for (const _ of rowsOf(text, separator)) if (++rows > alonePassagesMax) return true;
  return false;
}

/** Joins rows that follow each other, up to the length of a passage. */
function* joined(rows: Iterable<Range>): Generator<Range> {
  let open: Range | null = null;
  for (const row of rows) {
    if (open !== null && row[1] - open[0] > targetLength) {
      yield open;
      open = null;
    }
    open = [open?.[0] ?? row[0], row[1]];
  }
  if (open !== null) yield open;
}

/** The rows that are not empty. Space around them does not belong to them. */
function* rowsOf(text: string, separator: string): Generator<Range> {
  for (let from = 0; from < text.length; ) {
    let at = from;
    do at = fieldEnd(text, at, separator) + 1;
    while (text[at - 1] === separator);
    const row = text.slice(from, at - 1);
    const start = from + row.length - row.trimStart().length;
    if (row.trim() !== "") yield [start, start + row.trim().length];
    from = at;
  }
}

/** Where the field that begins at `at` ends: at a separator, a line's end or the text's. */
function fieldEnd(text: string, at: number, separator: string): number {
  let end = text[at] === '"' ? quotedEnd(text, at, separator) : at;
  while (end < text.length && text[end] !== separator && text[end] !== "\n") end++;
  return end;
}

/** The end of a field in quotes, which may have separators and lines in it; `at` if it is not one. */
function quotedEnd(text: string, at: number, separator: string): number {
  for (let mark = text.indexOf('"', at + 1); mark > 0 && mark - at <= quotedMaxLength; ) {
    if (text[mark + 1] !== '"') {
      const next = text[mark + 1];
      return next === undefined || next === separator || next === "\n" ? mark + 1 : at;
    }
    mark = text.indexOf('"', mark + 2);
  }
  return at;
}

/** The fields of the first rows, without quotes. */
function sampleOf(text: string, separator: string): readonly (readonly string[])[] {
  return rowsOf(text, separator)
    .take(sampleRows)
    .map(([start, end]) => {
      const fields: string[] = [];
      for (let at = start; at <= end; ) {
        const to = Math.min(end, fieldEnd(text, at, separator));
        fields.push(text.slice(at, to).replace(/^"|"$/g, "").replaceAll('""', '"').trim());
        at = to + 1;
      }
      return fields;
    })
    .toArray();
}

/** The character that cuts most rows into as many fields as the first, and into more than one. */
function separatorOf(text: string): string {
  const sameRows = (separator: string) => {
    const [first, ...rest] = sampleOf(text, separator);
    if (first === undefined || first.length < 2) return 0;
    return 1 + rest.filter((row) => row.length === first.length).length;
  };
  return separators.toSorted((a, b) => sameRows(b) - sameRows(a))[0] as string;
}

/**
 * The first row if it names the columns: several, each of them, each differently, and none by a number.
 * null if it does not, or is the only row.
 */
function namesOf(text: string, separator: string): string | null {
  const [first = [], ...rest] = sampleOf(text, separator);
  const isName = (field: string) => field !== "" && !/^[^\p{L}]*\d[^\p{L}]*$/u.test(field);
  const areNames = first.length > 1 && new Set(first).size === first.length && first.every(isName);
  const [start, end] = rowsOf(text, separator).next().value ?? [0, 0];
  if (!areNames || rest.length === 0 || end - start > namesMaxLength) return null;
  return text.slice(start, end).replace(/\n+/g, " ");
}
