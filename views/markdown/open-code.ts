// The block of code that is open at the end of a growing text: each line is final when it ends, and the line
// that is still open is shown as it grows.

import { type Change, openIds } from "./change.ts";
import type { CodeLines } from "./code.ts";
import type { Work } from "./work.ts";

/**
 * A larger open block or line, in UTF-16 units, is sent as a whole only after it has grown by `largeGrowth`.
 */
const largeChars = 8_000;
const largeGrowth = 1.125;

/**
 * Whether an open block or line is sent again as a whole: always while it is small, else after it has grown
 * enough.
 */
export function isWorthSending(chars: number, sentChars: number): boolean {
  return chars < largeChars || chars > sentChars * largeGrowth;
}

/**
 * What one push changes: HTML that is part of the finished text, or changes to code that is on the page
 * already.
 */
interface CodeStep {
  readonly finished: string;
  readonly changes: readonly Change[];
}

export class OpenCode {
  readonly #lines: CodeLines | null;
  readonly #foot: string;
  /** HTML of the open line as it is on the page. */
  #line = "";
  /** HTML of finished lines that are not on the page yet. */
  #added = "";
  #isOnPage = false;

  /** Without `lines` the text is shown without colours. `foot` closes the block. */
  constructor(lines: CodeLines | null, foot: string) {
    this.#lines = lines;
    this.#foot = foot;
  }

  /** The open line, and the tags that close the block. */
  get end(): string {
    return `<span id="${openIds.line}">${this.#line}</span>${this.#foot}`;
  }

  /** Adds a line that has ended; returns its HTML. */
  push(line: string, work: Work): string {
    const html = `${this.#lines?.push(line, work) ?? Bun.escapeHTML(line)}\n`;
    this.#added += html;
    this.#line = "";
    return html;
  }

  /** Shows the open line, `rest`, behind the lines that ended. */
  draw(rest: string): CodeStep {
    const mayBeFence = /^ {0,3}(?:`+|~+)[ \t]*$/.test(rest);
    const isSent = isWorthSending(rest.length, this.#line.length);
    const line = mayBeFence ? "" : isSent ? Bun.escapeHTML(rest) : this.#line;
    const added = this.#added;
    const hasChanged = line !== this.#line || added !== "";
    this.#added = "";
    this.#line = line;
    if (!this.#isOnPage) {
      this.#isOnPage = true;
      return { finished: added + this.end, changes: [] };
    }
    const changes: Change[] = added === "" ? [] : [{ kind: "code", html: added }];
    if (hasChanged) changes.push({ kind: "codeLine", html: line });
    return { finished: "", changes };
  }

  /** Ends the block; `html` closes it in the whole text. */
  close(): CodeStep & { readonly html: string } {
    const html = `${this.#foot}\n`;
    if (!this.#isOnPage) return { html, finished: this.#added + html, changes: [] };
    const changes: Change[] = this.#added === "" ? [] : [{ kind: "code", html: this.#added }];
    return { html, finished: "", changes: [...changes, { kind: "codeEnd" }] };
  }
}
