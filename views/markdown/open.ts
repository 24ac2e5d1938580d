// What has been made of a text so far, and the elements that are open at its end: whatever is opened is
// closed, in order.

/**
 * Elements that stand inside one another; deeper than this they are left out, their text stays (Chromium
 * itself stops at 512).
 */
export const nesting = new Set(["ul", "ol", "li", "blockquote", "details"]);
export const nestingMax = 32;

/** Elements that people write into Markdown as tags. */
export const written = new Set(["kbd", "sub", "sup", "u", "mark"]);
/** Of the elements that were written as tags so many stand inside one another. */
export const writtenMax = 16;

/** An element that is open. */
export interface Open {
  readonly name: string;
  /** The tag that closes it; empty for one that is left out. */
  readonly close: string;
  /** One that was written as a tag: where it stands in what is made, and how it was written. */
  readonly written?: { readonly at: number; readonly source: string };
  /** Of an ordered list: the number of its next item, and the digits that there is room for. */
  count?: { next: number; digits: number };
}

export class Made {
  readonly #made: string[] = [];
  readonly #open: Open[] = [];
  /** How many are open by name, without those that were written. */
  readonly #opened = new Map<string, number>();
  /** How deep it is in what nests. */
  depth = 0;
  inCode = false;
  inLink = 0;
  writtenOpen = 0;

  add(html: string): void {
    this.#made.push(html);
  }

  /** What was added last but for a line feed. */
  get last(): string | undefined {
    return this.#made.at(this.#made.at(-1) === "\n" ? -2 : -1);
  }

  /** All that was made, with what is open closed. */
  end(): string {
    while (this.#open.length > 0) this.pop();
    return this.#made.join("");
  }

  /** The innermost element that the parser opened, paragraphs aside. */
  get holder(): Open | undefined {
    return this.#open
      .slice(-writtenMax - 2)
      .findLast((open) => open.written === undefined && open.name !== "p");
  }

  get top(): Open | undefined {
    return this.#open.at(-1);
  }

  push(name: string, close: string, writtenAs?: Open["written"]): void {
    this.#open.push(writtenAs === undefined ? { name, close } : { name, close, written: writtenAs });
    if (writtenAs === undefined) this.#opened.set(name, (this.#opened.get(name) ?? 0) + 1);
  }

  /** Opens an element that was written as a tag. */
  write(tag: string, source: string): void {
    this.writtenOpen++;
    this.push(tag, `</${tag}>`, { at: this.#made.length, source });
    this.add(`<${tag}>`);
  }

  /**
   * Closes the element that was written as this tag, if it is open in the same line; those inside of it pair
   * with none.
   */
  closeWritten(tag: string): boolean {
    let at = this.#open.length - 1;
    while (this.#open[at]?.written !== undefined && this.#open[at]?.name !== tag) at--;
    if (this.#open[at]?.written === undefined) return false;
    while (this.#open.length > at + 1) this.unmake();
    this.pop();
    return true;
  }

  /** Closes the innermost element of this name, and what is open in it. */
  close(name: string): void {
    if ((this.#opened.get(name) ?? 0) === 0) return;
    for (let isClosed = false; !isClosed && this.top !== undefined; ) {
      const { written, name: innermost } = this.top;
      if (written !== undefined) this.unmake();
      else this.pop();
      isClosed = written === undefined && innermost === name;
    }
  }

  pop(): void {
    const open = this.top;
    if (!open) return;
    this.#open.pop();
    this.#forget(open);
    this.add(open.close);
  }

  /** A written tag that nothing closes is text. */
  unmake(): void {
    const open = this.#open.pop();
    if (!open?.written) return;
    this.#forget(open);
    this.#made[open.written.at] = Bun.escapeHTML(open.written.source);
  }

  #forget({ name, written: was }: Open): void {
    if (was !== undefined) {
      this.writtenOpen--;
      return;
    }
    this.#opened.set(name, (this.#opened.get(name) ?? 1) - 1);
    if (nesting.has(name)) this.depth--;
    if (name === "code") this.inCode = false;
    if (name === "a") this.inLink--;
  }
}
