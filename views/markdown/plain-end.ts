// A shortcut for plain text at the open end of a text. Most pieces are words between words, which only extend
// that end and need no parser: 1 µs instead of 13 (measured on the answer of bench/source.ts, pieces of five
// characters). In doubt, a piece is not plain.

/** Characters without a meaning in Markdown after a letter, a space or each other. */
const signs = String.raw`\p{L}\p{N},.;:?'"()\-`;
const plainPiece = new RegExp(`^[${signs} ]*$`, "u");
const plainWord = new RegExp(`^[${signs}]+$`, "u");
/** What may end a sentence: what was found about it is shown then. */
const sentenceEnd = /[.!?…]/;
/** The beginning of what may become an address (markdown/mend holds it back). */
const addressBegun = /(?:^|[^a-z0-9])(?:h|ht|htt|https?|w|ww|www|m|ma|mai|mail|mailt|mailto)[:.]*$|www\./i;
/** Elements whose HTML only grows by a piece of plain text. */
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
/** A longer word does not count as plain text; in UTF-16 units. */
const wordMaxChars = 64;

/** An open block as it was rendered. */
interface Drawn {
  /** The rendered part of the block's text; `shown` also has the part that is held back. */
  readonly text: string;
  readonly shown: string;
  /** The incomplete line. */
  readonly line: string;
  /** The HTML of the block without its closing tags, and the names of these tags. */
  readonly html: string;
  readonly tags: readonly string[];
  /** Its sentences are checked: then the end of one is not plain. */
  readonly isChecked: boolean;
}

export class PlainEnd {
  /** A space that is held back, because it may be at the end of the line. */
  #heldSpace: string;
  /** The last word so far. */
  #word: string;
  readonly #isChecked: boolean;

  private constructor(heldSpace: string, word: string, isChecked: boolean) {
    this.#heldSpace = heldSpace;
    this.#word = word;
    this.#isChecked = isChecked;
  }

  /**
   * The end of a rendered block; null if it is not plain text, or if more than one space is held back.
   */
  static of({ text, shown, line, html, tags, isChecked }: Drawn): PlainEnd | null {
    const heldSpace = shown.slice(text.length);
    const [word = ""] = /\S*$/.exec(text.slice(-wordMaxChars)) ?? [];
    const isAllShown =
      (heldSpace === "" || heldSpace === " ") && shown === text + heldSpace && line.trim() !== "";
    if (!isAllShown || word.length === wordMaxChars || !plainWord.test(word) || addressBegun.test(word))
      return null;
    if (isChecked && sentenceEnd.test(word)) return null;
    if (!tags.every((tag) => growing.has(tag)) || !html.endsWith(asHtml(word.slice(-1)))) return null;
    return new PlainEnd(heldSpace, heldSpace === "" ? word : "", isChecked);
  }

  /** The HTML that a piece adds at the end; null if the piece may have a meaning in Markdown. */
  add(piece: string): string | null {
    if (!plainPiece.test(piece) || (this.#isChecked && sentenceEnd.test(piece))) return null;
    const added = this.#heldSpace + piece;
    const word = added.includes(" ") ? added.slice(added.lastIndexOf(" ") + 1) : this.#word + added;
    if (added.includes("  ") || word.length >= wordMaxChars || addressBegun.test(word)) return null;
    this.#heldSpace = added.endsWith(" ") ? " " : "";
    this.#word = word;
    return asHtml(this.#heldSpace === "" ? added : added.slice(0, -1));
  }
}

/** Plain text as the parser escapes it. */
function asHtml(text: string): string {
  return text.includes('"') ? text.replaceAll('"', "&quot;") : text;
}
