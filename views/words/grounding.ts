// The words about what was found of an answer's sentences in its sources, in English and German.

import type { Tally } from "../../src/domain/grounding.ts";
import { shortNumber } from "./numbers.ts";

export interface GroundingWords {
  /** Before the numbers that a sentence cites. */
  readonly notFoundIn: string;
  readonly withoutSource: string;
  /** Title of a number that parlor has added. */
  readonly foundByParlor: string;
  /** How many sentences were found; `isStrict`: that the others are not to be relied on. */
  readonly found: (tally: Tally, isStrict: boolean) => string;
}

export const groundingEn: GroundingWords = {
  notFoundIn: "not found in",
  withoutSource: "without a source",
  foundByParlor: "found by parlor",
  found: ({ sentences, supported }, isStrict) => {
    const [all, some] = [shortNumber(sentences, "en"), shortNumber(supported, "en")];
    const found = `${some} of ${all} ${sentences === 1 ? "sentence found in its sources" : "sentences found in their sources"}`;
    return isStrict && supported < sentences
      ? `${found}. The marked ones were not found in the documents.`
      : found;
  },
};

export const groundingDe: GroundingWords = {
  notFoundIn: "nicht gefunden in",
  withoutSource: "ohne Quelle",
  foundByParlor: "von parlor gefunden",
  found: ({ sentences, supported }, isStrict) => {
    const [all, some] = [shortNumber(sentences, "de"), shortNumber(supported, "de")];
    const found = `${some} von ${all} ${sentences === 1 ? "Satz in seinen" : "Sätzen in ihren"} Quellen gefunden`;
    return isStrict && supported < sentences
      ? `${found}. Die markierten wurden in den Dokumenten nicht gefunden.`
      : found;
  },
};
