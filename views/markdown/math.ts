// Formulas: found in Markdown before it is parsed (to the parser they are stray signs), put back as MathML afterwards. What does
// not parse as TeX stays readable as its source.

import type temmlModule from "temml";

/** Loaded with the first formula, as the highlighter is with the first code. */
let temml: typeof temmlModule | null = null;

/** A formula's place in the Markdown; noncharacters, which `clean` takes out of every text. */
export const placeOf = /\ufdd0(\d+)\ufdd1/g;

/** Longest formula, in UTF-16 units. */
const formulaMaxChars = 4_000;

/** Where something is looked at: a fence's line, a run of backticks, a backslash, a dollar, a link's target, an address. */
const signs = /^ {0,3}(?:`{3,}|~{3,})[^\n]*$|`+|\\[\s\S]?|\$\$?|\]\(|https?:\/\/\S+/gm;

/** The text with a mark in each formula's place, and the formulas as they stood there. */
export function takeFormulas(text: string): { source: string; formulas: readonly string[] } {
  if (!/[$\\]/.test(text)) return { source: text, formulas: [] };
  const formulas: string[] = [];
  const next = finder(text);
  let source = "";
  let done = 0;
  signs.lastIndex = 0;
  for (let found = signs.exec(text); found; found = signs.exec(text)) {
    const [sign] = found;
    const { index } = found;
    const end = endOf(text, sign, index, next);
    const isFormula = end !== null && /^(?:\$|\\[([])/.test(sign);
    if (isFormula) {
      source += `${text.slice(done, index)}\ufdd0${formulas.push(text.slice(index, end)) - 1}\ufdd1`;
      done = end;
    }
    signs.lastIndex = end ?? index + sign.length;
  }
  return { source: source + text.slice(done), formulas };
}

/** Where what a sign begins has its end: a formula, or what no formula can stand in. null when it begins nothing. */
function endOf(text: string, sign: string, index: number, next: (mark: string, from: number) => number): number | null {
  const close = (mark: string, from: number) => {
    const at = next(mark, from);
    const isNear = at > from && at - from <= formulaMaxChars && !/\n[^\S\n]*(?:\n|>)/.test(text.slice(from, at));
    return isNear ? at + mark.length : null;
  };
  if (/^ {0,3}[`~]{3}/.test(sign)) return fenceEnd(text, sign.trimStart()[0] as string, index + sign.length);
  if (sign.startsWith("`")) return codeEnd(text, sign, index + sign.length);
  if (sign === "](") return close(")", index + 2);
  if (sign === "\\(" || sign === "\\[") return close(sign === "\\(" ? "\\)" : "\\]", index + 2);
  if (sign === "$$") return close("$$", index + 2);
  return sign === "$" ? dollarEnd(text, index) : index + sign.length;
}

/** pandoc's rule: no white space inside the dollars, no letter before and no digit behind them; so prices are no formulas. */
function dollarEnd(text: string, index: number): number | null {
  if (/\w/.test(text[index - 1] ?? "")) return null;
  dollars.lastIndex = index;
  const [found] = dollars.exec(text) ?? [];
  return found === undefined || isPrices.test(found) ? null : index + found.length;
}

/** A sum, then words: $10, you have 20$. */
const isPrices = /^\$\d[^\\]*\s[a-z]{2,}/i;

const dollars = new RegExp(`\\$(?!\\s)(?:[^$\\n\`\\\\]|\\\\[^\\n]){1,${formulaMaxChars}}(?<!\\s)\\$(?!\\w)`, "y");

function fenceEnd(text: string, mark: string, from: number): number {
  const closing = mark === "`" ? /^ {0,3}`{3,}[^\S\n]*$/gm : /^ {0,3}~{3,}[^\S\n]*$/gm;
  closing.lastIndex = from;
  return closing.exec(text) ? closing.lastIndex : text.length;
}

/** Behind the run of as many backticks; where there is none, behind these. */
function codeEnd(text: string, run: string, from: number): number {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let found = runs.exec(text), tries = 0; found && tries < runsMax; found = runs.exec(text), tries++) if (found[0] === run) return runs.lastIndex;
  return from;
}

/** Runs of backticks that are looked at for the end of a code span. */
const runsMax = 100;

/** `indexOf` that remembers: marks without an end are many in a text that is no formula, and each would be looked for to its end. */
function finder(text: string): (mark: string, from: number) => number {
  const known = new Map<string, number>();
  return (mark, from) => {
    const last = known.get(mark);
    if (last !== undefined && (last < 0 || last >= from)) return last;
    const at = text.indexOf(mark, from);
    known.set(mark, at);
    return at;
  };
}

/** What would make a formula of any size out of a few signs, or what MathML as browsers draw it has no signs for: shown as its source. */
const notDrawn =
  /\\(?:[egx]?def|let|futurelet|(?:re)?newcommand|providecommand|global|long|rule|ref|eqref|[bx]?cancel|f?boxed|fbox|enclose|f?colorbox|label|tag)(?![a-z])/i;

/** Longest MathML of one formula, in UTF-16 units. */
const mathmlMaxChars = 50_000;

/** Formulas that are remembered: an open block is drawn many times. */
const knownMax = 500;
const known = new Map<string, string>();

/** MathML of a formula with its delimiters; its source where it is no TeX, or none that can be drawn. */
export function formula(found: string): string {
  const remembered = known.get(found);
  if (remembered !== undefined) return remembered;
  const made = mathml(found) ?? `<code class="tex">${Bun.escapeHTML(found)}</code>`;
  const [oldest] = known.keys();
  if (known.size >= knownMax && oldest !== undefined) known.delete(oldest);
  known.set(found, made);
  return made;
}

function mathml(found: string): string | null {
  if (notDrawn.test(found)) return null;
  const displayMode = found.startsWith("$$") || found.startsWith("\\[");
  const length = found.startsWith("$") && !displayMode ? 1 : 2;
  try {
    const tex = found.slice(length, -length).trim();
    temml ??= require("temml") as typeof temmlModule;
    const made = temml.renderToString(tex, { displayMode, throwOnError: true, trust: false, maxExpand: 50, maxSize: [20, 40] });
    return made.length > mathmlMaxChars ? null : bare(made);
  } catch {
    return null;
  }
}

const elements =
  /^(?:math|m(?:row|i|n|o|s|text|space|frac|sqrt|root|sub|sup|subsup|under|over|underover|multiscripts|table|tr|td|style|error|padded|phantom)|mprescripts|none)$/;

/** Attributes of MathML Core that say how a formula is set; style and class are the page's alone. */
const allowed =
  /^(?:accent|accentunder|columnalign|columnspan|depth|display|displaystyle|fence|form|height|linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|rowspan|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width)$/;

/** Every tag built anew from what is allowed; null when one is not. */
function bare(made: string): string | null {
  let isKnown = true;
  const html = made.replace(/<(\/?)([a-z]+)([^>]*)>/g, (_, close: string, name: string, attributes: string) => {
    isKnown &&= elements.test(name);
    const kept = [...attributes.matchAll(/\s([\w-]+)="[^"]*"/g)].filter(([, key]) => allowed.test(key as string)).map(([whole]) => whole);
    return `<${close}${name}${kept.join("")}>`;
  });
  return isKnown ? html : null;
}
