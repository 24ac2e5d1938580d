// Text of models and people as plain text in HTML: escaped, with its white space.

/**
 * Escapes a text so that the reader's DOM has the same characters. NUL and lone surrogates, which HTML cannot
 * carry, become U+FFFD. A carriage return becomes a character reference, because the HTML parser would turn
 * it into a line feed.
 */
export function escapeText(text: string): string {
  return Bun.escapeHTML(text.toWellFormed().replaceAll("\0", "\ufffd")).replaceAll("\r", "&#13;");
}

/**
 * A line longer than this many characters is finished in parts, because the open tail is sent repeatedly and
 * must stay short.
 */
const tailMaxChars = 512;

/** A split of a text: how many characters are finished, and how many of these are in its last line. */
interface Split {
  readonly finished: number;
  readonly ofLine: number;
}

/**
 * Finished is the text up to its last line feed, or up to a multiple of `tailMaxChars` in a long last line.
 * `ofLine` is how many characters of the line that `text` continues were finished before, so that the split
 * does not depend on the pieces.
 */
function split(text: string, ofLine: number): Split {
  const lineStart = text.lastIndexOf("\n") + 1;
  const before = lineStart === 0 ? ofLine : 0;
  const lineChars = before + text.length - lineStart;
  let whole = Math.floor(lineChars / tailMaxChars) * tailMaxChars;
  const isHigh = /[\ud800-\udbff]/.test(text[lineStart + whole - before - 1] ?? "");
  if (whole > before && isHigh) whole--; // never between the halves of a surrogate pair
  return { finished: lineStart + Math.max(0, whole - before), ofLine: Math.max(whole, before) };
}

/** What one piece of a growing text changes on the page. */
export interface Growth {
  /** Final HTML to insert before the tail; empty if nothing was finished. */
  readonly finished: string;
  /** The new HTML of the tail. */
  readonly tail: string;
}

/**
 * A growing text, split into a finished part and an open tail. The split depends on the text alone, not on
 * the pieces.
 */
export class PlainStream {
  #tail: string;
  #ofLine: number;

  constructor(text = "") {
    const { finished, ofLine } = split(text, 0);
    this.#tail = text.slice(finished);
    this.#ofLine = ofLine;
  }

  /** HTML of a whole text, with the split of a stream that has received it. */
  static parts(text: string): Growth {
    const { finished } = split(text, 0);
    return { finished: escapeText(text.slice(0, finished)), tail: escapeText(text.slice(finished)) };
  }

  push(piece: string): Growth {
    const open = this.#tail + piece;
    const { finished, ofLine } = split(open, this.#ofLine);
    this.#tail = open.slice(finished);
    this.#ofLine = ofLine;
    return { finished: escapeText(open.slice(0, finished)), tail: escapeText(this.#tail) };
  }
}
