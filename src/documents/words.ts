// What passages are found by and what a question is looked for with: stems of words, in German and English.
// Pure.

import type { PassageTerms, WordQuery } from "../domain/document.ts";
import { stemOf, wordsOf } from "../domain/stems.ts";
import { stopWords } from "../domain/stop-words.ts";

/** Words of a question that are looked for. Further ones are left out. */
const queryWordsMax = 64;
/** Passages that are compared with a question, about: a tenth of a microsecond each and word. */
const comparedMax = 20_000;
/** Least length of a word that may consist of several, and of each of these. In UTF-16 code units. */
const [compoundLength, partLength] = [9, 4];
/** The same of a part whose neighbour no passage has. */
const lonePartLength = 6;

/** A word that a question asks for. */
export interface AskedWord {
  readonly stem: string;
  /** Stems of the words that it consists of, where passages have them. */
  readonly parts: readonly string[];
}

/** The words of a text. The sign of the euro is read as its name, since prices have one or the other. */
const wordsIn = (text: string): readonly string[] => wordsOf(text.replaceAll("€", " euro "));

/** What a passage is found by: its own words, and those of `context`, such as the headings above it. */
export function passageTerms(context: string, text: string): PassageTerms {
  const all = [...wordsIn(context), ...wordsIn(text)];
  const compounds = new Set(all.filter((word) => word.length >= compoundLength).map(stemOf));
  return { words: all.map(stemOf), compounds: [...compounds] };
}

/**
 * What a question asks for, each word once. A compound has its parts, where `known` tells that passages have
 * them: "Kündigungsfrist" has "Kündigung" and "Frist". Empty when the question has no word.
 */
export async function askedWords(
  question: string,
  known: (terms: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<readonly AskedWord[]> {
  const all = [...new Set(wordsIn(question))];
  const telling = all.filter((word) => !stopWords.has(word));
  const words = (telling.length > 0 ? telling : all).slice(0, queryWordsMax);
  const splits = words.map(splitsOf);
  const there = await known([...new Set(splits.flat(3))]);
  return words.map((word, i) => ({ stem: stemOf(word), parts: partsOf(splits[i] ?? [], there) }));
}

/** What words are looked for with: themselves and their parts. Those whose stem is in `twice` count twice. */
export function queryOf(asked: readonly AskedWord[], twice: ReadonlySet<string> = new Set()): WordQuery {
  const termsOf = (words: readonly AskedWord[]) => [
    ...new Set([...words.map(({ stem }) => stem), ...words.flatMap(({ parts }) => parts)]),
  ];
  const fragments = asked.map(({ stem }) => stem).filter((stem) => stem.length >= partLength);
  return {
    words: [...termsOf(asked), ...termsOf(asked.filter(({ stem }) => twice.has(stem)))],
    fragments: [...new Set(fragments)],
  };
}

/**
 * The query without its most frequent words, where its words have too many passages together: each of those
 * is compared, and a word that so many have says little about one. The rarest word always stays.
 */
export function withoutFrequent(
  { words, fragments }: WordQuery,
  frequencies: ReadonlyMap<string, number>,
): WordQuery {
  const having = (word: string) => frequencies.get(word) ?? 0;
  let sum = 0;
  const kept = [...words]
    .sort((a, b) => having(a) - having(b))
    .filter((word, i) => {
      sum += having(word);
      return i === 0 || sum <= comparedMax;
    });
  return { words: kept, fragments: fragments.filter((stem) => kept.includes(stem)) };
}

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
