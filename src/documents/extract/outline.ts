// Builds a page's text out of paragraphs, headings, list items and rows. The result reads like Markdown:
// headings start with `#`, list items with `- `, cells of a row are separated by ` | `. Pure.

interface Block {
  readonly text: string;
  /** Items follow items, and rows rows, without an empty line. */
  readonly kind: "text" | "item" | "row";
}

export class Outline {
  readonly #blocks: Block[] = [];
  /** The cells of the rows that are open; the innermost last. */
  readonly #rows: string[][] = [];

  /** A paragraph, a heading of level 1 to 6, or a list item. In a row it joins the open cell. */
  add(text: string, { heading = 0, isItem = false } = {}): void {
    const clean = text
      .replace(/[^\S\n]+/g, " ")
      .replace(/ ?\n ?/g, "\n")
      .trim();
    if (clean === "") return;
    const row = this.#rows.at(-1);
    if (row) {
      const cell = row.pop() ?? "";
      row.push(`${cell}${cell === "" ? "" : " "}${clean.replaceAll("\n", " ")}`);
    } else if (heading > 0)
      this.#blocks.push({
        text: `${"#".repeat(Math.min(heading, 6))} ${clean.replaceAll("\n", " ")}`,
        kind: "text",
      });
    else this.#blocks.push({ text: isItem ? `- ${clean}` : clean, kind: isItem ? "item" : "text" });
  }

  /** Text whose white space counts. */
  addVerbatim(text: string): void {
    const clean = text.replace(/^\n+/, "").trimEnd();
    if (this.#rows.length > 0) this.add(clean);
    else if (clean !== "") this.#blocks.push({ text: clean, kind: "text" });
  }

  openRow(): void {
    this.#rows.push([]);
  }

  openCell(): void {
    this.#rows.at(-1)?.push("");
  }

  /** Adds copies of the row's last cell. */
  repeatCell(copies: number): void {
    const row = this.#rows.at(-1);
    const cell = row?.at(-1) ?? "";
    for (let copy = 0; copy < copies; copy++) row?.push(cell);
  }

  closeRow(times = 1): void {
    const row = this.#rows.pop();
    for (let time = 0; row && time < times; time++) this.addRow(row);
  }

  /** A whole row. Empty cells at its end are left out. */
  addRow(cells: readonly string[]): void {
    const last = cells.findLastIndex((cell) => cell !== "");
    if (last < 0) return;
    const text = cells.slice(0, last + 1).join(" | ");
    if (this.#rows.length > 0) this.add(text);
    else this.#blocks.push({ text, kind: "row" });
  }

  /** The text so far. */
  toString(): string {
    let text = "";
    let before: Block | null = null;
    for (const block of this.#blocks) {
      if (before) text += before.kind === block.kind && block.kind !== "text" ? "\n" : "\n\n";
      text += block.text;
      before = block;
    }
    return text;
  }
}
