// Cuts a growing Markdown text into blocks. A block is complete once no later line can change it. The end of
// the stream corrects the rare exceptions (a reference that is defined later, a list that becomes loose). In
// doubt, nothing is cut.

import { type Citations, withoutNumbered } from "./citations.ts";

/** Receives the parts of the text in order. */
interface BlockSink {
  /** A block that is complete. */
  block(text: string): void;
  /** A code fence at the outermost level was opened; `info` is its info string. */
  fence(info: string): void;
  /** A complete line of the fenced code. */
  code(line: string): void;
  fenceEnd(): void;
}

type Kind = "none" | "paragraph" | "list" | "quote" | "indented";

const marker = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)/;
const heading = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const underline = /^ {0,3}(?:=+|-+)[ \t]*$/;
const quote = /^ {0,3}>/;
const fence = /^( {0,3})(`{3,}|~{3,})(.*)$/;
const commentStart = /^[ \t>]*<!--/;
const fold = /<(\/?)details(?: open(?:="")?)?>/gi;
/** A `<details>` within a line opens nothing. */
const foldStart = /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)?<details/i;
const indented = /^(?: {4}| {0,3}\t)/;

export class BlockSplitter {
  readonly #sink: BlockSink;
  #kind: Kind = "none";
  /** The complete lines of the block that is open. */
  #lines = "";
  /** True if a blank line follows them. */
  #isAfterBlank = false;
  #rest = "";
  #fence: { indent: number; mark: string } | null = null;
  /** How many `<details>` are open, and whether a comment is open: nothing is cut within either. */
  #folds = 0;
  #isInComment = false;

  constructor(sink: BlockSink) {
    this.#sink = sink;
  }

  /** Complete lines of the open block; empty in a fence. */
  get lines(): string {
    return this.#lines;
  }

  /** The line that is not complete yet. */
  get rest(): string {
    return this.#rest;
  }

  get isInFence(): boolean {
    return this.#fence !== null;
  }

  push(piece: string): void {
    if (!piece.includes("\n")) {
      this.#rest += piece;
      return;
    }
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#line(line);
  }

  /** The text is complete, and so is the open block. */
  end(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
    if (this.#fence) this.#sink.fenceEnd();
    this.#fence = null;
    this.#cut();
  }

  /**
   * Ends the part of the text that is rendered, without the incomplete line if `isRestDropped`. All text
   * after it counts as lines of code.
   */
  endDrawn(isRestDropped: boolean): void {
    if (isRestDropped) this.#rest = "";
    this.end();
    this.#fence = { indent: 0, mark: "\n" }; // which no line holds
  }

  #line(line: string): void {
    if (this.#fence) this.#codeLine(line, this.#fence);
    else if (line.trim() === "") this.#blank(line);
    else if (this.#folds > 0 || this.#isInComment) this.#addWithin(line);
    else {
      const starts = kindOf(line);
      if (this.#isNew(line, starts)) this.#cut();
      this.#add(line, starts);
    }
  }

  /** Adds a line of a `<details>` or a comment; the line that closes it is part of a paragraph. */
  #addWithin(line: string): void {
    this.#lines += `${line}\n`;
    this.#isAfterBlank = false;
    this.#count(line);
  }

  #count(line: string): void {
    if (this.#isInComment) this.#isInComment = !line.includes("-->");
    else if (commentStart.test(line)) this.#isInComment = !line.includes("-->");
    else if (this.#folds > 0 || foldStart.test(line))
      for (const [, close] of line.matchAll(fold))
        this.#folds = Math.max(0, this.#folds + (close === "" ? 1 : -1));
  }

  #codeLine(line: string, { indent, mark }: { indent: number; mark: string }): void {
    const closing = fence.exec(line);
    if (closing?.[2]?.startsWith(mark) && (closing[3] as string).trim() === "") {
      this.#fence = null;
      this.#sink.fenceEnd();
    } else this.#sink.code(line.slice(Math.min(indent, /^ */.exec(line)?.[0].length ?? 0)));
  }

  #blank(line: string): void {
    if (this.#kind === "none") return;
    this.#isAfterBlank = true;
    this.#lines += `${line}\n`;
  }

  /** True if a line starts another block than the open one. */
  #isNew(line: string, starts: Starts): boolean {
    switch (this.#kind) {
      case "none":
        return false;
      case "paragraph":
        // dashes below a paragraph make it a heading; a list item interrupts it unless the item is empty or
        // its number is not 1
        return (
          this.#isAfterBlank ||
          (starts === "rule"
            ? !underline.test(line)
            : starts === "list"
              ? interrupts(line)
              : starts !== "text" && starts !== "indented")
        );
      case "quote":
        return this.#isAfterBlank || (starts !== "text" && starts !== "quote" && starts !== "indented");
      case "list":
        if (/^[ \t]{2}|^\t/.test(line) || starts === "list") return false;
        return this.#isAfterBlank || starts !== "text";
      case "indented":
        return starts !== "indented";
    }
  }

  #add(line: string, starts: Starts): void {
    const opening = this.#kind === "none" ? openingOf(line) : null;
    if (opening) {
      this.#fence = opening;
      this.#sink.fence(opening.info);
      return;
    }
    const wasNone = this.#kind === "none";
    this.#lines += `${line}\n`;
    this.#isAfterBlank = false;
    this.#count(line);
    if (wasNone)
      this.#kind = starts === "list" || starts === "quote" || starts === "indented" ? starts : "paragraph";
    const isHeading =
      starts === "heading" || (this.#kind === "paragraph" && !wasNone && underline.test(line));
    if (this.#kind === "paragraph" && (isHeading || (wasNone && starts === "rule"))) this.#cut();
  }

  #cut(): void {
    const text = this.#lines;
    this.#lines = "";
    this.#kind = "none";
    this.#isAfterBlank = this.#isInComment = false;
    this.#folds = 0;
    if (text !== "") this.#sink.block(text);
  }
}

type Starts = "text" | "heading" | "rule" | "list" | "quote" | "fence" | "indented";

function kindOf(line: string): Starts {
  if (indented.test(line)) return "indented";
  if (heading.test(line)) return "heading";
  if (rule.test(line)) return "rule";
  if (quote.test(line)) return "quote";
  if (openingOf(line)) return "fence";
  return marker.test(line) ? "list" : "text";
}

/** The fence that a line opens. An info string after backticks contains no backtick. */
function openingOf(line: string): { indent: number; mark: string; info: string } | null {
  const [, indent, mark, info] = fence.exec(line) ?? [];
  if (
    indent === undefined ||
    mark === undefined ||
    info === undefined ||
    (mark.startsWith("`") && info.includes("`"))
  )
    return null;
  return { indent: indent.length, mark, info };
}

/** True if a list item may follow a paragraph without a blank line (CommonMark 0.31.2, §5.3). */
function interrupts(line: string): boolean {
  return /^ {0,3}(?:[-+*]|1[.)])[ \t]+\S/.test(line);
}

/** The link reference definitions in a block, one per line. A citation is no label of one. */
export function definitionsIn(block: string, citations: Citations | null): string {
  if (!block.trimStart().startsWith("[")) return "";
  const all = [...block.matchAll(/^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*\S.*$/gm)]
    .map(([line]) => `${line}\n`)
    .join("");
  return citations === null ? all : withoutNumbered(all);
}
