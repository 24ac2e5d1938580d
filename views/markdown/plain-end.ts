// The open end of a text where it is plain text. Most pieces are words between words: they change nothing but
// that end, and need no parser: 1 µs instead of 13 (measured on the answer of bench/source.ts, pieces of five
// characters). Decides too seldom rather than too often; used by markdown/stream, which draws whatever is not
// plain.

/** Signs that mean nothing to Markdown behind a letter, a space or each other. */
const signs = String.raw`\p{L}\p{N},.;:?'"()\-`;
const plainPiece = new RegExp(`^[${signs} ]*$`, "u");
const plainWord = new RegExp(`^[${signs}]+$`, "u");
/** What may yet become an address (markdown/mend keeps it back). */
const addressBegun = /(?:^|[^a-z0-9])(?:h|ht|htt|https?|w|ww|www|m|ma|mai|mail|mailt|mailto)[:.]*$|www\./i;
/** Elements to whose text a piece adds itself and nothing else. */
const growing: ReadonlySet<string> = new Set([
  "p",
  "em",
  "strong",
  "del",
  "kbd",
  "sub",
  "sup",
  "u",
  "mark",
  "summary",
  "ul",
  "ol",
  "li",
  "blockquote",
  "h1",
  "h2",
  "h3",
  "h4",
  "h5",
  "h6",
]);
/** A longer word is taken for no plain text; in UTF-16 units. */
const wordMaxChars = 64;

/** What was drawn of an open block. */
interface Drawn {
  /** The block's text as far as it is shown, and with what is kept back of it. */
  readonly text: string;
  readonly shown: string;
  /** The line that is not complete yet. */
  readonly line: string;
  /** The block's HTML without the tags that close it, and these tags' names. */
  readonly html: string;
  readonly tags: readonly string[];
}

export class PlainEnd {
  /** A space that is not shown yet: it may stand at the line's end. */
  #heldSpace: string;
  /** The last word, as far as it is there. */
  #word: string;

  private constructor(heldSpace: string, word: string) {
    this.#heldSpace = heldSpace;
    this.#word = word;
  }

  /**
   * The end of what was drawn; null where it is not plain text, or more than one space of it is kept back.
   */
  static of({ text, shown, line, html, tags }: Drawn): PlainEnd | null {
    const heldSpace = shown.slice(text.length);
    const [word = ""] = /\S*$/.exec(text.slice(-wordMaxChars)) ?? [];
    const isAllShown =
      (heldSpace === "" || heldSpace === " ") && shown === text + heldSpace && line.trim() !== "";
    if (!isAllShown || word.length === wordMaxChars || !plainWord.test(word) || addressBegun.test(word))
      return null;
    if (!tags.every((tag) => growing.has(tag)) || !html.endsWith(asHtml(word.slice(-1)))) return null;
    return new PlainEnd(heldSpace, heldSpace === "" ? word : "");
  }

  /** The HTML that a piece adds at the end; null when the piece may mean more than it says. */
  add(piece: string): string | null {
    if (!plainPiece.test(piece)) return null;
    const added = this.#heldSpace + piece;
    const word = added.includes(" ") ? added.slice(added.lastIndexOf(" ") + 1) : this.#word + added;
    if (added.includes("  ") || word.length >= wordMaxChars || addressBegun.test(word)) return null;
    this.#heldSpace = added.endsWith(" ") ? " " : "";
    this.#word = word;
    return asHtml(this.#heldSpace === "" ? added : added.slice(0, -1));
  }
}

/** Plain text as the parser writes it. */
function asHtml(text: string): string {
  return text.includes('"') ? text.replaceAll('"', "&quot;") : text;
}
