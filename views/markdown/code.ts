// Highlights code line by line. The HTML of a line depends on that line and the lines before it, never on
// later lines. So each line of streamed code is final when it ends, and equals the line of the whole code.

import type { HLJSApi } from "highlight.js";
import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { marks } from "./marks.ts";
import { unitsOf, type Work } from "./work.ts";

let loaded: HLJSApi | null = null;

/** The highlighter. It is loaded at the first block of code, because loading takes 25 ms (measured). */
function highlighter(): HLJSApi {
  if (loaded) return loaded;
  loaded = require("highlight.js/lib/common") as HLJSApi;
  loaded.configure({ classPrefix: "h-" });
  return loaded;
}

/** A longer line is not highlighted: it is data, not code for reading. */
const lineMaxChars = 1_000;
/**
 * A longer comment or string is highlighted anew from its middle, because each line is highlighted together
 * with all lines before it in this window.
 */
const windowMaxChars = 4_000;

/** The name of the language in the info string of a fence; empty if there is none. */
export function languageOf(info: string): string {
  return /^[^\s{,:]*/.exec(info.trim())?.[0] ?? "";
}

/** The HTML of a line, and whether a string or comment is open at its end. */
interface Line {
  readonly html: string;
  readonly isOpen: boolean;
}

/**
 * Cache of highlighted lines: an open block is rendered many times, and the whole text once more at its end.
 * Its size is in UTF-16 units.
 */
const lines = new BoundedMap<string, Line>(8_000_000);

/** Highlights the lines of one block of code as they come. */
export class CodeLines {
  readonly #language: string | null;
  #window = "";

  constructor(language: string) {
    this.#language = highlighter().getLanguage(language) ? language : null;
  }

  /** HTML of the next line, without its line feed. Every element in it is closed. */
  push(line: string, work: Work): string {
    if (this.#language === null || line.length > lineMaxChars) return Bun.escapeHTML(line);
    const { html, isOpen } = this.#highlighted(
      this.#language,
      `${this.#window}${line}\n`,
      line.length,
      work,
    ) ?? { html: Bun.escapeHTML(line), isOpen: false };
    // the next line is highlighted together with the string or comment that it continues
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
 * The last line of highlighted code that ends in a line feed. Elements that started in an earlier line are
 * opened again, and elements that continue after the line are closed.
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

/** The HTML before and after the lines of a block of code. */
export function codeFrame(language: string): { head: string; foot: string } {
  const name = Bun.escapeHTML(language);
  const { copy, copied, wrap } = marks;
  return {
    head: `<div class="code" dir="ltr"><div class="bar"><span>${name}</span><label><input type="checkbox">${wrap}</label><button type="button" data-copy="code" data-done="${copied}">${copy}</button></div><pre tabindex="0"><code>`,
    foot: "</code></pre></div>",
  };
}

/** A whole block of code; `info` is the info string of its fence. */
export function codeBlock(info: string, code: string, work: Work): string {
  const language = languageOf(info);
  const { head, foot } = codeFrame(language);
  const made = new CodeLines(language);
  const lines = code.split("\n");
  // the parser ends code with a line feed, so the rest is empty unless the text was cut
  const rest = lines.pop() as string;
  let html = "";
  for (const line of lines) html += `${made.push(line, work)}\n`;
  return head + html + Bun.escapeHTML(rest) + foot;
}
