// Formulas: found in Markdown before it is parsed (to the parser they are stray signs), put back as MathML afterwards. What does
// not parse as TeX stays readable as its source.

import temml from "temml";

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
    const isNear = at > from && at - from <= formulaMaxChars && !/\n[^\S\n]*\n/.test(text.slice(from, at));
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
  return dollars.exec(text) ? dollars.lastIndex : null;
}

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

/** MathML of a formula with its delimiters; its source where it is no TeX. */
export function formula(found: string): string {
  const displayMode = found.startsWith("$$") || found.startsWith("\\[");
  const length = found.startsWith("$") && !displayMode ? 1 : 2;
  try {
    const mathml = temml.renderToString(found.slice(length, -length).trim(), {
      displayMode,
      throwOnError: true,
      trust: false,
      maxExpand: 500,
      maxSize: [20, 40],
    });
    return bare(mathml);
  } catch {
    return `<code class="tex">${Bun.escapeHTML(found)}</code>`;
  }
}

/** Attributes of MathML Core that say how a formula is set; style and class are the page's alone. */
const allowed =
  /^(?:accent|accentunder|columnalign|columnspan|depth|display|displaystyle|fence|form|height|linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|notation|rowspan|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width)$/;

function bare(mathml: string): string {
  return mathml.replace(/<([a-z]+)((?:\s[\w-]+="[^"]*")+)/g, (_, name: string, attributes: string) => {
    const kept = [...attributes.matchAll(/\s([\w-]+)="[^"]*"/g)].filter(([, key]) => allowed.test(key as string)).map(([whole]) => whole);
    return `<${name}${kept.join("")}`;
  });
}
