// The rendered text of an answer with what was found about its sentences: one that does not stand in the
// sources is marked, one that parlor found there gets its number. Reads the HTML of markdown/dress.

import { type Doubt, sentenceKey } from "../../src/domain/doubt.ts";
import { type Check, noTally, type Tally, type Verdict } from "../../src/domain/grounding.ts";
import { citationSign, sentenceEnds } from "../../src/domain/sentences.ts";
import { addedCitation, type Citations, numberOf } from "./citations.ts";
import { marks } from "./marks.ts";
import { cutAt, htmlOf, type Piece, textOf, withTags, wrapped } from "./pieces.ts";
import { unescaped } from "./tags.ts";
import { unitsOf, type Work } from "./work.ts";

/** Elements within a paragraph that may hold a part of a sentence. */
const inline = new Set(["em", "strong", "del", "a", "span", "kbd", "sub", "sup", "u", "mark"]);
/** Elements within a paragraph that are no words. */
const wordless = new Set(["code", "math"]);
/** Blocks without sentences: code, headings, the head of a table, what unfolds. */
const silent = new Set(["pre", "h1", "h2", "h3", "h4", "h5", "h6", "thead", "summary"]);
const isSilent = (tag: string, name: string): boolean => silent.has(name) || /^<div class="code"/.test(tag);
/** Stands for what is no word. */
const noWord = "\u25a1";

const tokens =
  /<a class="cite"[^>]*>\[\d+\]<\/a>|<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|[^>"])*>|&#?\w+;|[^<&]+|[<&]/g;

/** What was found about the sentences of a text. */
export interface Findings {
  readonly tally: Tally;
  /** How many sentences were found by their sense alone: the tally does not count them as supported. */
  readonly sensed: number;
  /** The sentences that lack only words. */
  readonly doubts: readonly Doubt[];
}

export interface Grounded extends Findings {
  readonly html: string;
}

/** A verdict with the opinion of a model about a sentence that lacks words. */
type Opinion = Verdict | { readonly kind: "sensed"; readonly in: number };

/**
 * HTML of an answer with its marks, and what was counted. From `openFrom` on it is still being written. When
 * the work is used up, the rest is neither marked nor counted.
 */
export function grounded(html: string, citations: Citations, work: Work, openFrom?: number): Grounded {
  const { check } = citations;
  return check ? new Marking(check, citations, work).of(html, openFrom) : { html, ...noFindings };
}

export const noFindings = { tally: noTally, sensed: 0, doubts: [] } as const;

/** An element that is passed over whole. */
interface Passed {
  readonly name: string;
  readonly isInline: boolean;
  depth: number;
  html: string;
}

type Marked = Exclude<Opinion, { readonly kind: "none" | "supported" }>;

class Marking {
  readonly #check: Check;
  readonly #citations: Citations;
  readonly #work: Work;
  #made = "";
  #pieces: Piece[] = [];
  /** The row of a table that is read: it counts as a sentence. */
  #row: { readonly tag: string; readonly cells: Piece[] } | null = null;
  #passed: Passed | null = null;
  #sentences = 0;
  #supported = 0;
  #sensed = 0;
  readonly #doubts: Doubt[] = [];

  constructor(check: Check, citations: Citations, work: Work) {
    this.#work = work;
    this.#check = check;
    this.#citations = citations;
  }

  of(html: string, openFrom = Number.POSITIVE_INFINITY): Grounded {
    let at = 0;
    for (const [token, slash, name = ""] of html.matchAll(tokens)) {
      // what follows a block's end has nothing more to add to it
      const isComplete = at < openFrom;
      at += token.length;
      if (this.#passed !== null) this.#pass(this.#passed, token, name, slash === "/");
      else if (slash !== "/" && (wordless.has(name) || isSilent(token, name)))
        this.#begin(token, name, isComplete);
      else if (name === "" || inline.has(name) || name === "br" || name === "input")
        this.#pieces.push(pieceOf(token, name, slash === "/"));
      else this.#block(token, name, slash === "/", isComplete);
    }
    this.#endParagraph(at < openFrom);
    const tally = { sentences: this.#sentences, supported: this.#supported };
    return { html: this.#made, tally, sensed: this.#sensed, doubts: this.#doubts };
  }

  #begin(tag: string, name: string, isComplete: boolean): void {
    const isInline = wordless.has(name);
    if (!isInline) this.#endParagraph(isComplete);
    this.#passed = { name, isInline, depth: 1, html: tag };
  }

  #pass(passed: Passed, token: string, name: string, isClose: boolean): void {
    passed.html += token;
    if (name === passed.name) passed.depth += isClose ? -1 : 1;
    if (passed.depth > 0) return;
    if (passed.isInline) this.#pieces.push({ kind: "other", html: passed.html, text: noWord });
    else this.#made += passed.html;
    this.#passed = null;
  }

  #block(tag: string, name: string, isClose: boolean, isComplete: boolean): void {
    if (this.#row === null) {
      this.#endParagraph(isComplete);
      if (name === "tr" && !isClose) this.#row = { tag, cells: [] };
      else this.#made += tag;
    } else {
      this.#row.cells.push(...this.#pieces, { kind: "other", html: tag, text: "\n" });
      this.#pieces = [];
      if (name === "tr") this.#endRow(this.#row.cells, isComplete);
    }
  }

  #endRow(cells: readonly Piece[], isComplete: boolean): void {
    this.#row = null;
    const verdict: Opinion = isComplete ? this.#verdict(cells) : { kind: "none" };
    const html = htmlOf(cells);
    const lastCell = html.lastIndexOf("<td");
    const lastEnd = html.lastIndexOf("</td>");
    if (verdict.kind === "none" || lastCell < 0) this.#made += `<tr>${html}`;
    else if (verdict.kind === "supported")
      this.#made += `<tr>${html.slice(0, lastEnd)}${this.#added(verdict.by)}${html.slice(lastEnd)}`;
    else {
      const cell = `<td${saysOf(verdict, cells)}${html.slice(lastCell + "<td".length)}`;
      this.#made += `<tr${this.#mark(verdict)}>${html.slice(0, lastCell)}${cell}`;
    }
  }

  /** Ends a paragraph, or the text of an item. */
  #endParagraph(isComplete: boolean): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    const text = textOf(pieces);
    if (isTitle(pieces, text)) {
      this.#made += htmlOf(pieces);
      return;
    }
    const ends = sentenceEnds(text, isComplete);
    const { cut, sentences } = cutAt(pieces, isComplete ? [...ends, text.trimEnd().length] : ends);
    let [done, links] = [0, 0];
    for (const sentence of sentences) {
      const own = cut.slice(sentence.start, sentence.end);
      const verdict = this.#verdict(own);
      const { start, end } = withTags(cut, sentence);
      const around = cut.slice(done, start);
      const inner = cut.slice(start, end);
      links += linksIn(around) + linksIn(inner);
      done = end;
      this.#made += htmlOf(around);
      if (verdict.kind !== "none" && verdict.kind !== "supported")
        this.#made += wrapped(inner, this.#mark(verdict), saysOf(verdict, own));
      else this.#made += htmlOf(inner);
      if (verdict.kind === "supported" && links === 0) this.#made += this.#added(verdict.by);
    }
    this.#made += htmlOf(cut.slice(done));
  }

  #verdict(pieces: readonly Piece[]): Opinion {
    const sentence = textOf(pieces).replaceAll(citationSign, "");
    const cites = citesOf(pieces);
    const units = unitsOf.sentence(sentence.length, this.#check.size);
    if (!this.#check.isKnown(sentence, cites) && !this.#work.take(units)) return { kind: "none" };
    const verdict = this.#check.of(sentence, cites);
    if (verdict.kind !== "none") this.#sentences++;
    if (verdict.kind === "supported") this.#supported++;
    return "lacksWords" in verdict && verdict.lacksWords
      ? this.#opinion(verdict, { sentence, cites })
      : verdict;
  }

  #opinion(verdict: Verdict, doubt: Doubt): Opinion {
    this.#doubts.push(doubt);
    const { bySense, numbers } = this.#citations;
    const n = bySense?.[sentenceKey(doubt.sentence)];
    if (n === undefined || !(doubt.cites.length > 0 ? doubt.cites.includes(n) : numbers.has(n)))
      return verdict;
    this.#sensed++;
    return { kind: "sensed", in: n };
  }

  #mark({ kind }: Marked): string {
    if (kind === "sensed") return ' class="sensed"';
    return ` data-grounding="${kind}"${this.#citations.isStrict ? ' class="strict"' : ""}`;
  }

  /** The number that parlor adds. */
  #added(n: number | null): string {
    return n === null ? "" : ` ${addedCitation(n, this.#citations)}`;
  }
}

/** True for a paragraph that is bold from its beginning to its end, and no sentence: models write titles so. */
function isTitle(pieces: readonly Piece[], text: string): boolean {
  const written = pieces.filter((piece) => piece.html.trim() !== "");
  const strong = written.filter(({ html }) => html === "<strong>" || html === "</strong>");
  const isBold = strong.length === 2 && strong[0] === written[0] && strong[1] === written.at(-1);
  return isBold && !/[.!?…。\ufffc]\s*$/.test(text);
}

/** Links that these pieces open and do not close. */
const linksIn = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { kind, html }) => {
    if (kind === "open" && html.startsWith("<a")) return sum + 1;
    return kind === "close" && html === "</a>" ? sum - 1 : sum;
  }, 0);

const citesOf = (pieces: readonly Piece[]): readonly number[] =>
  pieces.flatMap(({ kind, html }) => (kind === "other" ? (numberOf(html) ?? []) : []));

/** The words of a mark. They are no text of the answer: the style sheet shows them. */
function saysOf(verdict: Marked, pieces: readonly Piece[]): string {
  if (verdict.kind === "sensed") return ` data-says="${marks.bySenseIn} [${verdict.in}]"`;
  const numbers = [...new Set(citesOf(pieces))].map((n) => `[${n}]`).join(", ");
  return ` data-says="${verdict.kind === "unsourced" ? marks.withoutSource : `${marks.notFoundIn} ${numbers}`}"`;
}

function pieceOf(token: string, name: string, isClose: boolean): Piece {
  if (numberOf(token) !== null) return { kind: "other", html: token, text: citationSign };
  if (inline.has(name)) return { kind: isClose ? "close" : "open", html: token, text: "" };
  if (name !== "") return { kind: "other", html: token, text: name === "br" ? "\n" : "" };
  return { kind: "text", html: token, text: token === "&#x27;" ? "'" : unescaped(token) };
}
