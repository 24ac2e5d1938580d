// The words about attached files, in German.

import type { AttachmentWords } from "./attachments.ts";
import { type FactWords, factsIn } from "./file-facts.ts";
import { shortNumber, size } from "./numbers.ts";

const factWords: FactWords = {
  picture: "Bild",
  audio: "Aufnahme",
  unknown: "Datei",
  lengths: {
    pdf: (count) => `${count} Seiten`,
    pptx: (count) => `${count} Folien`,
    odp: (count) => `${count} Folien`,
    xlsx: (count) => `${count} Tabellenblätter`,
    ods: (count) => `${count} Tabellenblätter`,
  },
};

const number = (value: number) => shortNumber(value, "de");

export const attachmentsDe: AttachmentWords = {
  attach: "Anhängen",
  list: "Dateien dieser Frage",
  bounds: (files, limitBytes) =>
    `Bis zu ${number(files)} Dateien mit je ${size(limitBytes, "de")} anhängen. ` +
    "Du kannst sie auch hierher ziehen oder einfügen.",
  room: (usedBytes, limitBytes) =>
    `Deine Dateien belegen ${size(usedBytes, "de")} von ${size(limitBytes, "de")}; ` +
    `${size(Math.max(0, limitBytes - usedBytes), "de")} sind frei.`,
  drop: "Dateien hier ablegen",
  tooLarge: (limitBytes) => `Eine Datei darf höchstens ${size(limitBytes, "de")} groß sein.`,
  uploading: "Wird hochgeladen",
  reading: "Wird gelesen …",
  wait: "Die Dateien werden noch hochgeladen. Sende die Nachricht, sobald sie da sind.",
  lost: "Das Hochladen wurde unterbrochen. Prüfe die Verbindung und häng die Datei noch einmal an.",
  remove: (name) => `${name} entfernen`,
  facts: (file) => factsIn(file, factWords, "de"),
  lengths: factWords.lengths,
  missing: "nicht im Import enthalten",
  pictures: (pages, isOne) =>
    isOne ? `Seite ${pages} ist ein Bild oder leer` : `Diese Seiten sind Bilder oder leer: ${pages}`,
  unseen: "Dieses Modell sieht keine Bilder",
  searched: "Zu lang, um ganz gelesen zu werden: wird durchsucht",
};
