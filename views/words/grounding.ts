// The words about what was found of an answer's sentences in its sources, in English and German.

import type { Tally } from "../../src/domain/grounding.ts";
import { shortNumber } from "./numbers.ts";

export interface GroundingWords {
  /** Before the numbers that a sentence cites. */
  readonly notFoundIn: string;
  readonly withoutSource: string;
  /** Title of a number that parlor has added. */
  readonly foundByParlor: string;
  /** Before the number of a source in which a model found a sentence by its sense. */
  readonly bySenseIn: string;
  /** How many sentences were found, `sensed` by their sense; `isStrict`: do not rely on the others. */
  readonly found: (tally: Tally, isStrict: boolean, sensed: number) => string;
}

export const groundingEn: GroundingWords = {
  notFoundIn: "not found in",
  withoutSource: "without a source",
  foundByParlor: "found by parlor",
  bySenseIn: "by sense in",
  found: ({ sentences, supported }, isStrict, sensed) => {
    const [all, some] = [shortNumber(sentences, "en"), shortNumber(supported + sensed, "en")];
    const found = `${some} of ${all} ${sentences === 1 ? "sentence found in its sources" : "sentences found in their sources"}${sensed > 0 ? `, ${shortNumber(sensed, "en")} of them by sense` : ""}`;
    return isStrict && supported + sensed < sentences
      ? `${found}. The marked ones were not found in the documents.`
      : found;
  },
};

export const groundingDe: GroundingWords = {
  notFoundIn: "nicht gefunden in",
  withoutSource: "ohne Quelle",
  foundByParlor: "von parlor gefunden",
  bySenseIn: "sinngemäß in",
  found: ({ sentences, supported }, isStrict, sensed) => {
    const [all, some] = [shortNumber(sentences, "de"), shortNumber(supported + sensed, "de")];
    const found = `${some} von ${all} ${sentences === 1 ? "Satz in seinen" : "Sätzen in ihren"} Quellen gefunden${sensed > 0 ? `, davon ${shortNumber(sensed, "de")} sinngemäß` : ""}`;
    return isStrict && supported + sensed < sentences
      ? `${found}. Die markierten wurden in den Dokumenten nicht gefunden.`
      : found;
  },
};
