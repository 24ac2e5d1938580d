// The words around sources, in English and German: citations, the passages that they lead to, and what is
// said when no passage answers.

import { shortNumber } from "./numbers.ts";

export interface SourceWords {
  /** Heading of what a citation leads to. */
  readonly title: (n: number) => string;
  readonly page: (page: number) => string;
  readonly back: string;
  /** Citations of an answer that led to none of its sources. */
  readonly lost: (citations: number) => string;
  /** Above the passages that do not answer the question, but come nearest. */
  readonly nearest: string;
  /** Asks the same question again, and looks for no passages. */
  readonly askWithout: string;
  readonly answeredWithout: string;
}

export const sourcesEn: SourceWords = {
  title: (n) => `Source ${n}`,
  page: (page) => `page ${page}`,
  back: "Back to the conversation",
  lost: (citations) =>
    citations === 1
      ? "1 citation led nowhere and was removed."
      : `${shortNumber(citations, "en")} citations led nowhere and were removed.`,
  nearest: "These passages come nearest:",
  askWithout: "Ask without the documents",
  answeredWithout: "Answered without the documents.",
};

export const sourcesDe: SourceWords = {
  title: (n) => `Quelle ${n}`,
  page: (page) => `Seite ${page}`,
  back: "Zurück zur Unterhaltung",
  lost: (citations) =>
    citations === 1
      ? "1 Verweis führte ins Leere und wurde entfernt."
      : `${shortNumber(citations, "de")} Verweise führten ins Leere und wurden entfernt.`,
  nearest: "Am nächsten kommen diese Stellen:",
  askWithout: "Ohne die Dokumente fragen",
  answeredWithout: "Ohne die Dokumente beantwortet.",
};
