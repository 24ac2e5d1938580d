// HTML that is being built, with the stack of its open elements: each element is closed, in order.

/**
 * Elements that can be nested in each other. Beyond `nestingMax` levels they are left out and their text
 * stays (Chromium itself stops at 512).
 */
export const nesting = new Set(["ul", "ol", "li", "blockquote", "details"]);
export const nestingMax = 32;

/** Elements that may be written in Markdown as tags. */
export const written = new Set(["kbd", "sub", "sup", "u", "mark"]);
/** Most written tags nested in each other. */
export const writtenMax = 16;

/** An element that is open. */
export interface Open {
  readonly name: string;
  /** The closing tag; empty for an element that is left out. */
  readonly close: string;
  /** For a written tag: the index of its HTML, and its source. */
  readonly written?: { readonly at: number; readonly source: string };
  /** For an ordered list: the number of its next item, and the digits that its margin has room for. */
  count?: { next: number; digits: number };
}

export class Made {
  readonly #made: string[] = [];
  readonly #open: Open[] = [];
  /** The number of open elements by name, without written tags. */
  readonly #opened = new Map<string, number>();
  /** The number of open elements of `nesting`. */
  depth = 0;
  inCode = false;
  inLink = 0;
  writtenOpen = 0;

  add(html: string): void {
    this.#made.push(html);
  }

  /** The last added HTML other than a line feed. */
  get last(): string | undefined {
    return this.#made.at(this.#made.at(-1) === "\n" ? -2 : -1);
  }

  /** Closes all open elements; returns the whole HTML. */
  end(): string {
    while (this.#open.length > 0) this.pop();
    return this.#made.join("");
  }

  /** The innermost open element that is neither a written tag nor a paragraph. */
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

  /** Opens the element of a written tag. */
  write(tag: string, source: string): void {
    this.writtenOpen++;
    this.push(tag, `</${tag}>`, { at: this.#made.length, source });
    this.add(`<${tag}>`);
  }

  /**
   * Closes the element of this written tag if it is open in the same line. Written tags inside it become
   * text. Returns true if it was open.
   */
  closeWritten(tag: string): boolean {
    let at = this.#open.length - 1;
    while (this.#open[at]?.written !== undefined && this.#open[at]?.name !== tag) at--;
    if (this.#open[at]?.written === undefined) return false;
    while (this.#open.length > at + 1) this.unmake();
    this.pop();
    return true;
  }

  /** Closes the innermost element of this name, and all elements that are open in it. */
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

  /** Turns the innermost written tag, which is not closed, into text. */
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
