// Prepares the open end of a growing text for the page: unfinished bold, code, links and formulas are closed
// or held back, so that nothing on the page jumps when their end arrives. The final HTML never depends on
// this: it comes from the whole text.

import { bracesEnd } from "./ends.ts";
import { address, angle, type Hold, mail, targetMaxChars } from "./held.ts";

/**
 * The longest text that is held back because it may become a link or a formula, in characters. A longer one
 * is shown as it is.
 */
const labelMaxChars = 300;
const formulaMaxChars = 1_000;
const dollarMaxChars = 80;

/** The longest paragraph that is mended, in characters. */
const contextMaxChars = 10_000;

/**
 * A line of only these characters may become a rule, the underline of a heading, an item, a fence or a table.
 */
const undecidedLine = /^[-+*_=#>~`|: \t]*$|^[ \t]*\d{1,9}[.)]?[ \t]*$/;
/**
 * A line that may be a fence, a definition or the row of a table. Only its end decides.
 */
const heldLine = /^ {0,3}(?:`{3,}|~{3,}|\[(?!\^)[^\]\n]*(?:\](?::.*)?)?$|\|)/;

/**
 * The part of an open block that can be shown: its complete lines, and its incomplete line once its kind is
 * clear.
 */
export function shownPart(lines: string, rest: string): string {
  const isUndecided = undecidedLine.test(rest) || heldLine.test(rest);
  return isUndecided ? withoutFirstRow(lines) : lines + rest;
}

/** The lines without the last one if that may be the first row of a table: the next line decides. */
function withoutFirstRow(lines: string): string {
  const start = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const before = lines.slice(lines.lastIndexOf("\n", start - 2) + 1, start);
  return /^[ \t]*\|/.test(lines.slice(start)) && !before.includes("|") ? lines.slice(0, start) : lines;
}

interface Scan {
  /** Marks that are open, outermost first. */
  readonly open: string[];
  /** The end of the text that is shown. */
  cut: number;
  /** Closes the innermost open element, a code span. */
  tail: string;
}

/** The text of an open block that can be shown, and the marks that close its open elements. */
interface Mended {
  readonly text: string;
  readonly closers: string;
}

/** Mends the shown part of an open block. */
export function mended(text: string): Mended {
  // of code in a list or a quote, only the complete lines are shown: they are final
  if (isInsideFence(text)) return { text: text.slice(0, text.lastIndexOf("\n") + 1), closers: "" };
  const from = lastContextOf(text);
  // no real text has such a paragraph: it is shown as it is
  if (text.length - from > contextMaxChars) return { text, closers: "" };
  const scan: Scan = { open: [], cut: text.length, tail: "" };
  for (let i = from; i < scan.cut && scan.tail === ""; ) i = step(text, i, scan);
  const shown = text.slice(0, scan.cut);
  const reference = /&[#\w]{0,32}$/.exec(shown.slice(-33));
  let begun = (reference ? shown.slice(0, -reference[0].length) : shown).trimEnd();
  if (scan.tail !== "") while (/[`\s]/.test(begun.at(-1) ?? "")) begun = begun.slice(0, -1).trimEnd();
  // a mark without text after it is held back, too
  for (let mark = scan.open.at(-1); mark !== undefined && begun.endsWith(mark); mark = scan.open.at(-1)) {
    begun = begun.slice(0, -mark.length).trimEnd();
    scan.open.pop();
  }
  return { text: begun, closers: scan.tail + scan.open.reverse().map(closerOf).join("") };
}

/** Closes a mark or a tag. */
const closerOf = (mark: string): string => (mark.startsWith("<") ? `</${mark.slice(1)}` : mark);

/** True if a fence inside a list or a quote is open. */
function isInsideFence(text: string): boolean {
  return (text.match(/^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)?(?:`{3,}|~{3,})/gm)?.length ?? 0) % 2 === 1;
}

/** The start of the last paragraph, item, row or heading. No inline element reaches across it. */
function lastContextOf(text: string): number {
  const earliest = text.length - contextMaxChars - 1;
  for (let end = text.length, start = 0; ; end = start - 1) {
    start = text.lastIndexOf("\n", end - 1) + 1;
    const [marks = ""] =
      /^[ \t>]*(?:(?:[-+*]|#{1,6}|\d{1,9}[.)])(?:[ \t]|$)|\|)?/.exec(text.slice(start, end)) ?? [];
    if (marks.length === end - start && end < text.length) return end + 1; // a blank line
    if (/[^ \t>]/.test(marks)) return start + marks.length;
    const isQuoteBegun =
      marks.includes(">") &&
      start > 0 &&
      !/^[ \t]*>/.test(text.slice(text.lastIndexOf("\n", start - 2) + 1, start));
    if (start === 0 || start < earliest || isQuoteBegun) return start + marks.length;
  }
}

/** Handles the character at `i`; returns the position to continue at. */
function step(text: string, i: number, scan: Scan): number {
  const hold = (at: number, maxChars: number): number => {
    if (text.length - at <= maxChars) scan.cut = at;
    return text.length - at <= maxChars ? text.length : at + 1;
  };
  switch (text[i]) {
    case "\\":
      return escaped(text, i, hold);
    case "`":
      return codeSpan(text, i, scan);
    case "$":
      return dollars(text, i, hold);
    case "[":
      return link(text, i, hold);
    case "<":
      return angle(text, i, scan.open, hold);
    case "*":
    case "_":
    case "~":
      return emphasis(text, i, scan, hold);
    case "h":
    case "w":
    case "m":
    case "H":
    case "W":
    case "M":
      return address(text, i, hold);
    case "@":
      return mail(text, i, hold);
    case "!":
      return i + 1 === text.length ? hold(i, 1) : i + 1;
    default:
      return i + 1;
  }
}

function escaped(text: string, i: number, hold: Hold): number {
  const next = text[i + 1];
  if (next === undefined) return hold(i, 1);
  if (next === "b") return bare(text, i, hold);
  if (next !== "(" && next !== "[") return i + 2;
  const close = text.indexOf(next === "(" ? "\\)" : "\\]", i + 2);
  return close < 0 ? hold(i, formulaMaxChars) : close + 2;
}

/** Handles a formula without delimiters, or the beginning of one. */
function bare(text: string, i: number, hold: Hold): number {
  const begun = text.slice(i, i + bareMaxChars);
  if (
    i + begun.length === text.length &&
    /^\\(?:b(?:o(?:x(?:ed?)?)?|e(?:g(?:in?)?)?)?|begin\{[a-zA-Z]*\*?)$/.test(begun)
  )
    return hold(i, bareMaxChars);
  if (begun.startsWith("\\boxed{")) {
    const end = bracesEnd(text, i + "\\boxed".length);
    return end ?? (text.includes("\n", i) ? i + 2 : hold(i, formulaMaxChars));
  }
  const [environment] = /^\\begin\{[a-zA-Z]{2,12}\*?\}/.exec(begun) ?? [];
  if (environment === undefined) return i + 2;
  const close = text.indexOf(environment.replace("begin", "end"), i);
  return close < 0 ? hold(i, formulaMaxChars) : close + environment.length - 2;
}

/** More characters than the beginning of any such formula has. */
const bareMaxChars = 24;

function codeSpan(text: string, i: number, scan: Scan): number {
  const [run = "`"] = /^`+/.exec(text.slice(i)) ?? [];
  const close = new RegExp(`(?<!\`)${run}(?!\`)`).exec(text.slice(i + run.length));
  if (close) return i + run.length + close.index + run.length;
  if (/^[`\s]*$/.test(text.slice(i))) scan.cut = i;
  else scan.tail = run;
  return text.length;
}

function dollars(text: string, i: number, hold: Hold): number {
  const mark = text[i + 1] === "$" ? "$$" : "$";
  const after = text.slice(i + mark.length);
  if (mark === "$$") {
    const close = after.indexOf("$$");
    return close < 0 ? hold(i, formulaMaxChars) : i + 4 + close;
  }
  if (/^[\s\d]/.test(after) || /\w/.test(text[i - 1] ?? "")) return i + 1; // a price, or no formula
  if (after === "") return hold(i, 1);
  const close = /^(?:[^$\n`\\]|\\[^\n])*?(?<!\s)\$(?!\w)/.exec(after);
  if (close) return i + 1 + close[0].length;
  return after.includes("\n") ? i + 1 : hold(i, dollarMaxChars);
}

function link(text: string, i: number, hold: Hold): number {
  const start = text[i - 1] === "!" ? i - 1 : i;
  let depth = 0;
  const limit = Math.min(text.length, i + labelMaxChars);
  for (let j = i; j < limit; j++) {
    if (text[j] === "\\") j++;
    else if (text[j] === "[") depth++;
    else if (text[j] === "]" && --depth === 0) {
      if (j + 1 === text.length) return hold(start, labelMaxChars);
      if (text[j + 1] !== "(") return i + 1;
      const close = targetEnd(text, j + 1);
      return close < 0 ? hold(start, targetMaxChars) : close + 1;
    }
  }
  return limit === text.length ? hold(start, labelMaxChars) : i + 1;
}

/** The position of the parenthesis that closes the one at `from`; -1 if there is none. */
function targetEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < Math.min(text.length, from + targetMaxChars); i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return -1;
}

function emphasis(text: string, i: number, { open }: Scan, hold: Hold): number {
  const [run = ""] = /^(?:\*+|_+|~+)/.exec(text.slice(i, i + 100)) ?? [];
  const [before = " ", after] = [text[i - 1], text[i + run.length]];
  if (after === undefined) return hold(i, text.length); // the next character decides
  const isInWord = /\w/.test(before) && /\w/.test(after);
  // a single tilde means "about" far more often than strikethrough
  if ((run[0] === "_" && isInWord) || (run[0] === "~" && run.length !== 2)) return i + run.length;
  let left = run.length;
  while (left > 0 && !/\s/.test(before) && open.at(-1)?.[0] === run[0]) {
    const top = open.pop() as string;
    if (top.length > left) open.push(top.slice(left));
    left -= Math.min(left, top.length);
  }
  // before a letter it is meant as a mark; before other characters (*.ts, **/) it is shown as it is until it
  // is closed
  if (left > 0 && /[\p{L}\p{N}\p{Ps}\p{Pi}"'„`*_~<]/u.test(after)) open.push(run.slice(0, left));
  return i + run.length;
}
