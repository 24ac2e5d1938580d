// Formulas: found in Markdown before it is parsed (to the parser they are stray signs), put back as MathML afterwards. What does
// not parse as TeX stays readable as its source.

import temml from "temml";

/** A formula's place in the Markdown; noncharacters, which `clean` takes out of every text. */
export const placeOf = /\ufdd0(\d+)\ufdd1/g;

/** Longest formula, in UTF-16 units. */
const formulaMaxChars = 4_000;

const body = `(?:(?!\\n[^\\S\\n]*\\n)[\\s\\S]){1,${formulaMaxChars}}?`;
/** What a dollar, or a bracket with a backslash, is no sign of a formula in comes first: fences, code spans, escapes. */
const finds = new RegExp(
  [
    "^ {0,3}(`{3,}|~{3,})[^\\n]*\\n(?:[\\s\\S]*?\\n)??(?: {0,3}\\1[`~]*[^\\S\\n]*$|(?![\\s\\S]))", // a fence, closed or not
    "(`+)(?!`)(?:[^`]|(?!\\2(?!`))`+)*?(?<!`)\\2(?!`)", // a code span
    "\\\\[^([]",
    `\\\\\\[${body}\\\\\\]`,
    `\\\\\\(${body}\\\\\\)`,
    `\\$\\$(?!\\$)${body}\\$\\$`,
    // pandoc's rule: no white space inside the dollars, no digit behind them; so prices are no formulas
    `(?<![\\w$\\\\])\\$(?![\\s$])(?:[^$\\n\`\\\\]|\\\\[^\\n]){0,${formulaMaxChars}}?(?<![\\s\\\\])\\$(?![\\w$])`,
  ].join("|"),
  "gm",
);

/** The text with a mark in each formula's place, and the formulas as they stood there. */
export function takeFormulas(text: string): { source: string; formulas: readonly string[] } {
  if (!/[$\\]/.test(text)) return { source: text, formulas: [] };
  const formulas: string[] = [];
  const source = text.replace(finds, (found) => {
    if (!/^(?:\$|\\[([])/.test(found)) return found;
    return `\ufdd0${formulas.push(found) - 1}\ufdd1`;
  });
  return { source, formulas };
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
