// Model and user text as plain text in HTML: escaped, white space kept. The only place where raw HTML is made
// of text that we did not write; Markdown will be rendered beside this.

/**
 * Text as it must stand in HTML so that the reader's DOM holds the very same characters.
 * NUL and lone surrogates, which HTML cannot carry, become U+FFFD; a carriage return is written as a
 * reference, since the HTML parser would turn it into a line feed.
 */
export function escapeText(text: string): string {
  return Bun.escapeHTML(text.toWellFormed().replaceAll("\0", "\ufffd")).replaceAll("\r", "&#13;");
}

/**
 * A line longer than this many characters is finished piecewise, so that the tail, which is sent again and
 * again, stays short.
 */
const tailMaxChars = 512;

/** Where a text splits: characters of it that are finished, and how many of these belong to its last line. */
interface Split {
  readonly finished: number;
  readonly ofLine: number;
}

/**
 * Finished is what stands behind the last line feed, or behind whole `tailMaxChars` of a long last line.
 * `ofLine` characters of the line that `text` goes on with were finished before it, so the split never
 * depends on the pieces.
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
  /** HTML that goes before the tail and never changes again; empty when nothing was finished. */
  readonly finished: string;
  /** HTML that the tail holds from now on. */
  readonly tail: string;
}

/**
 * A text that grows at its end, split in what is finished and an open tail. The split depends on the text
 * alone, not on the pieces.
 */
export class PlainStream {
  #tail: string;
  #ofLine: number;

  constructor(text = "") {
    const { finished, ofLine } = split(text, 0);
    this.#tail = text.slice(finished);
    this.#ofLine = ofLine;
  }

  /** HTML of a whole text, split as a stream that has come this far has split it. */
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
