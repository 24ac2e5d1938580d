// A growing Markdown text as changes to a page. A finished block is sent once, the open block grows by its
// new part, code line by line. The end replaces the HTML that was sent if it differs from the whole text
// rendered at once. All viewers of an answer share one stream; a later one gets `html`.

import { BlockSplitter, definitionsIn } from "./blocks.ts";
import { type Change, grown, inOrder, openIds } from "./change.ts";
import type { Citations } from "./citations.ts";
import { CodeLines, codeFrame, languageOf } from "./code.ts";
import { messageLevel } from "./dress.ts";
import { clean, closing, drawnEnd, lastLevel, lined, markdownHtml, opened, undrawnFrame } from "./html.ts";
import { mended, shownPart } from "./mend.ts";
import { isWorthSending, OpenCode } from "./open-code.ts";
import { PlainEnd } from "./plain-end.ts";
import { Work } from "./work.ts";

export { type Change, openIds };

/** The open block rests so many times as long as its rendering took: it costs a fifth of the time at most. */
const restPerDraw = 4;
/**
 * The most milliseconds that rendering counts for: several times what was measured with code and formulas
 * cached. Time beyond it was spent on the first use of a library, or in another program.
 */
const drawMs = (chars: number): number => 0.05 + chars / 10_000;

/** Most link reference definitions that are kept for later blocks, in UTF-16 units. */
const definitionsMaxChars = 16_000;

export class MarkdownStream {
  readonly #splitter: BlockSplitter;
  /** HTML before the open block. It is final, but an open block of code can be added to. */
  #done = "";
  /** The block of code that is open at the end of `#done`. */
  #code: OpenCode | null = null;
  /** The open block as it is on the page, without its closing tags; their names, outermost first. */
  #open = "";
  #openTags: string[] = [];
  /** The Markdown that the open block was last rendered from; its end, if that is plain text. */
  #drawn: string | null = null;
  #plainEnd: PlainEnd | null = null;
  /** When the open block may be rendered again, on the monotonic clock in ms. */
  #drawAgainAt = 0;
  #definitions = "";
  /** Level of the last heading. */
  #level: number = messageLevel;
  #finished = "";
  #changes: Change[] = [];
  #isReturnHeld = false;
  #seenChars = 0;
  /** The text so far; null once it is too long to be rendered, and the rest is shown as plain text. */
  #text: string | null = "";
  /** How much may still be rendered in this turn of the event loop. */
  #work = new Work();
  readonly #now: () => number;
  readonly #citations: Citations | null;
  /** `now` is the monotonic clock, in ms. */
  constructor(text = "", now = () => performance.now(), citations: Citations | null = null) {
    this.#now = now;
    this.#citations = citations;
    this.#splitter = new BlockSplitter({
      block: (block) => this.#finish(this.#render(block), block),
      fence: (info) => this.#openCode(info),
      code: (line) => this.#addCode(line),
      fenceEnd: () => this.#closeCode(),
    });
    if (text !== "") this.push(text);
  }

  /** The whole text as it is on the page now, with the elements that the next changes address. */
  get html(): string {
    return `${this.#done}${this.#code?.end ?? ""}<div id="${openIds.block}">${this.#open}${closing(this.#openTags)}</div>`;
  }

  /** The final HTML, for a page that can only be appended to. It may end inside a block of code. */
  get settled(): string {
    return this.#done;
  }

  /** Adds a piece of the text; returns the changes to the page. */
  push(piece: string): readonly Change[] {
    const plain = this.#pushPlain(piece);
    if (plain !== null) return plain;
    this.#begin();
    this.#add(piece);
    this.#drawOpen();
    return inOrder(this.#finished, this.#changes);
  }

  /** The shortcut for plain text behind plain text: returns its changes, or null for any other piece. */
  #pushPlain(piece: string): readonly Change[] | null {
    const html = this.#isReturnHeld ? null : (this.#plainEnd?.add(piece) ?? null);
    if (html === null || this.#text === null || this.#isTooLong(piece)) return null;
    this.#text += piece;
    this.#seenChars += piece.length;
    this.#splitter.push(piece);
    this.#open += html;
    this.#drawn = null;
    return html === "" ? [] : [{ kind: "grow", depth: this.#openTags.length, html }];
  }

  /** Ends the text and returns the changes. `text` is the whole of it; its end need not have been pushed. */
  end(text: string): readonly Change[] {
    this.#begin();
    this.#add(text.slice(this.#seenChars)); // the end that was not pushed
    if (this.#isReturnHeld) this.#splitter.push("\n");
    this.#splitter.end();
    const changes = inOrder(this.#finished, this.#changes);
    const whole = markdownHtml(text, messageLevel, this.#work, this.#citations);
    // HTML that lacks colours because time ran out is no better than the page
    return whole === this.#done || this.#work.isShort ? changes : [{ kind: "replace", html: whole }];
  }

  #add(piece: string): void {
    if (this.#text !== null && this.#isTooLong(piece)) this.#endDrawn(this.#text + piece);
    else {
      if (this.#text !== null) this.#text += piece;
      this.#splitter.push(this.#cleaned(piece));
    }
  }

  #isTooLong(piece: string): boolean {
    return this.#text !== null && drawnEnd(this.#text + piece) < this.#text.length + piece.length;
  }

  /**
   * Ends rendering where `drawnEnd` ends it for the whole text. The rest is shown line by line, as plain
   * text.
   */
  #endDrawn(text: string): void {
    const end = drawnEnd(text);
    this.#text = null;
    this.#splitter.push(this.#cleaned(text.slice(this.#seenChars, end)));
    const isInRest = end < this.#seenChars && this.#splitter.rest === text.slice(end, this.#seenChars);
    const behind = text.slice(isInRest ? end : Math.max(end, this.#seenChars));
    this.#splitter.endDrawn(isInRest);
    this.#openLines(null, undrawnFrame);
    this.#seenChars = text.length - behind.length;
    this.#splitter.push(this.#cleaned(behind));
  }

  #begin(): void {
    this.#plainEnd = null;
    this.#work = new Work();
    this.#finished = "";
    this.#changes = [];
  }

  /** Turns CR LF and CR into line feeds. A CR at the end of a piece waits for the next one. */
  #cleaned(piece: string): string {
    this.#seenChars += piece.length;
    const whole = (this.#isReturnHeld ? "\r" : "") + piece;
    this.#isReturnHeld = whole.endsWith("\r");
    return lined(clean(this.#isReturnHeld ? whole.slice(0, -1) : whole));
  }

  #render(block: string, isOpen = false): string {
    return markdownHtml(
      this.#definitions === "" ? block : `${this.#definitions}\n${block}`,
      this.#level,
      this.#work,
      this.#citations,
      isOpen,
    );
  }

  #finish(html: string, block: string): void {
    this.#finished += html;
    this.#done += html;
    this.#level = lastLevel(html, this.#level);
    if (this.#open !== "") this.#setOpen("", []);
    if (this.#definitions.length <= definitionsMaxChars)
      this.#definitions += definitionsIn(block, this.#citations);
  }

  /** Any part of the fence that was already shown disappears with the open block. */
  #openCode(info: string): void {
    this.#openLines(new CodeLines(languageOf(info)), codeFrame(languageOf(info)));
  }

  #openLines(lines: CodeLines | null, { head, foot }: { head: string; foot: string }): void {
    this.#done += head;
    this.#finished += head;
    this.#code = new OpenCode(lines, foot);
    if (this.#open !== "") this.#setOpen("", []);
  }

  #addCode(line: string): void {
    if (!this.#code) return;
    this.#done += this.#code.push(line, this.#work);
  }

  #closeCode(): void {
    if (!this.#code) return;
    const { html, finished, changes } = this.#code.close();
    this.#done += html;
    this.#finished += finished;
    this.#changes.push(...changes);
    this.#code = null;
  }

  #drawOpen(): void {
    const { lines, rest, isInFence } = this.#splitter;
    if (isInFence) this.#drawCodeLine(rest);
    else if (this.#finished !== "" || this.#now() >= this.#drawAgainAt)
      this.#drawBlock(shownPart(lines, rest));
  }

  #drawBlock(shown: string): void {
    const startedAt = this.#now();
    const isChecked = this.#citations?.check !== undefined;
    if (shown.trim() === "") return;
    const { text, closers } = mended(shown);
    // the new part is held back: a table row, the start of a link
    if (text + closers === this.#drawn && this.#finished === "") return;
    const mendedHtml = this.#render(text + closers, true);
    // a closing mark that shows up as text closes nothing: then the opening one was not meant as a mark
    const areMarks =
      closers === "" || !opened(mendedHtml).open.endsWith(Bun.escapeHTML(closers.at(-1) as string));
    const { open, tags } = opened(areMarks ? mendedHtml : this.#render(text, true));
    if (this.#open !== "" && this.#finished === "" && open.startsWith(this.#open))
      this.#grow(open.slice(this.#open.length), open, tags);
    else if (this.#finished !== "" || isWorthSending(open.length, this.#open.length))
      this.#setOpen(open, tags);
    this.#drawn = this.#open === open ? text + closers : null;
    if (areMarks && this.#open === open)
      this.#plainEnd = PlainEnd.of({ text, shown, line: this.#splitter.rest, html: open, tags, isChecked });
    this.#drawAgainAt = this.#now() + restPerDraw * Math.min(this.#now() - startedAt, drawMs(open.length));
  }

  #drawCodeLine(rest: string): void {
    if (!this.#code) return;
    const { finished, changes } = this.#code.draw(rest);
    this.#finished += finished;
    this.#changes.push(...changes);
  }

  #setOpen(open: string, tags: string[]): void {
    this.#drawn = null;
    this.#open = open;
    this.#openTags = tags;
    this.#changes = this.#changes.filter(({ kind }) => kind !== "open");
    this.#changes.push({ kind: "open", html: open + closing(tags) });
  }

  #grow(added: string, open: string, tags: string[]): void {
    this.#changes.push(...grown(this.#openTags.length, added));
    this.#open = open;
    this.#openTags = tags;
  }
}
