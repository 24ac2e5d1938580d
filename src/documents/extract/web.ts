// Text of HTML and XHTML: headings, paragraphs, lists, rows of tables, preformatted text. Scripts, styles and
// what a page keeps in reserve are left out.

import { decodeText } from "../plain.ts";
import { decodeReferences, type MarkupHandler, scan } from "./markup.ts";
import { Outline } from "./outline.ts";

const skipped = new Set(["script", "style", "template", "noscript", "svg", "iframe", "object", "select"]);
/** Elements that begin and end a block of their own. */
const blocks = new Set(
  (
    "address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form h1 " +
    "h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead title tr ul"
  ).split(" "),
);
const empty = new Set("area base br col embed hr img input link meta source track wbr".split(" "));

/** Stands for `<br>` in a block, in which a line's end is mere white space. */
const lineBreak = "\u2028";

/** A page in the encoding that it states. */
export function* html(bytes: Uint8Array): Generator<string, string | null> {
  const head = Buffer.from(bytes.subarray(0, 2048)).toString("latin1");
  const [, label] = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head) ?? [];
  const page = new WebPage();
  const rewriter = new HTMLRewriter()
    .on("*", {
      element(element) {
        const name = element.tagName.toLowerCase();
        page.open(name);
        if (!empty.has(name) && (blocks.has(name) || skipped.has(name)) && element.canHaveContent)
          element.onEndTag(() => page.close(name));
      },
    })
    .onDocument({ text: ({ text }) => page.piece(text) });
  rewriter.transform(decodeText(bytes, isEncoding(label) ? label : undefined));
  yield page.toString();
  return page.title;
}

function isEncoding(label: string | undefined): label is string {
  try {
    return label !== undefined && new TextDecoder(label).encoding !== "replacement";
  } catch {
    return false;
  }
}

/** A chapter of a book, which is XML: `<title/>` is complete there, and would never end as HTML. */
export function xhtml(text: string): WebPage {
  const page = new WebPage();
  scan(text, page);
  return page;
}

class WebPage implements MarkupHandler {
  readonly #outline = new Outline();
  /** The block that is open, with character references as they are in the source. */
  #block = "";
  #isEncoded = true;
  #heading = 0;
  #isItem = false;
  #preformatted = 0;
  /** The cells of the row that is open. */
  #row: string[] | null = null;
  #skip = 0;
  #title: string | null = null;
  #isTitle = false;

  get title(): string | null {
    return this.#title;
  }

  open(name: string): void {
    if (skipped.has(name)) this.#skip++;
    if (name === "br") this.#block += lineBreak;
    if (name === "td" || name === "th") {
      this.#flush();
      this.#row?.push("");
    }
    if (!blocks.has(name)) return;
    this.#flush();
    if (name === "tr" || name === "table") this.#endRow();
    if (name === "tr") this.#row = [];
    if (name === "pre") this.#preformatted++;
    if (name === "li") this.#isItem = true;
    if (name === "title") this.#isTitle = true;
    this.#heading = Number(/^h([1-6])$/.exec(name)?.[1] ?? 0);
  }

  close(name: string): void {
    if (skipped.has(name)) this.#skip = Math.max(0, this.#skip - 1);
    if (!blocks.has(name)) return;
    this.#flush();
    if (name === "tr" || name === "table") this.#endRow();
    if (name === "pre") this.#preformatted = Math.max(0, this.#preformatted - 1);
    this.#isItem = false;
    this.#isTitle = false;
    this.#heading = 0;
  }

  /** A piece of text as it stands in the source; a character reference may be cut. */
  piece(text: string): void {
    if (this.#skip === 0) this.#block += text;
  }

  text(text: string): void {
    this.#isEncoded = false;
    this.piece(text);
  }

  toString(): string {
    this.#flush();
    this.#endRow();
    return this.#outline.toString();
  }

  #flush(): void {
    const text = this.#isEncoded ? decodeReferences(this.#block) : this.#block;
    this.#block = "";
    if (this.#isTitle) this.#title ??= text.replace(/\s+/g, " ").trim() || null;
    else if (this.#row && text.trim() === "") return;
    else if (this.#row) this.#row.push(`${this.#row.pop() ?? ""} ${text}`.replace(/\s+/g, " ").trim());
    else if (this.#preformatted > 0) this.#outline.addVerbatim(text.replaceAll(lineBreak, "\n"));
    else {
      const lines = text.replace(/[^\S\u2028]+/g, " ").replaceAll(lineBreak, "\n");
      this.#outline.add(lines, { heading: this.#heading, isItem: this.#isItem });
      if (text.trim() !== "") this.#isItem = false;
    }
  }

  #endRow(): void {
    if (this.#row) this.#outline.addRow(this.#row);
    this.#row = null;
  }
}
