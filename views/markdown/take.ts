// What the parser would break or not know is taken out of a Markdown text before it, and a place left for
// each line of it: formulas, bare addresses, the few tags that are allowed, comments. markdown/dress puts
// them back: set, or as they stood where it turns out that they are none (in code).

import { addressMaxChars, endOfAddress, mailAround, mayBegin, reachOf, targetOf } from "./address.ts";
import { bracesEnd, codeEnd, dollarEnd, fenceEnd, finder, formulaMaxChars } from "./ends.ts";

interface Thing {
  readonly kind: "formula" | "address" | "tag" | "comment";
  /** As it stood there, without the marks of a quote before its lines. */
  readonly source: string;
  /** The places of its further lines, as they follow the first where it stands in one paragraph. */
  readonly rest: string;
}

/** A line of a Thing. */
export interface Piece {
  readonly thing: Thing;
  readonly source: string;
  readonly isFirst: boolean;
}

/** The place of a piece; noncharacters, which `clean` takes out of every text. */
export const placeOf = (piece: number): string => `\ufdd0${piece}\ufdd1`;

/** Longest comment, in UTF-16 units. */
const commentMaxChars = 20_000;

/** The tags that are allowed, all without attributes, and `open`, which is left out. */
export const allowedTag = /<(\/?)(kbd|sub|sup|u|mark|br|summary|details(?: open(?:="")?)?)[ \t]{0,9}\/?>/iy;

const environments =
  "equation|align|aligned|alignat|gather|gathered|multline|split|cases|array|[pbvBV]?matrix|smallmatrix";
/** Formulas that some models write without any sign around them. */
const bareFormula = new RegExp(String.raw`\\(?:(boxed)|begin\{((?:${environments})\*?)\})`, "y");

/**
 * Where something is looked at: a fence's line, a definition, a run of backticks, a backslash, a dollar, a
 * link's target, a tag, an address.
 */
const signs =
  /^ {0,3}(?:`{3,}|~{3,})[^\n]*$|^[ \t>]{0,12}\[(?!\^)(?:[^\]\n\\]|\\.)+\]:[ \t]*\S+[ \t]*(?:["'(][^\n]*)?$|`+|\\[\s\S]?|\$\$?|\]\(|<|@|https?:\/\/|www\.|mailto:/gim;

/** The text with a place for each line of what was taken out, and these. */
export function take(text: string): { source: string; pieces: readonly Piece[] } {
  return /[$\\<@]|:\/\/|www\.|mailto:/i.test(text) ? new Taking(text).all() : { source: text, pieces: [] };
}

class Taking {
  readonly #text: string;
  readonly #next: (mark: string, from: number) => number;
  readonly #pieces: Piece[] = [];
  #source = "";
  #done = 0;
  #torn = { at: -1, to: -1 };
  /** Where the line of the place last asked for begins. */
  #line = { start: 0, at: 0 };

  constructor(text: string) {
    this.#text = text;
    this.#next = finder(text);
  }

  all(): { source: string; pieces: readonly Piece[] } {
    signs.lastIndex = 0;
    for (let found = signs.exec(this.#text); found; found = signs.exec(this.#text)) {
      const { index } = found;
      signs.lastIndex = Math.max(this.#look(found[0], index), index + 1);
    }
    return { source: this.#source + this.#text.slice(this.#done), pieces: this.#pieces };
  }

  /** Takes what a sign begins, or passes what nothing can be taken from; returns where to look on. */
  #look(sign: string, at: number): number {
    const text = this.#text;
    const end = at + sign.length;
    switch (sign[0]?.toLowerCase()) {
      case "\\":
        return this.#backslash(sign, at);
      case "$":
        return this.#formula(at, sign === "$$" ? this.#close("$$", at, 2) : dollarEnd(text, at)) ?? end;
      case "`":
        return this.#fenceOrCode(sign, at);
      case "]":
        return this.#close(")", at, 2) ?? end;
      case "<":
        return this.#angle(at);
      case "@":
        return this.#mail(at);
      case "h":
      case "w":
      case "m":
        return this.#address(at);
      default:
        // a fence with spaces before it or of tildes; a definition is passed
        return /^ {0,3}[`~]/.test(sign) ? fenceEnd(text, sign.trimStart()[0] as string, end) : end;
    }
  }

  #fenceOrCode(sign: string, at: number): number {
    const [run = "`"] = /^`+/.exec(sign) ?? [];
    const isFence =
      run.length > 2 && (at === 0 || this.#text[at - 1] === "\n") && !sign.includes("`", run.length);
    return isFence ? fenceEnd(this.#text, "`", at + sign.length) : codeEnd(this.#text, run, at + run.length);
  }

  #backslash(sign: string, at: number): number {
    const text = this.#text;
    const end = at + sign.length;
    if (sign === "\\(" || sign === "\\[")
      return this.#formula(at, this.#close(sign === "\\(" ? "\\)" : "\\]", at, 2)) ?? end;
    bareFormula.lastIndex = at;
    const [found = "", isBoxed, environment] = bareFormula.exec(text) ?? [];
    if (isBoxed !== undefined) return this.#formula(at, bracesEnd(text, at + found.length)) ?? end;
    if (environment !== undefined)
      return this.#formula(at, this.#close(`\\end{${environment}}`, at, found.length)) ?? end;
    return end;
  }

  /** Behind the next such mark, where that is near and in the same paragraph; null when it is not. */
  #close(mark: string, from: number, length: number): number | null {
    const at = this.#next(mark, from + length);
    if (at <= from + length || at - from > formulaMaxChars) return null;
    return this.#isTorn(
      from + length,
      at,
      this.#quotesBefore(from) === 0 ? /\n[^\S\n]*(?:\n|>)/g : /\n[ \t>]*\n/g,
    )
      ? null
      : at + mark.length;
  }

  /**
   * Whether a paragraph ends between these. What is known of it is remembered: many a mark may be looked at
   * before the same end.
   */
  #isTorn(from: number, to: number, tear: RegExp): boolean {
    if (to === this.#torn.to && from <= this.#torn.at) return true;
    tear.lastIndex = from;
    const inner = tear.exec(this.#text.slice(0, to));
    if (inner) this.#torn = { at: inner.index, to };
    return inner !== null;
  }

  #formula(from: number, end: number | null): number | null {
    return end === null ? null : this.#take("formula", from, end);
  }

  #address(at: number): number {
    const text = this.#text;
    if (!mayBegin(text, at)) return at + 1;
    const end = endOfAddress(text, at);
    return end === null ? Math.min(reachOf(text, at), at + addressMaxChars) : this.#take("address", at, end);
  }

  #mail(at: number): number {
    const found = mailAround(this.#text, at, this.#done);
    return found ? this.#take("address", found.start, found.end) : at + 1;
  }

  /** A comment, a tag, an address in angle brackets. */
  #angle(at: number): number {
    const text = this.#text;
    if (text.startsWith("<!--", at)) return this.#comment(at) ?? at + 1;
    allowedTag.lastIndex = at;
    const [tag] = allowedTag.exec(text) ?? [];
    if (tag !== undefined) return this.#take("tag", at, at + tag.length);
    inAngles.lastIndex = at;
    const [found] = inAngles.exec(text) ?? [];
    return found !== undefined && targetOf(found.slice(1, -1)) !== null
      ? this.#take("address", at, at + found.length)
      : at + 1;
  }

  /** One that begins a line may reach over several paragraphs (CommonMark 0.31.2, §4.6). */
  #comment(at: number): number | null {
    const text = this.#text;
    const [empty] = /^<!---?>/.exec(text.slice(at, at + "<!--->".length)) ?? [];
    if (empty !== undefined) return this.#take("comment", at, at + empty.length);
    const close = this.#next("-->", at + "<!--".length);
    if (close < 0 || close - at > commentMaxChars) return null;
    const mayHoldAll = /^[ \t>]{0,100}$/.test(text.slice(this.#lineStart(at), at).slice(0, 101));
    if (!mayHoldAll && this.#isTorn(at, close, /\n[ \t>]*\n/g)) return null;
    return this.#take("comment", at, close + "-->".length);
  }

  #take(kind: Thing["kind"], from: number, end: number): number {
    const source = this.#text.slice(from, end);
    this.#source += this.#text.slice(this.#done, from);
    this.#done = end;
    if (source.includes("\n")) this.#takeLines(kind, source.split("\n"), this.#quotesBefore(from));
    else {
      this.#source += placeOf(this.#pieces.length);
      this.#pieces.push({ thing: { kind, source, rest: "" }, source, isFirst: true });
    }
    return end;
  }

  /**
   * Each line has a place of its own, so that the parser sees the lines; what stands before them is theirs as
   * far as the first has it, too.
   */
  #takeLines(kind: Thing["kind"], lines: readonly string[], quotes: number): void {
    const first = this.#pieces.length;
    const before = quotes === 0 ? /^[ \t]*/ : new RegExp(`^(?:[ \\t]*>){0,${quotes}}[ \\t]*`);
    const prefixes = lines.map((line, i) => (i === 0 ? "" : (before.exec(line)?.[0] ?? "")));
    const own = lines.map((line, i) => line.slice((prefixes[i] as string).length));
    const rest = own.slice(1).reduce((places, _, i) => `${places}\n${placeOf(first + 1 + i)}`, "");
    const thing: Thing = { kind, source: own.join("\n"), rest };
    own.forEach((source, i) => {
      if (i > 0) this.#source += `\n${prefixes[i]}`;
      if (source !== "") this.#source += placeOf(this.#pieces.length);
      this.#pieces.push({ thing, source, isFirst: i === 0 });
    });
  }

  /** How many marks of quotes stand at the beginning of the line of `at`. */
  #quotesBefore(at: number): number {
    const start = this.#lineStart(at);
    const [marks = ""] = /^[ \t>]*/.exec(this.#text.slice(start, Math.min(at, start + 100))) ?? [];
    return marks.split(">").length - 1;
  }

  /** Where the line of `at` begins; places are asked for in the order of the text. */
  #lineStart(at: number): number {
    const feed = this.#text.slice(this.#line.at, at).lastIndexOf("\n");
    this.#line = {
      start: feed < 0 ? this.#line.start : this.#line.at + feed + 1,
      at: Math.max(at, this.#line.at),
    };
    return this.#line.start;
  }
}

/** An address in angle brackets. */
const inAngles = new RegExp(String.raw`<(?:https?:\/\/|mailto:)?[^\s<>]{3,${addressMaxChars}}>`, "iy");
