// The words about attached files, in English.

import type { AttachmentWords } from "./attachments.ts";
import { type FactWords, factsIn } from "./file-facts.ts";
import { shortNumber, size } from "./numbers.ts";

const factWords: FactWords = {
  picture: "Picture",
  audio: "Recording",
  unknown: "File",
  lengths: {
    pdf: (count) => `${count} pages`,
    pptx: (count) => `${count} slides`,
    odp: (count) => `${count} slides`,
    xlsx: (count) => `${count} sheets`,
    ods: (count) => `${count} sheets`,
  },
};

const number = (value: number) => shortNumber(value, "en");

export const attachmentsEn: AttachmentWords = {
  attach: "Attach",
  list: "Files of this question",
  bounds: (files, limitBytes) =>
    `Attach up to ${number(files)} files of ${size(limitBytes, "en")} each. ` +
    "You can also drop or paste them.",
  room: (usedBytes, limitBytes) =>
    `Your files take ${size(usedBytes, "en")} of ${size(limitBytes, "en")}; ` +
    `${size(Math.max(0, limitBytes - usedBytes), "en")} are left.`,
  drop: "Drop files here",
  tooLarge: (limitBytes) => `A file can have at most ${size(limitBytes, "en")}.`,
  uploading: "Uploading",
  reading: "Reading…",
  wait: "The files are still being uploaded. Send the message when they are here.",
  lost: "The upload was interrupted. Check the connection and attach the file again.",
  remove: (name) => `Remove ${name}`,
  facts: (file) => factsIn(file, factWords, "en"),
  lengths: factWords.lengths,
  missing: "not part of the import",
  pictures: (pages, isOne) =>
    isOne ? `Page ${pages} is a picture or empty` : `These pages are pictures or empty: ${pages}`,
  unseen: "This model does not see pictures",
  searched: "Too long to be read whole: it is searched",
};
