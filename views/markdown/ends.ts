// The ends of formulas and code in a Markdown text.

const environments =
  "equation|align|aligned|alignat|gather|gathered|multline|split|cases|array|[pbvBV]?matrix|smallmatrix";
/** Formulas that some models write without delimiters. */
export const bareFormula = new RegExp(String.raw`\\(?:(boxed)|begin\{((?:${environments})\*?)\})`, "y");

/** Longest formula, in UTF-16 units. */
export const formulaMaxChars = 4_000;

/** Longest formula in braces alone, in UTF-16 units. */
const bracesMaxChars = 500;

/** The position after the brace that closes the one at `from` on the same line; null if there is none. */
export function bracesEnd(text: string, from: number): number | null {
  let depth = 0;
  for (let i = from; i < Math.min(text.length, from + bracesMaxChars) && text[i] !== "\n"; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i + 1;
    if (depth === 0) return null;
  }
  return null;
}

/**
 * The end of the formula in dollars at `index`, by pandoc's rule: no white space inside the dollars, no
 * letter before and no digit after them. So prices are no formulas. Null if there is none.
 */
export function dollarEnd(text: string, index: number): number | null {
  if (/\w/.test(text[index - 1] ?? "")) return null;
  dollars.lastIndex = index;
  const [found] = dollars.exec(text) ?? [];
  return found === undefined || isPrices.test(found) ? null : index + found.length;
}

/** A price, then words: $10, you have 20$. */
const isPrices = /^\$\d[^\\]*\s[a-z]{2,}/i;

const dollars = new RegExp(
  `\\$(?!\\s)(?:[^$\\n\`\\\\]|\\\\[^\\n]){1,${formulaMaxChars}}(?<!\\s)\\$(?!\\w)`,
  "y",
);

export function fenceEnd(text: string, mark: string, from: number): number {
  const closing = mark === "`" ? /^ {0,3}`{3,}[^\S\n]*$/gm : /^ {0,3}~{3,}[^\S\n]*$/gm;
  closing.lastIndex = from;
  return closing.exec(text) ? closing.lastIndex : text.length;
}

/** The position after the next run of as many backticks; without one, `from`. */
export function codeEnd(text: string, run: string, from: number): number {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let found = runs.exec(text), tries = 0; found && tries < runsMax; found = runs.exec(text), tries++)
    if (found[0] === run) return runs.lastIndex;
  return from;
}

/** At most this many runs of backticks are searched for the end of a code span. */
const runsMax = 100;

/**
 * `indexOf` with a memory. A text may contain many marks that are never closed, and a plain search for each
 * would read to the end of the text.
 */
export function finder(text: string): (mark: string, from: number) => number {
  const known = new Map<string, number>();
  return (mark, from) => {
    const last = known.get(mark);
    if (last !== undefined && (last < 0 || last >= from)) return last;
    const at = text.indexOf(mark, from);
    known.set(mark, at);
    return at;
  };
}
