// Text of a PDF, page by page, with pdf.js (in unpdf). Lines are joined to paragraphs by the space between
// them, words that were hyphenated at a line's end are joined. Pictures are not read, but taken out where a
// page consists of one.

import { Failure } from "../../domain/failure.ts";
import { hasText } from "../protocol.ts";
import type { Found } from "./extract.ts";
import { pictureMaxPixels, pictureOf } from "./page-picture.ts";

/** Two lines further apart than this many heights of a line belong to two paragraphs. */
const paragraphGap = 1.7;

/** The mark of a list item. Office programs take it from fonts of signs, as a private character. */
const bullet = /^[\ue000-\uf8ff•▪‣◦]\s*(?=\S)/;

/** @throws Failure `file_locked`, `file_unreadable` */
export async function* pdf(bytes: Uint8Array, picturesMax: number): AsyncGenerator<Found, string | null> {
  const { getDocumentProxy, getResolvedPDFJS } = await import("unpdf");
  const options = {
    ...{ verbosity: 0, disableFontFace: true, useSystemFonts: false, isEvalSupported: false },
    maxImageSize: pictureMaxPixels,
  };
  const document = await getDocumentProxy(bytes, options).catch((error: Error) => {
    throw new Failure(error.name === "PasswordException" ? "file_locked" : "file_unreadable");
  });
  let [unreadable, pictures] = [0, 0];
  for (let number = 1; number <= document.numPages; number++) {
    let text = "";
    try {
      const page = await document.getPage(number);
      text = laidOut((await page.getTextContent()).items);
      page.cleanup();
    } catch {
      if (++unreadable === document.numPages) throw new Failure("file_unreadable");
    }
    yield text;
    if (pictures >= picturesMax || hasText(text)) continue;
    const { OPS } = await getResolvedPDFJS();
    const page = await document.getPage(number).catch(() => null);
    const picture = await (page && pictureOf(page, OPS).catch(() => null));
    page?.cleanup();
    if (!picture) continue;
    pictures++;
    yield { picture };
  }
  const { info } = await document.getMetadata().catch(() => ({ info: {} }));
  const title = (info as { Title?: unknown }).Title;
  return typeof title === "string" ? title.trim() || null : null;
}

interface Item {
  readonly str: string;
  readonly hasEOL: boolean;
  /** Height of the type. */
  readonly height: number;
  /** The last two: where it stands from the left and from below. */
  readonly transform: readonly number[];
}

/** The page's lines, with an empty line between paragraphs. */
function laidOut(items: readonly (Item | object)[]): string {
  const lines: { text: string; y: number; height: number }[] = [];
  let open: { text: string; y: number; height: number } | null = null;
  for (const item of items) {
    if (!("str" in item)) continue;
    const y = item.transform[5] ?? 0;
    open ??= { text: "", y, height: item.height };
    if (open.text.trim() === "") open.y = y;
    open.text += item.str;
    open.height = Math.max(open.height, item.height);
    if (!item.hasEOL) continue;
    lines.push(open);
    open = null;
  }
  if (open) lines.push(open);
  let text = "";
  let before: { y: number; height: number } | null = null;
  for (const line of lines) {
    if (line.text.trim() === "") continue;
    const gap = before ? before.y - line.y : 0;
    const height = before ? Math.max(before.height, line.height) : 0;
    if (before) text += gap > height * paragraphGap || gap < -height ? "\n\n" : "\n";
    text += line.text.trim().replace(bullet, "- ");
    before = line;
  }
  return withoutHyphens(text.normalize("NFC").replace(/[\uFB00-\uFB06]/g, (sign) => sign.normalize("NFKC")));
}

/** Joins words that a line's end cut; "Ein- und Ausgabe" keeps its hyphen. */
const withoutHyphens = (text: string): string =>
  text
    .replace(/\u00AD\n/g, "")
    .replaceAll("\u00AD", "")
    .replace(/(\p{L}{2})-\n(?!(?:und|oder|bzw|and|or|to|bis)\b)(?=\p{Ll})/gu, "$1");
