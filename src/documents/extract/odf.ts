// Text of OpenDocument files: a text as one page, a presentation with one page for each slide, a spreadsheet
// with one for each sheet. Deleted text and comments are left out.

import { Failure } from "../../domain/failure.ts";
import { Archive, statedTitle } from "./archive.ts";
import { attribute, type MarkupHandler, scan } from "./markup.ts";
import { Outline } from "./outline.ts";

/** Spaces, equal cells, equal rows that one element may stand for. */
const repeatMax = 200;

export function* odf(
  bytes: Uint8Array,
  unpackedMaxBytes: number,
  kind: "odt" | "odp" | "ods",
): Generator<string, string | null> {
  const archive = new Archive(bytes, unpackedMaxBytes);
  if (archive.text("META-INF/manifest.xml")?.includes("encryption-data")) throw new Failure("file_locked");
  const content = new Content({ odt: "", odp: "page", ods: "table" }[kind]);
  scan(archive.needed("content.xml"), content);
  for (const page of content.pages) yield page.toString();
  return statedTitle(archive.text("meta.xml"));
}

/** Elements whose content is no text of the document. */
const skipped = new Set([
  ...["tracked-changes", "annotation", "note-citation", "forms", "styles", "automatic-styles", "scripts"],
]);

class Content implements MarkupHandler {
  pages: Outline[] = [];
  /** The element that begins a page; empty: all is one page. */
  readonly #pageElement: string;
  /** Paragraphs that are open; a note or a frame holds paragraphs inside of one. */
  readonly #open: { text: string; heading: number }[] = [];
  #items = 0;
  #skip = 0;
  /** How often the open cell and the open row occur in a row. */
  #cells = 1;
  #tableRows = 1;

  constructor(pageElement: string) {
    this.#pageElement = pageElement;
    if (pageElement === "") this.pages = [new Outline()];
  }

  get #page(): Outline {
    return this.pages.at(-1) ?? new Outline();
  }

  open(name: string, attributes: string): void {
    if (skipped.has(name)) this.#skip++;
    if (this.#skip > 0) return;
    if (name === this.#pageElement) {
      this.pages.push(new Outline());
      if (name === "table") this.#page.add(attribute(attributes, "name") ?? "", { heading: 1 });
    }
    const repeated = (by: string) =>
      Math.min(repeatMax, Math.max(1, Number(attribute(attributes, by) ?? 1) || 1));
    const paragraph = this.#open.at(-1);
    if (name === "p") this.#open.push({ text: "", heading: 0 });
    else if (name === "h") this.#open.push({ text: "", heading: repeated("outline-level") });
    else if (name === "list-item") this.#items++;
    else if (name === "table-row") {
      this.#tableRows = repeated("number-rows-repeated");
      this.#page.openRow();
    } else if (name === "table-cell" || name === "covered-table-cell") {
      this.#cells = repeated("number-columns-repeated");
      this.#page.openCell();
    } else if (!paragraph) return;
    else if (name === "s") paragraph.text += " ".repeat(repeated("c"));
    else if (name === "tab") paragraph.text += "\t";
    else if (name === "line-break") paragraph.text += "\n";
  }

  close(name: string): void {
    if (skipped.has(name)) this.#skip = Math.max(0, this.#skip - 1);
    if (this.#skip > 0) return;
    if (name === "list-item") this.#items--;
    else if (name === "table-row") this.#page.closeRow(this.#tableRows);
    else if (name === "table-cell" || name === "covered-table-cell") {
      this.#page.repeatCell(this.#cells - 1);
      this.#cells = 1;
    } else if (name === "p" || name === "h") {
      const paragraph = this.#open.pop();
      if (!paragraph) return;
      this.#page.add(paragraph.text, { heading: paragraph.heading, isItem: this.#items > 0 });
    }
  }

  text(text: string): void {
    const paragraph = this.#open.at(-1);
    if (paragraph && this.#skip === 0) paragraph.text += text;
  }
}
