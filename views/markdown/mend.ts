// The open end of a text that is still being written, made good for showing: what is unfinished (bold, code, a link, a formula) is
// closed or kept back, so that nothing on the page jumps when its end arrives. Nothing is decided here: what is shown in the
// end is the whole text's.

/** How long something that may yet become a link or a formula is kept back, in characters; longer and it is shown as it stands. */
const labelMaxChars = 300;
const targetMaxChars = 2_000;
const formulaMaxChars = 1_000;
const dollarMaxChars = 80;

/** The longest paragraph in which anything is made good. */
const contextMaxChars = 10_000;

/** A line of these alone may yet become anything: a rule, a heading's underline, an item, a fence, a table. */
const undecidedLine = /^[ \t]*(?:[-+*_=#>~`|: \t]*|\d{1,9}[.)]?[ \t]*)$/;
/** A line that begins a fence tells what it is only at its end; so does a definition, or the row of a table. */
const heldLine = /^ {0,3}(?:`{3,}|~{3,}|\[[^\]\n]*(?:\](?::.*)?)?$|\|)/;

/** The part of an open block that can be shown: its complete lines, and the one being written once it is clear what it is. */
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
export interface Mended {
  readonly text: string;
  readonly closers: string;
}

/** The shown part of an open block with everything closed that is open in it. */
export function mended(text: string): Mended {
  // of code that stands in a list or a quote the complete lines: they change no more
  if (isInsideFence(text)) return { text: text.slice(0, text.lastIndexOf("\n") + 1), closers: "" };
  const from = lastContextOf(text);
  if (text.length - from > contextMaxChars) return { text, closers: "" }; // nobody writes like this: shown as it stands
  const scan: Scan = { open: [], cut: text.length, tail: "" };
  for (let i = from; i < scan.cut && scan.tail === ""; ) i = step(text, i, scan);
  const shown = text.slice(0, scan.cut).replace(/&[#\w]*$/, "");
  let begun = scan.tail === "" ? shown.trimEnd() : shown.replace(/[`\s]+$/, "");
  // a mark with nothing behind it yet is kept back as well
  for (let mark = scan.open.at(-1); mark !== undefined && begun.endsWith(mark); mark = scan.open.at(-1)) {
    begun = begun.slice(0, -mark.length).trimEnd();
    scan.open.pop();
  }
  return { text: begun, closers: scan.tail + scan.open.reverse().join("") };
}

/** A fence inside a list or a quote is open: what is in it is code. */
function isInsideFence(text: string): boolean {
  return (text.match(/^[ \t>]*(?:[-+*]|\d{1,9}[.)])?[ \t]*(?:`{3,}|~{3,})/gm)?.length ?? 0) % 2 === 1;
}

/** Where the last paragraph, item, row or heading begins: nothing inline reaches across its start. */
function lastContextOf(text: string): number {
  const starts = text.matchAll(/(?:^|\n)(?:[ \t]*\n|[ \t]*(?:[-+*>|]|#{1,6}|\d{1,9}[.)])(?:[ \t]|(?=\|)))/g);
  let last = 0;
  for (const { index, 0: found } of starts) last = index + found.length;
  return last;
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
      return /^<[a-z][a-z0-9+.@-]*(?::[^\s>]*)?$/i.test(text.slice(i, i + targetMaxChars)) ? hold(i, targetMaxChars) : i + 1;
    case "*":
    case "_":
    case "~":
      return emphasis(text, i, scan, hold);
    case "h":
    case "w":
      return address(text, i, hold);
    case "!":
      return i + 1 === text.length ? hold(i, 1) : i + 1;
    default:
      return i + 1;
  }
}

/** An address at the end of the text has its end still to come: it would be another link with each piece. */
function address(text: string, i: number, hold: Hold): number {
  const rest = text.slice(i, i + targetMaxChars);
  const isBegun = ["https://", "http://", "www."].some((start) => start.startsWith(rest));
  const isStart = !/\w/.test(text[i - 1] ?? "") && (isBegun || /^(?:https?:\/\/|www\.)[!-~]*$/.test(rest));
  return isStart ? hold(i, targetMaxChars) : i + 1;
}

type Hold = (at: number, maxChars: number) => number;

function escaped(text: string, i: number, hold: Hold): number {
  const next = text[i + 1];
  if (next === undefined) return hold(i, 1);
  if (next !== "(" && next !== "[") return i + 2;
  const close = text.indexOf(next === "(" ? "\\)" : "\\]", i + 2);
  return close < 0 ? hold(i, formulaMaxChars) : close + 2;
}

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
  // before a letter it is meant as a mark; before other signs (*.ts, **/) it is shown as it stands until it is closed
  if (left > 0 && /[\p{L}\p{N}"'„“«([`*_~]/u.test(after)) open.push(run.slice(0, left));
  return i + run.length;
}
