// Words as they are compared, in German and English: the stem of each, folded to plain letters. Pure; the
// only state is a cache.

import { stemmer as germanStem } from "@orama/stemmers/german";
import { stemmer as englishStem } from "stemmer";
import { BoundedMap } from "./bounded-map.ts";

/** A longer run of letters and digits is no word: such as encoded bytes. It is cut. */
const wordMaxLength = 64;

/** Stems of the latest words. A text repeats most of its words. */
const stems = new BoundedMap<string, string>(20_000);

/** The words of a text, in order, in lower case. A word that is hyphenated at a line's end is one. */
export function wordsOf(text: string): string[] {
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
export function stemOf(word: string): string {
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
