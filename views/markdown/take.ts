// Removes from a Markdown text what the parser would break or does not know: formulas, bare addresses, the
// allowed tags, comments. Each line of them leaves a placeholder. markdown/dress puts them back, rendered, or
// as their source where they have no meaning (in code).

import { addressMaxChars, endOfAddress, mailAround, mayBegin, reachOf, targetOf } from "./address.ts";
import { type Citations, citation, citationFrom, isNumbered } from "./citations.ts";
import { bareFormula, bracesEnd, codeEnd, dollarEnd, fenceEnd, finder, formulaMaxChars } from "./ends.ts";

interface Thing {
  readonly kind: "formula" | "address" | "tag" | "comment" | "citation";
  /** Its source, without the quote marks before its lines. */
  readonly source: string;
  /** The placeholders of its further lines, as they follow the first within one paragraph. */
  readonly rest: string;
}

/** A line of a Thing. */
export interface Piece {
  readonly thing: Thing;
  readonly source: string;
  readonly isFirst: boolean;
}

/** The placeholder of a piece; `clean` replaces its noncharacters in every text. */
export const placeOf = (piece: number): string => `\ufdd0${piece}\ufdd1`;

type Taken = { source: string; pieces: readonly Piece[] };

/** Longest comment, in UTF-16 units. */
const commentMaxChars = 20_000;

/** The allowed tags, all without attributes. The attribute `open` is dropped. */
export const allowedTag = /<(\/?)(kbd|sub|sup|u|mark|br|summary|details(?: open(?:="")?)?)[ \t]{0,9}\/?>/iy;

/**
 * The places to examine: the line of a fence, a definition, a run of backticks, a backslash, a dollar, the
 * target of a link, a tag, an address.
 */
const signs =
  /^ {0,3}(?:`{3,}|~{3,})[^\n]*$|^[ \t>]{0,12}\[(?!\^)(?:[^\]\n\\]|\\.)+\]:[ \t]*\S+[ \t]*(?:["'(][^\n]*)?$|`+|\\[\s\S]?|\$\$?|\]\(|<|@|https?:\/\/|www\.|mailto:/gim;

const signsAndCitations = new RegExp(`${citation}|${signs.source}`, signs.flags);

/** Replaces the pieces of a text by placeholders; returns the text and the pieces. */
export function take(text: string, citations: Citations | null = null): Taken {
  const hasPieces = /[$\\<@]|:\/\/|www\.|mailto:/i.test(text) || (citations !== null && /\[\d/.test(text));
  return hasPieces ? new Taking(text, citations).all() : { source: text, pieces: [] };
}

class Taking {
  readonly #text: string;
  readonly #next: (mark: string, from: number) => number;
  readonly #pieces: Piece[] = [];
  #source = "";
  #done = 0;
  #torn = { at: -1, to: -1 };
  /** The start of the line of the last requested position. */
  #line = { start: 0, at: 0 };
  readonly #citations: Citations | null;

  constructor(text: string, citations: Citations | null) {
    this.#text = text;
    this.#citations = citations;
    this.#next = finder(text);
  }

  all(): Taken {
    const places = this.#citations === null ? signs : signsAndCitations;
    places.lastIndex = 0;
    for (let found = places.exec(this.#text); found; found = places.exec(this.#text)) {
      const { index } = found;
      places.lastIndex = Math.max(this.#look(found[0], index), index + 1);
    }
    return { source: this.#source + this.#text.slice(this.#done), pieces: this.#pieces };
  }

  /** Takes the piece that begins here, or skips text without pieces; returns the position to continue at. */
  #look(sign: string, at: number): number {
    const text = this.#text;
    const end = at + sign.length;
    if (this.#citations !== null && /^[ \t>]*\[\d/.test(sign))
      return this.#citation(sign, at, this.#citations);
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
        // a fence of tildes or after spaces; a definition is skipped
        return /^ {0,3}[`~]/.test(sign) ? fenceEnd(text, sign.trimStart()[0] as string, end) : end;
    }
  }

  /** Takes a citation. A definition is skipped, but not where its label is a citation. */
  #citation(sign: string, at: number, citations: Citations): number {
    const from = citationFrom(sign, citations);
    if (from === null) return at + (isNumbered(sign) ? sign.indexOf("[") : sign.length);
    return this.#take("citation", at + from, at + sign.length);
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

  /** The position after the next such mark if it is near and in the same paragraph, else null. */
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
   * True if a paragraph ends between these positions. The result is kept, because many marks may be tested
   * against the same end.
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

  /** Handles a `<`: a comment, a tag, or an address in angle brackets. */
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

  /** A comment at the start of a line may span several paragraphs (CommonMark 0.31.2, §4.6). */
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
   * Gives each line its own placeholder, so that the parser sees the lines. Of the quote marks before a line,
   * as many stay in front of the placeholder as the first line has.
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

  /** The number of quote marks at the start of the line of `at`. */
  #quotesBefore(at: number): number {
    const start = this.#lineStart(at);
    const [marks = ""] = /^[ \t>]*/.exec(this.#text.slice(start, Math.min(at, start + 100))) ?? [];
    return marks.split(">").length - 1;
  }

  /** The start of the line of `at`; positions must be requested in the order of the text. */
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
