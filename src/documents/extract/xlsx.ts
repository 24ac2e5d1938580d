// Text of an Excel workbook (Office Open XML): one page for each sheet, one line for each row that is not
// empty. Values stand as they were stored, dates as ISO 8601; formulas are left out.

import { Archive, statedTitle } from "./archive.ts";
import { attribute, scan } from "./markup.ts";
import { Outline } from "./outline.ts";

/** Empty cells in a row between two others that are kept, so that columns stay where they are. */
const gapMax = 50;

export function* xlsx(bytes: Uint8Array, unpackedMaxBytes: number): Generator<string, string | null> {
  const archive = new Archive(bytes, unpackedMaxBytes);
  const main = archive.related("", "officeDocument") ?? "xl/workbook.xml";
  const relations = archive.relations(main);
  const sheets: { name: string; part: string }[] = [];
  let countsFrom1904 = false;
  scan(archive.needed(main), {
    open(name, attributes) {
      if (name === "workbookPr") countsFrom1904 = /^(1|true)$/.test(attribute(attributes, "date1904") ?? "");
      const [, id] = name === "sheet" ? (/\s\w+:id\s*=\s*["']([^"']*)/.exec(attributes) ?? []) : [];
      const part = id === undefined ? undefined : relations.get(id)?.target;
      if (part !== undefined) sheets.push({ name: attribute(attributes, "name") ?? "", part });
    },
    close() {},
    text() {},
  });
  const [strings, styles] = ["sharedStrings", "styles"].map((kind) => archive.related(main, kind));
  const shared = sharedStrings(strings ? (archive.text(strings) ?? "") : "");
  const dates = dateStyles(styles ? (archive.text(styles) ?? "") : "");
  for (const { name, part } of sheets) {
    const outline = new Outline();
    outline.add(name, { heading: 1 });
    readRows(archive.text(part) ?? "", { shared, dates, countsFrom1904 }, outline);
    yield outline.toString();
  }
  return statedTitle(archive.text("docProps/core.xml"));
}

/** Texts that cells refer to by number. Phonetic readings beside them are left out. */
function sharedStrings(xml: string): string[] {
  const found: string[] = [];
  let [text, isText, phonetic] = ["", false, false];
  scan(xml, {
    open(name) {
      if (name === "si") text = "";
      else if (name === "t") isText = true;
      else if (name === "rPh") phonetic = true;
    },
    close(name) {
      if (name === "si") found.push(text);
      else if (name === "t") isText = false;
      else if (name === "rPh") phonetic = false;
    },
    text(piece) {
      if (isText && !phonetic) text += piece;
    },
  });
  return found;
}

const isDateFormat = (id: number): boolean => (id >= 14 && id <= 22) || (id >= 45 && id <= 47);

/** For each cell style, whether it shows a number as a date or time. */
function dateStyles(xml: string): boolean[] {
  const own = new Set<number>();
  const found: boolean[] = [];
  let isCells = false;
  scan(xml, {
    open(name, attributes) {
      const id = Number(attribute(attributes, "numFmtId"));
      if (name === "numFmt") {
        const code = (attribute(attributes, "formatCode") ?? "").replace(/"[^"]*"|\\.|\[[^\]]*\]/g, "");
        if (/[ymdhs]/i.test(code) && !/[#0?]\.?[#0?]|general/i.test(code.replace(/s\.0+/gi, ""))) own.add(id);
      } else if (name === "cellXfs") isCells = true;
      else if (name === "xf" && isCells) found.push(isDateFormat(id) || own.has(id));
    },
    close(name) {
      if (name === "cellXfs") isCells = false;
    },
    text() {},
  });
  return found;
}

interface Workbook {
  readonly shared: readonly string[];
  readonly dates: readonly boolean[];
  readonly countsFrom1904: boolean;
}

function readRows(xml: string, workbook: Workbook, outline: Outline): void {
  let row: string[] = [];
  let [type, style, column, value, isValue] = ["", 0, 0, "", false];
  scan(xml, {
    open(name, attributes) {
      if (name === "row") row = [];
      else if (name === "c") {
        type = attribute(attributes, "t") ?? "n";
        style = Number(attribute(attributes, "s") ?? 0);
        column = columnOf(attribute(attributes, "r") ?? "") ?? row.length;
        value = "";
      } else if (name === "v" || name === "t") isValue = true;
      else if (name === "rPh") isValue = false;
    },
    close(name) {
      if (name === "v" || name === "t") isValue = false;
      else if (name === "row") outline.addRow(row);
      else if (name === "c" && value !== "") {
        for (let gap = Math.min(column - row.length, gapMax); gap > 0; gap--) row.push("");
        row.push(shown(value, type, style, workbook));
      }
    },
    text(text) {
      if (isValue) value += text;
    },
  });
}

/** The column's number from 0, of a reference such as `C5`. */
function columnOf(reference: string): number | null {
  const [letters] = /^[A-Z]{1,3}/.exec(reference) ?? [];
  if (letters === undefined) return null;
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function shown(
  value: string,
  type: string,
  style: number,
  { shared, dates, countsFrom1904 }: Workbook,
): string {
  if (type === "s") return (shared[Number(value)] ?? "").replace(/\s+/g, " ").trim();
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  if (type !== "n" || !dates[style]) return value.replace(/\s+/g, " ").trim();
  return dateOf(Number(value) + (countsFrom1904 ? 1462 : 0)) ?? value;
}

/** A count of days since the end of 1899, as ISO 8601; a time alone for less than a day. */
function dateOf(days: number): string | null {
  if (!(days >= 0 && days < 2_958_466)) return null; // until the year 9999
  const iso = new Date(Math.round((days - 25_569) * 86_400) * 1_000).toISOString();
  const [date, time] = [iso.slice(0, 10), iso.slice(11, 19).replace(/:00$/, "")];
  if (days < 1) return time;
  return time === "00:00" ? date : `${date} ${time}`;
}
