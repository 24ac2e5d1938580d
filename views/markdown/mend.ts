// The open end of a text that is still being written, made good for showing: what is unfinished (bold, code,
// a link, a formula) is closed or kept back, so that nothing on the page jumps when its end arrives. Nothing
// is decided here: what is shown in the end is the whole text's.

import { bracesEnd } from "./ends.ts";
import { address, angle, type Hold, mail, targetMaxChars } from "./held.ts";

/**
 * How long something that may yet become a link or a formula is kept back, in characters; longer and it is
 * shown as it stands.
 */
const labelMaxChars = 300;
const formulaMaxChars = 1_000;
const dollarMaxChars = 80;

/** The longest paragraph in which anything is made good. */
const contextMaxChars = 10_000;

/**
 * A line of these alone may yet become anything: a rule, a heading's underline, an item, a fence, a table.
 */
const undecidedLine = /^[-+*_=#>~`|: \t]*$|^[ \t]*\d{1,9}[.)]?[ \t]*$/;
/**
 * A line that begins a fence tells what it is only at its end; so does a definition, or the row of a table.
 */
const heldLine = /^ {0,3}(?:`{3,}|~{3,}|\[(?!\^)[^\]\n]*(?:\](?::.*)?)?$|\|)/;

/**
 * The part of an open block that can be shown: its complete lines, and the one being written once it is clear
 * what it is.
 */
export function shownPart(lines: string, rest: string): string {
  const isUndecided = undecidedLine.test(rest) || heldLine.test(rest);
  return isUndecided ? withoutFirstRow(lines) : lines + rest;
}

/** The lines without the last, where that may be the first row of a table: the line below it says. */
function withoutFirstRow(lines: string): string {
  const start = lines.lastIndexOf("\n", lines.length - 2) + 1;
  const before = lines.slice(lines.lastIndexOf("\n", start - 2) + 1, start);
  return /^[ \t]*\|/.test(lines.slice(start)) && !before.includes("|") ? lines.slice(0, start) : lines;
}

interface Scan {
  /** Marks that are open, outermost first. */
  readonly open: string[];
  /** From here on nothing is shown yet. */
  cut: number;
  /** Closes what is open behind all others: a code span. */
  tail: string;
}

/** What can be shown of an open block, and the marks that close what is open in it. */
interface Mended {
  readonly text: string;
  readonly closers: string;
}

/** The shown part of an open block with everything closed that is open in it. */
export function mended(text: string): Mended {
  // of code that stands in a list or a quote the complete lines: they change no more
  if (isInsideFence(text)) return { text: text.slice(0, text.lastIndexOf("\n") + 1), closers: "" };
  const from = lastContextOf(text);
  // nobody writes like this: shown as it stands
  if (text.length - from > contextMaxChars) return { text, closers: "" };
  const scan: Scan = { open: [], cut: text.length, tail: "" };
  for (let i = from; i < scan.cut && scan.tail === ""; ) i = step(text, i, scan);
  const shown = text.slice(0, scan.cut);
  const reference = /&[#\w]{0,32}$/.exec(shown.slice(-33));
  let begun = (reference ? shown.slice(0, -reference[0].length) : shown).trimEnd();
  if (scan.tail !== "") while (/[`\s]/.test(begun.at(-1) ?? "")) begun = begun.slice(0, -1).trimEnd();
  // a mark with nothing behind it yet is kept back as well
  for (let mark = scan.open.at(-1); mark !== undefined && begun.endsWith(mark); mark = scan.open.at(-1)) {
    begun = begun.slice(0, -mark.length).trimEnd();
    scan.open.pop();
  }
  return { text: begun, closers: scan.tail + scan.open.reverse().map(closerOf).join("") };
}

/** What closes a mark, or a tag that was written. */
const closerOf = (mark: string): string => (mark.startsWith("<") ? `</${mark.slice(1)}` : mark);

/** A fence inside a list or a quote is open: what is in it is code. */
function isInsideFence(text: string): boolean {
  return (text.match(/^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)?(?:`{3,}|~{3,})/gm)?.length ?? 0) % 2 === 1;
}

/** Where the last paragraph, item, row or heading begins: nothing inline reaches across its start. */
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

/** Looks at what stands at `i`; returns where to look next. */
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

/** A formula without any sign around it, or the beginning of one. */
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

/** Longer than the beginning of any such formula. */
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
  if (/^[\s\d]/.test(after) || /\w/.test(text[i - 1] ?? "")) return i + 1; // a price, or nothing
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

/** Where the parenthesis at `from` is closed; -1 when it is not. */
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
  if (after === undefined) return hold(i, text.length); // what it does depends on what follows
  const isInWord = /\w/.test(before) && /\w/.test(after);
  // a single tilde says "about" far more often than it strikes out
  if ((run[0] === "_" && isInWord) || (run[0] === "~" && run.length !== 2)) return i + run.length;
  let left = run.length;
  while (left > 0 && !/\s/.test(before) && open.at(-1)?.[0] === run[0]) {
    const top = open.pop() as string;
    if (top.length > left) open.push(top.slice(left));
    left -= Math.min(left, top.length);
  }
  // before a letter it is meant as a mark; before other signs (*.ts, **/) it is shown as it stands until it
  // is closed
  if (left > 0 && /[\p{L}\p{N}\p{Ps}\p{Pi}"'„`*_~<]/u.test(after)) open.push(run.slice(0, left));
  return i + run.length;
}
