// A Markdown text that grows, as changes to a page: finished blocks are sent once, the open one grows by what is new in it, code
// grows line by line. The end compares what was sent with the whole text rendered at once, and mends the difference.
// Kept once for all who watch; whoever comes later gets `html`, which is the page as it is then.

import { BlockSplitter, definitionsIn } from "./blocks.ts";
import { type Change, grown, inOrder, openIds } from "./change.ts";
import { CodeLines, codeFrame, languageOf } from "./code.ts";
import { messageLevel } from "./dress.ts";
import { clean, closing, drawnEnd, lastLevel, lined, markdownHtml, opened, undrawnFrame } from "./html.ts";
import { mended, shownPart } from "./mend.ts";
import { PlainEnd } from "./plain-end.ts";
import { Work } from "./work.ts";

export { type Change, openIds };

/** An open block larger than this, in UTF-16 units of HTML, is sent anew as a whole only when it has grown by a good part. */
const largeChars = 8_000;
const largeGrowth = 1.125;

/** After a drawing the stream rests this many times as long as that took: a block of any length costs at most a part of the time. */
const restPerDraw = 4;
/** What a drawing takes at most once code and formulas are remembered (measured, several times over); what it took beyond that was the start, or another program. */
const drawMs = (chars: number): number => 0.05 + chars / 10_000;

/** Definitions of references that are kept for the blocks behind them, in UTF-16 units. */
const definitionsMaxChars = 16_000;

export class MarkdownStream {
  readonly #splitter: BlockSplitter;
  /** What stands before the open block and is final, but for an open code's lines. */
  #done = "";
  /** The code that is open at the end of what is done. */
  #code: { lines: CodeLines | null; foot: string; line: string; isNew: boolean } | null = null;
  /** The open block as it is on the page, without the tags that close it, and these tags' names, outermost first. */
  #open = "";
  #openTags: string[] = [];
  /** What the open block was last drawn of, and the end of it where that is plain text. */
  #drawn: string | null = null;
  #plainEnd: PlainEnd | null = null;
  /** On the monotonic clock, in ms. */
  #drawAgainAt = 0;
  #definitions = "";
  /** Of the last heading. */
  #level: number = messageLevel;
  #finished = "";
  #codeAdded = "";
  #changes: Change[] = [];
  #isReturnHeld = false;
  #seenChars = 0;
  /** The text so far, while it is drawn; null when it is longer than what is, and the rest is shown as it stands. */
  #text: string | null = "";
  /** What may still be done in this turn. */
  #work = new Work();
  readonly #now: () => number;
  /** `now` is the monotonic clock, in ms. */
  constructor(text = "", now: () => number = () => performance.now()) {
    this.#now = now;
    this.#splitter = new BlockSplitter({
      block: (block) => this.#finish(this.#render(block), block),
      fence: (info) => this.#openCode(info),
      code: (line) => this.#addCode(line),
      fenceEnd: () => this.#closeCode(),
    });
    if (text !== "") this.push(text);
  }

  /** The text as it is on the page now, with the elements that the next changes are for. */
  get html(): string {
    const code = this.#code ? `<span id="${openIds.line}">${this.#code.line}</span>${this.#code.foot}` : "";
    return `${this.#done}${code}<div id="${openIds.block}">${this.#open}${closing(this.#openTags)}</div>`;
  }

  /** HTML of what is final, for a page that can only be added to: it may end inside a block of code. */
  get settled(): string {
    return this.#done;
  }

  /** What a further piece changes. */
  push(piece: string): readonly Change[] {
    const plain = this.#pushPlain(piece);
    if (plain !== null) return plain;
    this.#begin();
    this.#add(piece);
    this.#drawOpen();
    return inOrder(this.#finished, this.#changes);
  }

  /** What a piece of plain text behind plain text changes; null for any other. */
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

  /** What the end changes; `text` is the whole of it, what was never pushed included. */
  end(text: string): readonly Change[] {
    this.#begin();
    this.#add(text.slice(this.#seenChars)); // what came last has not been pushed
    if (this.#isReturnHeld) this.#splitter.push("\n");
    this.#splitter.end();
    const changes = inOrder(this.#finished, this.#changes);
    const whole = markdownHtml(text, messageLevel, this.#work);
    // a drawing that lacks colours for want of time is no better than what is there
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

  /** What was drawn ends where the whole text's drawing ends; what follows is shown as it stands, line by line as code is. */
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
    this.#finished = this.#codeAdded = "";
    this.#changes = [];
  }

  /** CR LF and CR are line feeds; one at the end of a piece is known only with the next. */
  #cleaned(piece: string): string {
    this.#seenChars += piece.length;
    const whole = (this.#isReturnHeld ? "\r" : "") + piece;
    this.#isReturnHeld = whole.endsWith("\r");
    return lined(clean(this.#isReturnHeld ? whole.slice(0, -1) : whole));
  }

  #render(block: string): string {
    return markdownHtml(
      this.#definitions === "" ? block : `${this.#definitions}\n${block}`,
      this.#level,
      this.#work,
    );
  }

  #finish(html: string, block: string): void {
    this.#finished += html;
    this.#done += html;
    this.#level = lastLevel(html, this.#level);
    if (this.#open !== "") this.#setOpen("", []);
    if (this.#definitions.length <= definitionsMaxChars) this.#definitions += definitionsIn(block);
  }

  /** What was shown of the line that turns out to be a fence goes away with the open block. */
  #openCode(info: string): void {
    this.#openLines(new CodeLines(languageOf(info)), codeFrame(languageOf(info)));
  }

  #openLines(lines: CodeLines | null, { head, foot }: { head: string; foot: string }): void {
    this.#done += head;
    this.#finished += head;
    this.#code = { lines, foot, line: "", isNew: true };
    if (this.#open !== "") this.#setOpen("", []);
  }

  #addCode(line: string): void {
    if (!this.#code) return;
    const html = `${this.#code.lines?.push(line, this.#work) ?? Bun.escapeHTML(line)}\n`;
    this.#done += html;
    if (this.#code.isNew) this.#finished += html;
    else this.#codeAdded += html;
    this.#code.line = "";
  }

  #closeCode(): void {
    if (!this.#code) return;
    const { foot, isNew } = this.#code;
    this.#done += `${foot}\n`;
    if (isNew) this.#finished += `${foot}\n`;
    else {
      if (this.#codeAdded !== "") this.#changes.push({ kind: "code", html: this.#codeAdded });
      this.#changes.push({ kind: "codeEnd" });
    }
    this.#codeAdded = "";
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
    if (shown.trim() === "") return;
    const { text, closers } = mended(shown);
    if (text + closers === this.#drawn && this.#finished === "") return; // what is new is kept back: a row of a table, a link's beginning
    const mendedHtml = this.#render(text + closers);
    // marks that close nothing stand there as what they are: then they were not meant as marks
    const areMarks =
      closers === "" || !opened(mendedHtml).open.endsWith(Bun.escapeHTML(closers.at(-1) as string));
    const { open, tags } = opened(areMarks ? mendedHtml : this.#render(text));
    if (this.#open !== "" && this.#finished === "" && open.startsWith(this.#open))
      this.#grow(open.slice(this.#open.length), open, tags);
    else if (
      open.length < largeChars ||
      this.#finished !== "" ||
      open.length > this.#open.length * largeGrowth
    )
      this.#setOpen(open, tags);
    this.#drawn = this.#open === open ? text + closers : null;
    if (areMarks && this.#open === open)
      this.#plainEnd = PlainEnd.of({ text, shown, line: this.#splitter.rest, html: open, tags });
    this.#drawAgainAt = this.#now() + restPerDraw * Math.min(this.#now() - startedAt, drawMs(open.length));
  }

  #drawCodeLine(rest: string): void {
    const code = this.#code;
    if (!code) return;
    // a long line is drawn anew only when it has grown by a good part
    const isMuch = rest.length < largeChars || rest.length > code.line.length * largeGrowth;
    const mayEnd = /^ {0,3}(?:`+|~+)[ \t]*$/.test(rest);
    const line = mayEnd ? "" : isMuch ? Bun.escapeHTML(rest) : code.line;
    if (code.isNew) this.#finished += `<span id="${openIds.line}">${line}</span>${code.foot}`;
    else {
      if (this.#codeAdded !== "") this.#changes.push({ kind: "code", html: this.#codeAdded });
      if (line !== code.line || this.#codeAdded !== "") this.#changes.push({ kind: "codeLine", html: line });
    }
    this.#codeAdded = "";
    code.isNew = false;
    code.line = line;
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
