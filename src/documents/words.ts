// Words as the search compares them, in German and English: the stem of each, folded to plain letters; and
// what a question is looked for with. Pure.

import { stemmer as germanStem } from "@orama/stemmers/german";
import { stemmer as englishStem } from "stemmer";
import { BoundedMap } from "../domain/bounded-map.ts";
import type { PassageTerms, WordQuery } from "../domain/document.ts";
import { stopWords } from "./stop-words.ts";

/** Words of a question that are looked for. Further ones are left out. */
const queryWordsMax = 64;
/** A longer run of letters and digits is no word: such as encoded bytes. It is cut. */
const wordMaxLength = 64;
/** Least length of a word that may consist of several, and of each of these. In UTF-16 code units. */
const [compoundLength, partLength] = [9, 4];
/** The same of a part whose neighbour no passage has. */
const lonePartLength = 6;

/** Stems of the latest words. A text repeats most of its words. */
const stems = new BoundedMap<string, string>(20_000);

/** What a passage is found by: its own words, and those of `context`, such as the headings above it. */
export function passageTerms(context: string, text: string): PassageTerms {
  const all = [...wordsOf(context), ...wordsOf(text)];
  const compounds = new Set(all.filter((word) => word.length >= compoundLength).map(stemOf));
  return { words: all.map(stemOf), compounds: [...compounds] };
}

/** True for a question with words that tell of its subject. */
export const isTelling = (question: string): boolean =>
  wordsOf(question).some((word) => !stopWords.has(word));

/**
 * What a question is looked for with. A compound is also looked for by its parts, where `known` tells that
 * passages have them: "Kündigungsfrist" by "Kündigung" and "Frist". Empty when the question has no word.
 */
export async function wordQuery(
  question: string,
  known: (terms: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<WordQuery> {
  const all = [...new Set(wordsOf(question))];
  const telling = all.filter((word) => !stopWords.has(word));
  const asked = (telling.length > 0 ? telling : all).slice(0, queryWordsMax);
  const splits = asked.map(splitsOf);
  const there = await known([...new Set(splits.flat(3))]);
  const parts = splits.flatMap((ways) => partsOf(ways, there));
  const whole = asked.map(stemOf);
  return {
    words: [...new Set([...whole, ...parts])],
    fragments: [...new Set(whole.filter((stem) => stem.length >= partLength))],
  };
}

/** The words of a text, in order, in lower case. A word that is hyphenated at a line's end is one. */
function wordsOf(text: string): string[] {
  const plain = text
    .normalize("NFKC")
    .replaceAll("\u00ad", "")
    .replace(/(\p{L})[-‐]\n\s*(\p{Ll})/gu, "$1$2")
    .toLowerCase();
  return (plain.match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? []).map((word) => word.slice(0, wordMaxLength));
}

/**
 * The stem of a word in lower case: the German one, of which the English one is taken, so that a word of
 * either language has one stem. ß is ss, and ae, oe and ue are ä, ö and ü, which lose their dots with all
 * accents.
 */
function stemOf(word: string): string {
  const before = stems.get(word);
  if (before !== undefined) return before;
  const german = word
    .normalize("NFD")
    .replace(/(?<![aou])\u0308|(?!\u0308)\p{Mn}/gu, "")
    .normalize("NFC")
    .replaceAll("ß", "ss")
    .replace(/ae/g, "ä")
    .replace(/oe/g, "ö")
    .replace(/(?<![aeq])ue/g, "ü");
  const stem = folded(englishStem(folded(germanStem(german)))) || folded(word);
  stems.set(word, stem);
  return stem;
}

/** Without accents, and without anything that is no letter or digit. */
const folded = (word: string): string => word.normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "");

/** Stems of a first part (with and without the letters that join it) and of the second part. */
type Split = readonly [left: readonly string[], right: readonly string[]];

/** All ways to take a long word for two words: the shortest second one first. */
function splitsOf(word: string): readonly Split[] {
  if (word.length < compoundLength) return [];
  return Array.from({ length: word.length - 2 * partLength + 1 }, (_, i) => {
    const at = word.length - partLength - i;
    const left = word.slice(0, at);
    const lefts = [left, left.replace(/(s|n|en|es|er|e)$/, "")].map(stemOf);
    return [
      [...new Set(lefts)].filter((stem) => stem.length >= partLength),
      [stemOf(word.slice(at))].filter((stem) => stem.length >= partLength),
    ] as const;
  });
}

/** The parts of the first way whose parts are both there; else the longest part that is there. */
function partsOf(ways: readonly Split[], there: ReadonlySet<string>): readonly string[] {
  for (const [lefts, [right]] of ways) {
    const left = lefts.find((stem) => there.has(stem));
    if (left !== undefined && right !== undefined && there.has(right)) return [left, right];
  }
  const alone = ways.flat(2).filter((stem) => stem.length >= lonePartLength && there.has(stem));
  return alone.sort((a, b) => b.length - a.length).slice(0, 1);
}
