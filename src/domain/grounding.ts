// Whether the sentences of an answer stand in the passages that it was given: by their words, their numbers
// and their quotations. What a sentence means is not understood. Pure; the only state is a cache.

import { BoundedMap } from "./bounded-map.ts";
import { isClaim, isFormal, isUnspaced, tellingStems } from "./claims.ts";
import { type Figure, figureIndex, figuresIn, isFigureIn } from "./figures.ts";
import { type Language, languageOf } from "./language.ts";
import type { SourcePart } from "./part.ts";
import { areQuoted, quotable } from "./quotations.ts";
import { numberWords } from "./units.ts";
import { type WordsOfText, wordFinder, wordsOfText } from "./word-finder.ts";

/**
 * What was found about a sentence. `none`: it claims nothing, or can't be compared. `supported`: the passages
 * that it cites say so; one without a citation has the number `by` from parlor, null where several passages
 * come equally near. `unsupported`: the passages that it cites do not. `unsourced`: it cites none, and no
 * passage says so. `lacksWords`: the passages have its numbers and quotations, but too few of its words.
 */
export type Verdict =
  | { readonly kind: "none" }
  | { readonly kind: "unsupported" | "unsourced"; readonly lacksWords: boolean }
  | { readonly kind: "supported"; readonly by: number | null };

/** What is checked of an answer: how many sentences, and how many of them were found in the passages. */
export interface Tally {
  readonly sentences: number;
  readonly supported: number;
}

export const noTally: Tally = { sentences: 0, supported: 0 };

/** Least share, by weight, of a sentence's words that a supporting passage has (bench/documents-grounding). */
const supportMin = 0.4;
/** The same of a passage whose number parlor adds, and by how much it is ahead of the next one. */
const attributionMin = 0.55;
const attributionMargin = 0.2;
/** Least number of words and numbers of a sentence that gets a number from parlor. */
const attributedItems = 3;
/** Longer sentences are compared by their beginning. In UTF-16 units. */
const sentenceMaxChars = 2_000;
/** Verdicts are kept for sentences of so many UTF-16 units together: more than an answer has that is checked. */
const keptMaxChars = 1_000_000;
/** What a verdict takes besides its sentence. */
const verdictChars = 32;

/** What is compared of a passage. */
interface Passage extends WordsOfText {
  readonly n: number;
  readonly language: Language | null;
  readonly figures: ReadonlyMap<string, ReadonlySet<string>>;
  readonly quotable: string;
}

/** A word or a number of a sentence. */
interface Item {
  /** How far a passage has it, from 0 to 1. */
  readonly in: (passage: Passage) => number;
  /** What it counts, before its rarity: 1 for a word that tells something. */
  readonly weight: number;
}

/** The passages of an answer, ready to be compared with its sentences. */
export class Check {
  readonly #sources: readonly SourcePart[];
  readonly #verdicts = new BoundedMap<string, Verdict>(keptMaxChars);
  #passages: readonly Passage[] | null = null;

  constructor(sources: readonly SourcePart[]) {
    this.#sources = sources;
  }

  get size(): number {
    return this.#sources.length;
  }

  /** True if the sentence was compared before: then its verdict costs nothing. */
  isKnown(sentence: string, cites: readonly number[]): boolean {
    return this.#verdicts.has(keyOf(sentence, cites));
  }

  /** `cites` are numbers of passages that the sentence cites. Its text is without them. */
  of(sentence: string, cites: readonly number[]): Verdict {
    const key = keyOf(sentence, cites);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = this.#judge(sentence.slice(0, sentenceMaxChars), cites);
    this.#verdicts.set(key, verdict, key.length + verdictChars);
    return verdict;
  }

  #judge(text: string, cites: readonly number[]): Verdict {
    this.#passages ??= this.#sources.map(passageOf);
    const cited = this.#passages.filter(({ n }) => cites.includes(n));
    const language = languageOf(text);
    const figures = figuresIn(withoutNumbering(text), language);
    const telling = tellingStems(text);
    if (!isClaim(text, { telling, figures: figures.length, isCited: cited.length > 0 }))
      return { kind: "none" };
    const isComparable = ({ language: other }: Passage) =>
      !isUnspaced(text) && (language === null || other === null || language === other);
    const claim = { text, figures, items: itemsOf(telling, figures) };
    if (cited.length > 0) {
      if (!cited.some(isComparable)) return foreignVerdict(claim, cited);
      const lacksWords = hasAll(claim, cited);
      return lacksWords && this.#share(claim.items, cited) >= supportMin
        ? { kind: "supported", by: null }
        : { kind: "unsupported", lacksWords };
    }
    return this.#passages.some(isComparable) ? this.#attributed(claim) : { kind: "none" };
  }

  /** The verdict about a sentence without citations. */
  #attributed(claim: Claim): Verdict {
    const ranked = (this.#passages ?? [])
      .map((passage) => ({ passage, share: this.#share(claim.items, [passage]) }))
      .sort((a, b) => b.share - a.share);
    const best = ranked.find(({ passage }) => hasAll(claim, [passage]));
    if (best === undefined || best.share < supportMin)
      return { kind: "unsourced", lacksWords: best !== undefined };
    const next = ranked.find((other) => other !== best)?.share ?? 0;
    const isLong = claim.items.length >= attributedItems;
    const isSure = isLong && best.share >= attributionMin && best.share - next >= attributionMargin;
    return { kind: "supported", by: isSure ? best.passage.n : null };
  }

  /** Share of the items that one of these passages has. What few of all passages have weighs most. */
  #share(items: readonly Item[], passages: readonly Passage[]): number {
    const all = this.#passages ?? [];
    let [sum, found] = [0, 0];
    for (const item of items) {
      const having = all.filter((passage) => item.in(passage) >= 1).length;
      const weight = item.weight * Math.log(1 + (all.length + 1) / (having + 0.5));
      sum += weight;
      found += weight * Math.max(...passages.map(item.in));
    }
    return sum === 0 ? 0 : found / sum;
  }
}

const keyOf = (sentence: string, cites: readonly number[]): string =>
  `${cites}\n${sentence.slice(0, sentenceMaxChars)}`;

interface Claim {
  readonly text: string;
  readonly figures: readonly Figure[];
  readonly items: readonly Item[];
}

const hasFigures = (figures: readonly Figure[], passages: readonly Passage[]): boolean =>
  figures.every((figure) =>
    isFigureIn(
      figure,
      passages.map((passage) => passage.figures),
    ),
  );

/** Whether the passages have all quotations of a sentence; null: it has none. */
const hasQuotations = ({ text }: Claim, passages: readonly Passage[]): boolean | null =>
  areQuoted(
    text,
    passages.map((passage) => passage.quotable),
  );

/** True if the passages have all numbers and quotations of a sentence. */
const hasAll = (claim: Claim, passages: readonly Passage[]): boolean =>
  hasFigures(claim.figures, passages) && hasQuotations(claim, passages) !== false;

/** In another language, numbers are the same; a quotation is if it was not translated. */
function foreignVerdict(claim: Claim, passages: readonly Passage[]): Verdict {
  if (isUnspaced(claim.text)) return { kind: "none" };
  if (!hasFigures(claim.figures, passages)) return { kind: "unsupported", lacksWords: false };
  return hasQuotations(claim, passages) ? { kind: "supported", by: null } : { kind: "none" };
}

function passageOf({ n, document, headings, text }: SourcePart): Passage {
  const whole = [document, ...headings, text].join("\n");
  const language = languageOf(text);
  return {
    ...{ n, language, figures: figureIndex(whole, language), quotable: quotable(whole) },
    ...wordsOfText(whole),
  };
}

/** Weight of a word that a sentence has for its form. */
const formalWeight = 0.3;

function itemsOf(telling: readonly string[], figures: readonly Figure[]): readonly Item[] {
  const words = telling.map(
    (stem): Item => ({ in: remembered(wordIn(stem)), weight: isFormal(stem) ? formalWeight : 1 }),
  );
  const numbers = figures.map(
    (figure): Item => ({
      in: remembered((passage) => (isFigureIn(figure, [passage.figures]) ? 1 : 0)),
      weight: 1,
    }),
  );
  return [...words, ...numbers];
}

/** Looks at each passage once. */
function remembered(find: Item["in"]): Item["in"] {
  const known = new Map<Passage, number>();
  return (passage) => {
    const before = known.get(passage);
    if (before !== undefined) return before;
    const found = find(passage);
    known.set(passage, found);
    return found;
  };
}

function wordIn(stem: string): Item["in"] {
  const value = numberWords.get(stem);
  const find = wordFinder(stem);
  return (passage) => (value !== undefined && passage.figures.has(`${value}`) ? 1 : find(passage));
}

/** A sentence without the number that counts it. */
const withoutNumbering = (text: string): string => text.replace(/^\s*\(?\d{1,2}[.)](?=\s)/, "");
