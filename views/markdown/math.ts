// Formulas as MathML. A formula that is not valid TeX, or cannot be rendered, is shown as its source.

import type temmlModule from "temml";
import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { unitsOf, type Work } from "./work.ts";

/** Loaded at the first formula, as the highlighter is at the first code. */
let temml: typeof temmlModule | null = null;

/**
 * Commands that could make a huge formula from a few characters, and commands whose output is neither MathML
 * nor one of our classes. Such a formula is shown as its source.
 */
const notDrawn =
  /\\(?:[egx]?def|let|futurelet|(?:re)?newcommand|providecommand|global|long|rule|ref|eqref|cancelto|enclose|f?colorbox|label)(?![a-z])/i;

/** Longest MathML of one formula, in UTF-16 units. */
const mathmlMaxChars = 50_000;

/** Cache of rendered formulas: an open block is rendered many times. Its size is in UTF-16 units. */
const known = new BoundedMap<string, string>(4_000_000);

/** MathML of a formula with its delimiters; its source if it cannot be rendered. */
export function formula(found: string, work: Work): string {
  const remembered = known.get(found);
  if (remembered !== undefined) return remembered;
  const source = `<code class="tex">${Bun.escapeHTML(found)}</code>`;
  if (!work.take(unitsOf.formula(found.length))) return source;
  const made = mathml(found) ?? source;
  known.set(found, made, found.length + made.length);
  return made;
}

function mathml(found: string): string | null {
  if (notDrawn.test(found)) return null;
  const displayMode = /^(?:\$\$|\\\[|\\begin)/.test(found);
  const length = /^\\b/.test(found) ? 0 : found.startsWith("$") && !displayMode ? 1 : 2;
  try {
    const tex = found.slice(length, found.length - length).trim();
    temml ??= require("temml") as typeof temmlModule;
    const made = temml.renderToString(tex, {
      displayMode,
      throwOnError: true,
      trust: false,
      maxExpand: 50,
      maxSize: [20, 40],
    });
    return made.length > mathmlMaxChars ? null : bare(made);
  } catch {
    return null;
  }
}

const elements =
  /^(?:math|m(?:row|i|n|o|s|text|space|frac|sqrt|root|sub|sup|subsup|under|over|underover|multiscripts|table|tr|td|style|error|padded|phantom)|mprescripts|none)$/;

/** The allowed attributes of MathML Core. Style and class come from the page alone. */
const allowed =
  /^(?:accent|accentunder|columnalign|columnspan|depth|display|displaystyle|fence|form|height|linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|rowspan|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width)$/;

/** The styles and classes of Temml, as classes of ours (views/assets/math.css). */
const classes: readonly (readonly [RegExp, string])[] = [
  [/border:1px solid|notation="box"/, "boxed"],
  [/notation="updiagonalstrike"/, "cancel"],
  [/notation="downdiagonalstrike"/, "bcancel"],
  [/notation="updiagonalstrike downdiagonalstrike"/, "xcancel"],
  [/notation="horizontalstrike"/, "sout"],
  [/width:100%/, "wide"],
  [/width:50%/, "side"],
  [/tml-tag"/, "tag"],
  [/tml-right/, "end"],
  [/tml-left/, "start"],
  [/border-right:0/, "bar"],
  [/border-bottom:0/, "under"],
];

/**
 * Rebuilds every tag from the allow-list; null if a tag is not on it. `menclose` becomes a row with a class,
 * because browsers do not support it.
 */
function bare(made: string): string | null {
  let isKnown = true;
  const html = made
    .replaceAll('<span class="tml-eqn"></span>', "")
    .replace(/<(\/?)([a-z]+)([^>]*)>/g, (_, close: string, name: string, attributes: string) => {
      const element = name === "menclose" ? "mrow" : name;
      isKnown &&= elements.test(element);
      if (attributes === "") return `<${close}${element}>`;
      const kept = [...attributes.matchAll(/\s([\w-]+)="[^"]*"/g)]
        .filter(([, key]) => allowed.test(key as string))
        .map(([whole]) => whole);
      const ours = /style|class|notation/.test(attributes)
        ? classes.filter(([sign]) => sign.test(attributes)).map(([, ours]) => ours)
        : [];
      return `<${close}${element}${kept.join("")}${ours.length > 0 ? ` class="${ours.join(" ")}"` : ""}>`;
    });
  return isKnown ? html : null;
}
