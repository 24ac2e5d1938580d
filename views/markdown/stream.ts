// A Markdown text that grows, as changes to a page: finished blocks are sent once, the open one grows by what is new in it, code
// grows line by line. The end compares what was sent with the whole text rendered at once, and mends the difference.
// Kept once for all who watch; whoever comes later gets `html`, which is the page as it is then.

import { BlockSplitter } from "./blocks.ts";
import { CodeLines, codeFrame, languageOf } from "./code.ts";
import { clean, closing, isVoid, lastLevel, markdownHtml, messageLevel, opened } from "./html.ts";
import { mended, shownPart } from "./mend.ts";
import { PlainEnd } from "./plain-end.ts";

/** What is to be changed on the page; `views/frame` says how. All of one push are found on the page before any of them is done. */
export type Change =
  | {
      /** finish: before the open block; open: in its place; code: before the open line of the open code; codeLine: in its place; replace: in place of all. */
      readonly kind: "finish" | "open" | "code" | "codeLine" | "replace";
      readonly html: string;
    }
  /** Goes to the end of the open block's last element, or of that one's, `depth` deep. */
  | { readonly kind: "grow"; readonly depth: number; readonly html: string }
  /** The open code has no open line any more. */
  | { readonly kind: "codeEnd" };

/** Ids of the open block and of the open line of code. One Run at a time in a conversation, so they need not differ. */
export const openIds = { block: "t", line: "c" } as const;

/** An open block larger than this, in UTF-16 units of HTML, is sent anew as a whole only when it has grown by a good part. */
const largeChars = 8_000;
const largeGrowth = 1.125;

/** After a drawing the stream rests this many times as long as that took: a block of any length costs at most a part of the time. */
const restPerDraw = 4;

/** Definitions of references that are kept for the blocks behind them, in UTF-16 units. */
const definitionsMaxChars = 16_000;

export class MarkdownStream {
  readonly #splitter: BlockSplitter;
  /** What stands before the open block and is final, but for an open code's lines. */
  #done = "";
  /** The code that is open at the end of what is done. */
  #code: { lines: CodeLines; foot: string; line: string; isNew: boolean } | null = null;
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
    this.#splitter.push(this.#cleaned(piece));
    this.#drawOpen();
    return this.#take();
  }

  /** What a piece of plain text behind plain text changes; null for any other. */
  #pushPlain(piece: string): readonly Change[] | null {
    const html = this.#isReturnHeld ? null : (this.#plainEnd?.add(piece) ?? null);
    if (html === null) return null;
    this.#seenChars += piece.length;
    this.#splitter.push(piece);
    this.#open += html;
    this.#drawn = null;
    return html === "" ? [] : [{ kind: "grow", depth: this.#openTags.length, html }];
  }

  /** What the end changes; `text` is the whole of it, what was never pushed included. */
  end(text: string): readonly Change[] {
    this.#begin();
    this.#splitter.push(this.#cleaned(text.slice(this.#seenChars))); // what came last has not been pushed
    if (this.#isReturnHeld) this.#splitter.push("\n");
    this.#splitter.end();
    const changes = this.#take();
    const whole = markdownHtml(text);
    return whole === this.#done ? changes : [{ kind: "replace", html: whole }];
  }

  #begin(): void {
    this.#plainEnd = null;
    this.#finished = this.#codeAdded = "";
    this.#changes = [];
  }

  /** CR LF and CR are line feeds; one at the end of a piece is known only with the next. */
  #cleaned(piece: string): string {
    this.#seenChars += piece.length;
    const whole = (this.#isReturnHeld ? "\r" : "") + piece;
    this.#isReturnHeld = whole.endsWith("\r");
    return clean(this.#isReturnHeld ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  }

  #render(block: string): string {
    return markdownHtml(this.#definitions === "" ? block : `${this.#definitions}\n${block}`, this.#level);
  }

  #finish(html: string, block: string): void {
    this.#finished += html;
    this.#done += html;
    this.#level = lastLevel(html, this.#level);
    if (this.#open !== "") this.#setOpen("", []);
    if (!block.trimStart().startsWith("[") || this.#definitions.length > definitionsMaxChars) return;
    for (const [line] of block.matchAll(/^ {0,3}\[[^\]\n]+\]:[ \t]*\S.*$/gm)) this.#definitions += `${line}\n`;
  }

  /** What was shown of the line that turns out to be a fence goes away with the open block. */
  #openCode(info: string): void {
    const { head, foot } = codeFrame(languageOf(info));
    this.#done += head;
    this.#finished += head;
    this.#code = { lines: new CodeLines(languageOf(info)), foot, line: "", isNew: true };
    if (this.#open !== "") this.#setOpen("", []);
  }

  #addCode(line: string): void {
    if (!this.#code) return;
    const html = `${this.#code.lines.push(line)}\n`;
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
    else this.#drawBlock(shownPart(lines, rest));
  }

  #drawBlock(shown: string): void {
    const startedAt = this.#now();
    if (shown.trim() === "" || (startedAt < this.#drawAgainAt && this.#finished === "")) return;
    const { text, closers } = mended(shown);
    if (text + closers === this.#drawn && this.#finished === "") return; // what is new is kept back: a row of a table, a link's beginning
    const mendedHtml = this.#render(text + closers);
    // marks that close nothing stand there as what they are: then they were not meant as marks
    const areMarks = closers === "" || !opened(mendedHtml).open.endsWith(closers.at(-1) as string);
    const { open, tags } = opened(areMarks ? mendedHtml : this.#render(text));
    if (this.#open !== "" && this.#finished === "" && open.startsWith(this.#open)) this.#grow(open.slice(this.#open.length), open, tags);
    else if (open.length < largeChars || this.#finished !== "" || open.length > this.#open.length * largeGrowth) this.#setOpen(open, tags);
    this.#drawn = this.#open === open ? text + closers : null;
    if (areMarks && this.#open === open) this.#plainEnd = PlainEnd.of({ text, shown, line: this.#splitter.rest, html: open, tags });
    this.#drawAgainAt = this.#now() * (1 + restPerDraw) - startedAt * restPerDraw;
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

  /** Adds what is new, each part to the element that it belongs to. */
  #grow(added: string, open: string, tags: string[]): void {
    let depth = this.#openTags.length;
    let html = "";
    const inner: string[] = [];
    const put = () => {
      if (html !== "") this.#changes.push({ kind: "grow", depth, html });
      html = "";
    };
    for (const [token, close, name] of added.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>|[^<]+/g)) {
      if (close === "/" && inner.length === 0) {
        put();
        depth--;
      } else {
        html += token;
        if (close === "/") inner.pop();
        else if (name !== undefined && !isVoid(name)) inner.push(name);
      }
    }
    html += closing(inner);
    put();
    this.#open = open;
    this.#openTags = tags;
  }

  #take(): readonly Change[] {
    const finished: Change[] = this.#finished === "" ? [] : [{ kind: "finish", html: this.#finished }];
    // what ends the code that was open comes before what follows it
    const codeEnd = this.#changes.filter(({ kind }) => kind === "code" || kind === "codeEnd");
    return [...codeEnd, ...finished, ...this.#changes.filter((change) => !codeEnd.includes(change))];
  }
}
