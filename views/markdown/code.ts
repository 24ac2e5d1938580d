// Code with its language's colours, line by line: a line's HTML depends on it and on the lines before, never
// on those after. So code that streams has each line finished once, and looks in the end as if it had been
// there at once.

import type { HLJSApi } from "highlight.js";
import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { marks } from "./marks.ts";
import { unitsOf, type Work } from "./work.ts";

let loaded: HLJSApi | null = null;

/** The highlighter, loaded with the first block of code: at the start it would take 25 ms (measured). */
function highlighter(): HLJSApi {
  if (loaded) return loaded;
  loaded = require("highlight.js/lib/common") as HLJSApi;
  loaded.configure({ classPrefix: "h-" });
  return loaded;
}

/** A line longer than this is not highlighted: it is data, not code that somebody reads. */
const lineMaxChars = 1_000;
/**
 * A comment or string that spans more than this is coloured anew from its middle: each line costs what stands
 * before it in here.
 */
const windowMaxChars = 4_000;

/** The name of the language in what stands behind a fence; empty when there is none. */
export function languageOf(info: string): string {
  return /^[^\s{,:]*/.exec(info.trim())?.[0] ?? "";
}

/** A line's HTML, and whether something is open at its end. */
interface Line {
  readonly html: string;
  readonly isOpen: boolean;
}

/**
 * Lines that were highlighted lately: an open block is drawn many times, the whole text once more at its end.
 * In UTF-16 units.
 */
const lines = new BoundedMap<string, Line>(8_000_000);

/** Highlights the lines of one block of code as they come. */
export class CodeLines {
  readonly #language: string | null;
  #window = "";

  constructor(language: string) {
    this.#language = highlighter().getLanguage(language) ? language : null;
  }

  /** HTML of the next line, without its line feed; every element it opens it closes. */
  push(line: string, work: Work): string {
    if (this.#language === null || line.length > lineMaxChars) return Bun.escapeHTML(line);
    const { html, isOpen } = this.#highlighted(
      this.#language,
      `${this.#window}${line}\n`,
      line.length,
      work,
    ) ?? { html: Bun.escapeHTML(line), isOpen: false };
    // a string or a comment that goes on is what the next line has to be seen with
    this.#window = isOpen && this.#window.length < windowMaxChars ? `${this.#window}${line}\n` : "";
    return html;
  }

  #highlighted(language: string, code: string, lineChars: number, work: Work): Line | null {
    const key = `${language}\n${code}`;
    const known = lines.get(key);
    if (known !== undefined) return known;
    if (!work.take(unitsOf.code(code.length, lineChars))) return null;
    const made = lastLine(highlighter().highlight(code, { language, ignoreIllegals: true }).value);
    lines.set(key, made, key.length + made.html.length);
    return made;
  }
}

/**
 * The last line of highlighted code that ends in a line feed: elements that reach into it are opened again,
 * those that reach beyond are closed.
 */
function lastLine(value: string): Line {
  const open: string[] = [];
  let html = "";
  for (const [token] of value
    .slice(0, value.lastIndexOf("\n"))
    .matchAll(/<span[^>]*>|<\/span>|\n|[^<\n]+/g)) {
    if (token === "\n") html = open.join("");
    else html += token;
    if (token.startsWith("<span")) open.push(token);
    else if (token === "</span>") open.pop();
  }
  return { html: html + "</span>".repeat(open.length), isOpen: open.length > 0 };
}

/** What stands before and behind the lines of a block of code. */
export function codeFrame(language: string): { head: string; foot: string } {
  const name = Bun.escapeHTML(language);
  const { copy, copied, wrap } = marks;
  return {
    head: `<div class="code" dir="ltr"><div class="bar"><span>${name}</span><label><input type="checkbox">${wrap}</label><button type="button" data-copy="code" data-done="${copied}">${copy}</button></div><pre tabindex="0"><code>`,
    foot: "</code></pre></div>",
  };
}

/** A whole block of code; `info` is what stands behind the fence. */
export function codeBlock(info: string, code: string, work: Work): string {
  const language = languageOf(info);
  const { head, foot } = codeFrame(language);
  const made = new CodeLines(language);
  const lines = code.split("\n");
  // the parser ends code with a line feed: there is none but in a text that is cut
  const rest = lines.pop() as string;
  let html = "";
  for (const line of lines) html += `${made.push(line, work)}\n`;
  return head + html + Bun.escapeHTML(rest) + foot;
}
