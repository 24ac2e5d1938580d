// Text of a Word document (Office Open XML): paragraphs, headings, lists, tables and notes, as one page. What
// was deleted with changes tracked, field codes, headers and footers are left out.

import { Archive, statedTitle } from "./archive.ts";
import { attribute, type MarkupHandler, scan } from "./markup.ts";
import { Outline } from "./outline.ts";

export function* docx(bytes: Uint8Array, unpackedMaxBytes: number): Generator<string, string | null> {
  const archive = new Archive(bytes, unpackedMaxBytes);
  const main = archive.related("", "officeDocument") ?? "word/document.xml";
  const styles = archive.related(main, "styles");
  const known = readStyles(styles === null ? "" : (archive.text(styles) ?? ""));
  const outline = new Outline();
  scan(archive.needed(main), new Body(outline, known));
  for (const kind of ["footnotes", "endnotes"]) {
    const notes = archive.related(main, kind);
    if (notes !== null) scan(archive.text(notes) ?? "", new Body(outline, known));
  }
  yield outline.toString();
  return statedTitle(archive.text("docProps/core.xml"));
}

/** What a style makes of its paragraphs. */
interface Style {
  heading: number;
  isItem: boolean;
}

/** The styles of headings and lists. Style ids are in the writer's language, the names read here are not. */
function readStyles(xml: string): Map<string, Style> {
  const styles = new Map<string, Style>();
  let style: Style | null = null;
  scan(xml, {
    open(name, attributes) {
      if (name === "style") {
        style = { heading: 0, isItem: false };
        styles.set(attribute(attributes, "styleId") ?? "", style);
      }
      if (style === null) return;
      const value = attribute(attributes, "val") ?? "";
      const [, number] = name === "name" ? (/^heading ([1-6])$/i.exec(value) ?? []) : [];
      if (number !== undefined) style.heading = Number(number);
      if (name === "name" && /^title$/i.test(value)) style.heading = 1;
      if (name === "outlineLvl" && /^[0-5]$/.test(value)) style.heading = Number(value) + 1;
      if (name === "numPr") style.isItem = true;
    },
    close(name) {
      if (name === "style") style = null;
    },
    text() {},
  });
  return styles;
}

interface Paragraph extends Style {
  text: string;
}

/** Elements whose content is no text of the document: properties, tab stops, copies for older programs. */
const skipped = new Set(["tabs", "Fallback", "sectPr", "delText", "instrText"]);

class Body implements MarkupHandler {
  readonly #outline: Outline;
  readonly #styles: ReadonlyMap<string, Style>;
  /** Paragraphs that are open; a text box holds paragraphs inside of one. */
  readonly #open: Paragraph[] = [];
  #skip = 0;
  #isText = false;

  constructor(outline: Outline, styles: ReadonlyMap<string, Style>) {
    this.#outline = outline;
    this.#styles = styles;
  }

  open(name: string, attributes: string): void {
    if (skipped.has(name)) this.#skip++;
    if (this.#skip > 0) return;
    const paragraph = this.#open.at(-1);
    if (name === "p") this.#open.push({ text: "", heading: 0, isItem: false });
    else if (name === "tr") this.#outline.openRow();
    else if (name === "tc") this.#outline.openCell();
    else if (name === "t") this.#isText = true;
    else if (!paragraph) return;
    else if (name === "pStyle")
      Object.assign(paragraph, this.#styles.get(attribute(attributes, "val") ?? ""));
    else if (name === "numPr") paragraph.isItem = true;
    else if (name === "tab") paragraph.text += "\t";
    else if (name === "br" || name === "cr") paragraph.text += "\n";
    else if (name === "noBreakHyphen") paragraph.text += "-";
  }

  close(name: string): void {
    if (skipped.has(name)) this.#skip = Math.max(0, this.#skip - 1);
    if (this.#skip > 0) return;
    if (name === "t") this.#isText = false;
    else if (name === "tr") this.#outline.closeRow();
    else if (name === "p") {
      const paragraph = this.#open.pop();
      if (paragraph) this.#outline.add(paragraph.text, paragraph);
    }
  }

  text(text: string): void {
    const paragraph = this.#open.at(-1);
    if (paragraph && this.#isText && this.#skip === 0) paragraph.text += text;
  }
}
