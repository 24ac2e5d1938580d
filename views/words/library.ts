// The words of the page of documents: its type, English and German.

import type { StoredDocument } from "../../src/domain/document.ts";
import { shortNumber, size } from "./numbers.ts";

export interface LibraryWords {
  readonly title: string;
  readonly text: string;
  /** By what passages are found, where a server embeds: its model, once it is known, and the share that is ready. */
  readonly byMeaning: (model: string | null, share: number) => string;
  readonly ofHouse: string;
  readonly own: string;
  readonly ofFolder: string;
  /** How many documents can be searched, are being read, were refused. */
  readonly counts: (searchable: number, reading: number, refused: number) => string;
  /** What is known of a document, but for why it was refused. */
  readonly state: (document: StoredDocument) => string;
  readonly refused: string;
  /** Pages without text, as ranges of numbers. */
  readonly pictures: (pages: string) => string;
  readonly usedBy: (personas: readonly string[], conversations: number) => string;
  readonly empty: string;
  readonly all: (documents: number) => string;
  readonly add: string;
  readonly kinds: string;
  readonly each: (limitBytes: number) => string;
  readonly together: (limitBytes: number) => string;
  readonly replaces: string;
  /** With places for a number and the count of all. */
  readonly sending: string;
  readonly lost: string;
  readonly addTo: (collection: string) => string;
  readonly upload: string;
  readonly remove: string;
  readonly removeFrom: (document: string) => string;
  readonly make: string;
  readonly name: string;
  readonly forHouse: string;
  readonly create: string;
  readonly delete: (collection: string) => string;
  readonly deleteText: (documents: number) => string;
  readonly earlier: string;
  readonly later: string;
  /** In the panel of a conversation. */
  readonly answerFrom: string;
  readonly answersFrom: (collections: readonly string[]) => string;
  readonly gone: string;
  readonly isGone: string;
  readonly ask: string;
  readonly askIn: (collection: string) => string;
}

const en = (value: number) => shortNumber(value, "en");
const de = (value: number) => shortNumber(value, "de");
const listed = (parts: readonly (string | false)[]) => parts.filter(Boolean).join(" · ");

export const libraryEn: LibraryWords = {
  title: "Documents",
  text: "Collections of documents are searched for the passages that an answer cites.",
  byMeaning: (model, share) =>
    model === null
      ? "Passages are found by their words, and by their meaning as soon as the server for that answers."
      : share === 1
        ? `Passages are found by their words and by their meaning (${model}).`
        : `Passages are also found by their meaning (${model}): ${Math.floor(share * 100)} % are ready, the others are found by their words.`,
  ofHouse: "the house's: everybody can search it",
  own: "yours: only you can search it",
  ofFolder: "read from a folder",
  counts: (searchable, reading, refused) =>
    listed([
      searchable === 1 ? "1 document" : `${en(searchable)} documents`,
      reading > 0 && `${en(reading)} being read`,
      refused > 0 && `${en(refused)} could not be read`,
    ]),
  state: ({ state, pages, bytes }) =>
    state === "reading"
      ? "being read…"
      : listed([
          state === "searchable" && "searchable",
          state === "searchable" && pages > 1 && `${en(pages)} pages`,
          bytes > 0 && size(bytes, "en"),
        ]),
  refused: "Not read",
  pictures: (pages) => `These pages are pictures, so their text can't be found: ${pages}`,
  usedBy: (personas, conversations) =>
    listed([
      personas.length > 0 && `used by ${personas.join(", ")}`,
      conversations > 0 &&
        (conversations === 1
          ? "used in 1 conversation of yours"
          : `used in ${en(conversations)} of your conversations`),
    ]),
  empty: "No documents yet.",
  all: (documents) => `All ${en(documents)} documents`,
  add: "Add documents",
  kinds: "PDF, Word, PowerPoint, Excel, OpenDocument, EPUB, HTML, CSV, Markdown, text and code.",
  each: (limitBytes) => `Each document has at most ${size(limitBytes, "en")}.`,
  together: (limitBytes) => `Together they have at most ${size(limitBytes, "en")}.`,
  replaces: "One with the name of an earlier document replaces it.",
  sending: "Sending % of %…",
  lost: "This document did not arrive. Check the connection and add it again.",
  addTo: (collection) => `Add documents to ${collection}`,
  upload: "Upload",
  remove: "Remove",
  removeFrom: (document) => `Remove ${document}`,
  make: "New collection",
  name: "Name",
  forHouse: "for everybody in the house",
  create: "Create",
  delete: (collection) => `Delete ${collection}`,
  deleteText: (documents) =>
    documents === 0
      ? "This can't be undone."
      : `${documents === 1 ? "Its document is" : `Its ${en(documents)} documents are`} deleted with it. This can't be undone.`,
  earlier: "Back",
  later: "Go on",
  answerFrom: "Answer from documents",
  answersFrom: (collections) => `Answers from: ${collections.join(", ")}`,
  gone: "a collection that is gone",
  isGone: "A collection that was chosen here no longer exists.",
  ask: "Ask",
  askIn: (collection) => `Ask ${collection}`,
};

export const libraryDe: LibraryWords = {
  title: "Dokumente",
  text: "In Sammlungen von Dokumenten werden die Stellen gesucht, die eine Antwort zitiert.",
  byMeaning: (model, share) =>
    model === null
      ? "Stellen werden nach ihren Wörtern gefunden, und nach ihrer Bedeutung, sobald der Server dafür antwortet."
      : share === 1
        ? `Stellen werden nach ihren Wörtern und nach ihrer Bedeutung gefunden (${model}).`
        : `Stellen werden auch nach ihrer Bedeutung gefunden (${model}): ${Math.floor(share * 100)} % sind so weit, die übrigen werden nach ihren Wörtern gefunden.`,
  ofHouse: "gehört dem Haus: Alle können darin suchen",
  own: "gehört dir: Nur du kannst darin suchen",
  ofFolder: "wird aus einem Ordner gelesen",
  counts: (searchable, reading, refused) =>
    listed([
      searchable === 1 ? "1 Dokument" : `${de(searchable)} Dokumente`,
      reading > 0 && (reading === 1 ? "1 wird gelesen" : `${de(reading)} werden gelesen`),
      refused > 0 && `${de(refused)} nicht lesbar`,
    ]),
  state: ({ state, pages, bytes }) =>
    state === "reading"
      ? "wird gelesen …"
      : listed([
          state === "searchable" && "durchsuchbar",
          state === "searchable" && pages > 1 && `${de(pages)} Seiten`,
          bytes > 0 && size(bytes, "de"),
        ]),
  refused: "Nicht gelesen",
  pictures: (pages) => `Diese Seiten sind Bilder, ihr Text ist nicht auffindbar: ${pages}`,
  usedBy: (personas, conversations) =>
    listed([
      personas.length > 0 && `genutzt von ${personas.join(", ")}`,
      conversations > 0 &&
        `genutzt in ${conversations === 1 ? "einer deiner Unterhaltungen" : `${de(conversations)} deiner Unterhaltungen`}`,
    ]),
  empty: "Noch keine Dokumente.",
  all: (documents) => `Alle ${de(documents)} Dokumente`,
  add: "Dokumente hinzufügen",
  kinds: "PDF, Word, PowerPoint, Excel, OpenDocument, EPUB, HTML, CSV, Markdown, Text und Code.",
  each: (limitBytes) => `Jedes Dokument hat höchstens ${size(limitBytes, "de")}.`,
  together: (limitBytes) => `Zusammen haben sie höchstens ${size(limitBytes, "de")}.`,
  replaces: "Eines mit dem Namen eines früheren ersetzt dieses.",
  sending: "Sende % von % …",
  lost: "Dieses Dokument ist nicht angekommen. Prüfe die Verbindung und füge es noch einmal hinzu.",
  addTo: (collection) => `Dokumente zu ${collection} hinzufügen`,
  upload: "Hochladen",
  remove: "Entfernen",
  removeFrom: (document) => `${document} entfernen`,
  make: "Neue Sammlung",
  name: "Name",
  forHouse: "für alle im Haus",
  create: "Anlegen",
  delete: (collection) => `${collection} löschen`,
  deleteText: (documents) =>
    documents === 0
      ? "Das lässt sich nicht rückgängig machen."
      : `${documents === 1 ? "Ihr Dokument wird" : `Ihre ${de(documents)} Dokumente werden`} mit ihr gelöscht. Das lässt sich nicht rückgängig machen.`,
  earlier: "Zurück",
  later: "Weiter",
  answerFrom: "Aus Dokumenten antworten",
  answersFrom: (collections) => `Antwortet aus: ${collections.join(", ")}`,
  gone: "eine Sammlung, die es nicht mehr gibt",
  isGone: "Eine hier gewählte Sammlung gibt es nicht mehr.",
  ask: "Fragen",
  askIn: (collection) => `${collection} fragen`,
};
