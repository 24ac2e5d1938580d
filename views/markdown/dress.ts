// Rebuilds the HTML of the parser tag by tag from an allow-list, and puts the pieces that markdown/take
// removed back in their places. Every element is closed, in order; a tag without its counterpart is shown as
// text. So no element reaches beyond its text.

import { type Citations, citationHtml } from "./citations.ts";
import { codeBlock } from "./code.ts";
import { formula } from "./math.ts";
import { Made, nesting, nestingMax, written, writtenMax } from "./open.ts";
import { blockTag, box, countFrom, hrefIn, unescaped } from "./tags.ts";
import type { Piece } from "./take.ts";
import { Targets } from "./targets.ts";
import type { Work } from "./work.ts";

/**
 * The level of the heading that every message has. Headings in its text are below that level and skip no
 * level.
 */
export const messageLevel = 2;

const inline = new Set(["em", "strong", "del", "code", "a"]);
const blocks = new Set([
  "ul",
  "ol",
  "li",
  "blockquote",
  "table",
  "thead",
  "tbody",
  "tr",
  "th",
  "td",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
]);
/** Elements that may contain `<details>`. */
const containers = new Set(["li", "blockquote", "details"]);

export class Dress {
  readonly #pieces: readonly Piece[];
  readonly #targets: Targets;
  readonly #work: Work;
  readonly #made = new Made();
  readonly #citations: Citations | null;
  /** Citations that lead nowhere and are left out. */
  lost = 0;
  #level: number;
  #isInParagraph = false;
  /** True after the tag of a block, where a line feed has no meaning. */
  #isBehindBlock = true;
  /** True after the end of a line. It becomes a line break if the block continues. */
  #isFed = false;

  constructor(pieces: readonly Piece[], above: number, work: Work, citations: Citations | null = null) {
    this.#citations = citations;
    this.#pieces = pieces;
    this.#targets = new Targets(pieces);
    this.#work = work;
    this.#level = above;
  }

  of(html: string): string {
    // code comes first, because it contains no markup; then tags, placeholders and line ends
    const parts =
      /<pre><code(?: class="language-([^"]*)")?>([^<]*)<\/code><\/pre>|<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^>"])*)>|\ufdd0(\d{1,9})\ufdd1|\n/g;
    let done = 0;
    for (let found = parts.exec(html); found; found = parts.exec(html)) {
      if (found.index > done) this.#text(html.slice(done, found.index));
      const [whole, language, code, close, name, attributes = "", place] = found;
      if (code !== undefined) this.#code(unescaped(language ?? ""), unescaped(code));
      else if (place !== undefined)
        parts.lastIndex += this.#piece(this.#pieces[Number(place)], html, parts.lastIndex);
      else if (name !== undefined) this.#tag(name, close === "/", attributes, whole);
      else this.#feed();
      done = parts.lastIndex;
    }
    if (done < html.length) this.#text(html.slice(done));
    this.#settle();
    return this.#made.end();
  }

  #text(html: string): void {
    if (this.#isBehindBlock && html.trim() === "") return;
    this.#begin();
    this.#made.add(html);
  }

  /**
   * Prepares for inline content: opens its paragraph, and writes the line break that is due.
   */
  #begin(): void {
    if (this.#isParagraphDue) {
      this.#made.push("p", "</p>");
      this.#made.add("<p>");
      this.#isFed = false;
    }
    if (this.#isFed) this.#made.add("<br>\n"); // models mean a line end as such: verses, addresses, dialogue
    this.#isFed = this.#isBehindBlock = false;
  }

  #feed(): void {
    if (!this.#isBehindBlock) this.#isFed = true;
    else if (!this.#isParagraphDue) this.#made.add("\n");
  }

  /** True if a paragraph must be opened now. It is opened at its first content, so none is empty. */
  get #isParagraphDue(): boolean {
    return this.#isInParagraph && (this.#made.top === undefined || containers.has(this.#made.top.name));
  }

  /** Prepares for the tag of a block: written tags that are still open become text. */
  #settle(): void {
    while (this.#made.top?.written !== undefined) this.#made.unmake();
    if (this.#isFed) this.#made.add("\n");
    this.#isFed = false;
    this.#isBehindBlock = true;
  }

  #code(info: string, code: string): void {
    this.#settle();
    this.#made.add(codeBlock(info, this.#targets.restored(code), this.#work));
  }

  #tag(name: string, isClose: boolean, attributes: string, whole: string): void {
    if (name === "p") this.#paragraph(isClose);
    else if (inline.has(name)) this.#inline(name, isClose, attributes);
    else if (blocks.has(name)) this.#block(name, isClose, attributes);
    else if (name === "br") {
      this.#begin();
      this.#made.add("<br>");
      this.#isBehindBlock = true;
    } else if (name === "hr") {
      this.#settle();
      this.#made.add("<hr>");
    } else if (name === "input") this.#text(box(attributes));
    else if (name === "img") this.#text(this.#targets.picture(attributes, this.#made.inLink > 0));
    else this.#text(Bun.escapeHTML(whole)); // an unexpected tag is shown as text
  }

  #paragraph(isClose: boolean): void {
    this.#settle();
    this.#isInParagraph = !isClose;
    if (isClose && this.#made.top?.name === "p") this.#made.pop();
    if (isClose && this.#made.top?.name === "summary") this.#made.pop();
  }

  #inline(name: string, isClose: boolean, attributes: string): void {
    if (isClose) this.#made.close(name);
    else {
      this.#begin();
      if (name === "code") this.#made.inCode = true;
      if (name === "a") this.#made.inLink++;
      this.#made.add(name === "a" ? `<a${this.#targets.linkTo(hrefIn.exec(attributes)?.[1])}>` : `<${name}>`);
      this.#made.push(name, `</${name}>`);
    }
  }

  #block(name: string, isClose: boolean, attributes: string): void {
    this.#settle();
    if (isClose) {
      this.#made.close(name);
      return;
    }
    const parent = this.#made.top;
    if (nesting.has(name) && ++this.#made.depth > nestingMax) {
      this.#made.push(name, "");
      return;
    }
    let element = name;
    if (/^h\d/.test(name)) {
      this.#level = Math.min(Number(name[1]) + messageLevel, this.#level + 1, 6);
      element = `h${this.#level}`;
    }
    this.#made.add(blockTag(element, attributes, parent));
    this.#made.push(name, name === "table" ? "</table></div>" : `</${element}>`);
    if (name === "ol" && this.#made.top) this.#made.top.count = countFrom(attributes);
  }

  /** Puts a piece back; returns how many of the next characters belong to it. */
  #piece(piece: Piece | undefined, html: string, next: number): number {
    if (!piece) return 0;
    const { kind, source, rest } = piece.thing;
    if (this.#made.inCode) this.#text(Bun.escapeHTML(piece.source));
    else if (kind === "comment") return piece.isFirst && html.startsWith(rest, next) ? rest.length : 0;
    else if (kind === "citation") this.#citation(source);
    else if (kind === "tag") this.#written(source);
    else if (kind === "address") this.#text(this.#targets.address(source, this.#made.inLink > 0));
    else if (piece.isFirst && html.startsWith(rest, next)) {
      this.#text(formula(source, this.#work));
      return rest.length;
    } else this.#text(Bun.escapeHTML(piece.source));
    return 0;
  }

  #citation(source: string): void {
    if (!this.#citations) return;
    const { html, lost } = citationHtml(source, this.#citations, this.#made.inLink > 0);
    if (html !== "") this.#text(html);
    this.lost += lost;
  }

  /** Handles a tag that the text contains: an element if it has its counterpart, else text. */
  #written(source: string): void {
    const [, close, tag = ""] = /^<(\/?)([a-z]+)/i.exec(source) ?? [];
    const name = tag.toLowerCase();
    const isClose = close === "/";
    if (name === "br") this.#tag("br", false, "", source);
    else if (name === "details" || name === "summary") this.#fold(name, isClose, source);
    else if (isClose) {
      if (this.#made.closeWritten(name)) this.#isFed = false;
      else this.#text(Bun.escapeHTML(source));
    } else if (this.#made.writtenOpen >= writtenMax || !written.has(name)) this.#text(Bun.escapeHTML(source));
    else {
      this.#begin();
      this.#made.write(name, source);
    }
  }

  /** Handles `<details>` and `<summary>`. They stand between blocks, so they end a paragraph. */
  #fold(name: "details" | "summary", isClose: boolean, source: string): void {
    const { holder } = this.#made;
    const isHere = isClose
      ? holder?.name === name
      : name === "details"
        ? holder === undefined || containers.has(holder.name)
        : holder?.name === "details" && this.#made.last === "<details>";
    const isTooDeep = !isClose && name === "details" && this.#made.depth >= nestingMax;
    if (!isHere || isTooDeep) {
      this.#text(Bun.escapeHTML(source));
      return;
    }
    this.#settle();
    if (this.#made.top?.name === "p") this.#made.pop();
    if (isClose) this.#made.pop();
    else {
      if (name === "details") this.#made.depth++;
      this.#made.add(`<${name}>`);
      this.#made.push(name, `</${name}>`);
    }
  }
}
