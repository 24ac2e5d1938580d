// How far a text has a word: itself, another form of it, as a part of a compound, or a part of it. In German,
// where words are joined. Pure.

import { stemOf, wordsOf } from "./stems.ts";

export interface WordsOfText {
  readonly stems: ReadonlySet<string>;
  /** The long ones, between spaces: a compound has other words in it. */
  readonly compounds: string;
}

/** Least length of a stem in a compound, of its last word, and of a compound itself, in UTF-16 units. */
const [partLength, headLength, compoundLength] = [5, 4, 9];
/** How far a text has a word that is only in a compound, or of which it has only a part. */
const [inCompound, partOnly] = [0.8, 0.5];

export function wordsOfText(text: string): WordsOfText {
  const stems = new Set(wordsOf(text).map(stemOf));
  const long = [...stems].filter((stem) => stem.length >= compoundLength - 1);
  return { stems, compounds: ` ${long.join(" ")} ` };
}

/** How far a text has the word of this stem, from 0 to 1. */
export function wordFinder(stem: string): (text: WordsOfText) => number {
  const forms = [stem, `ge${stem}`, ...participleForms(stem)];
  const pairs = stem.length < compoundLength - 1 ? [] : pairsOf(stem);
  return ({ stems, compounds }) => {
    if (forms.some((form) => stems.has(form))) return 1;
    if (pairs.some(([lefts, right]) => stems.has(right) && lefts.some((left) => stems.has(left)))) return 1;
    if (stem.length >= partLength && compounds.includes(stem)) return inCompound;
    const hasPart = pairs.some(
      ([lefts, right]) =>
        (right.length >= headLength && stems.has(right)) ||
        lefts.some((left) => left.length >= partLength && stems.has(left)),
    );
    return hasPart ? partOnly : 0;
  };
}

/** "geraucht" is a form of "rauchen". */
const participleForms = (stem: string): readonly string[] =>
  /^ge.{4}/.test(stem) ? [stem.slice(2), stem.slice(2).replace(/t$/, "")] : [];

/** The ways to take a long stem for two words, the first with and without the letters that join them. */
function pairsOf(stem: string): readonly (readonly [lefts: readonly string[], right: string])[] {
  return Array.from({ length: stem.length - 6 }, (_, i) => {
    const left = stem.slice(0, i + 4);
    const joined = left.replace(/(?:s|n|en|es|er|e)$/, "");
    return [[...new Set([left, joined, stemOf(joined)])], stem.slice(i + 4)] as const;
  });
}
