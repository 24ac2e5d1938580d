// A formula as MathML; markdown/take finds them. What does not parse as TeX, or cannot be set, stays readable
// as its source.

import type temmlModule from "temml";
import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { unitsOf, type Work } from "./work.ts";

/** Loaded with the first formula, as the highlighter is with the first code. */
let temml: typeof temmlModule | null = null;

/**
 * What would make a formula of any size out of a few signs, or what is neither MathML nor a class of ours:
 * shown as its source.
 */
const notDrawn =
  /\\(?:[egx]?def|let|futurelet|(?:re)?newcommand|providecommand|global|long|rule|ref|eqref|cancelto|enclose|f?colorbox|label)(?![a-z])/i;

/** Longest MathML of one formula, in UTF-16 units. */
const mathmlMaxChars = 50_000;

/** Formulas that were set lately: an open block is drawn many times. In UTF-16 units. */
const known = new BoundedMap<string, string>(4_000_000);

/** MathML of a formula with its delimiters; its source where it is no TeX, or none that can be drawn. */
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

/** Attributes of MathML Core that say how a formula is set; style and class are the page's alone. */
const allowed =
  /^(?:accent|accentunder|columnalign|columnspan|depth|display|displaystyle|fence|form|height|linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|rowspan|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width)$/;

/** What Temml says by styles and classes of its own, as classes of ours (views/assets/markdown.css). */
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
 * Every tag built anew from what is allowed; null when one is not. What encloses becomes a row with a class:
 * browsers know no `menclose`.
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
