// The words around sources, in English and German: citations, the passages that they lead to, and what is
// said when no passage answers.

import { shortNumber } from "./numbers.ts";

export interface SourceWords {
  /** Heading of what a citation leads to. */
  readonly title: (n: number) => string;
  readonly page: (page: number) => string;
  readonly back: string;
  readonly close: string;
  /** What is read out for the text around a passage. */
  readonly before: string;
  readonly after: string;
  /** The document has another text since the passage was found. */
  readonly changed: string;
  /** The document was removed, or the reader may not see it any more. */
  readonly gone: string;
  /** Opens the document's file at a page. */
  readonly open: (page: number) => string;
  readonly download: string;
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
  close: "Close",
  before: "Text before the passage",
  after: "Text after the passage",
  changed: "The document has changed since. This is the passage as it was read.",
  gone: "The document was removed since, or is no longer open to you. This is the passage as it was read.",
  open: (page) => `Open the document at page ${page}`,
  download: "Download the document",
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
  close: "Schließen",
  before: "Text vor der Stelle",
  after: "Text nach der Stelle",
  changed: "Das Dokument hat sich seitdem geändert. Hier steht die Stelle, wie sie gelesen wurde.",
  gone: "Das Dokument wurde seitdem entfernt oder steht dir nicht mehr offen. Hier steht die Stelle, wie sie gelesen wurde.",
  open: (page) => `Das Dokument auf Seite ${page} öffnen`,
  download: "Das Dokument herunterladen",
  lost: (citations) =>
    citations === 1
      ? "1 Verweis führte ins Leere und wurde entfernt."
      : `${shortNumber(citations, "de")} Verweise führten ins Leere und wurden entfernt.`,
  nearest: "Am nächsten kommen diese Stellen:",
  askWithout: "Ohne die Dokumente fragen",
  answeredWithout: "Ohne die Dokumente beantwortet.",
};
