// The text of an answer as a page holds it: applies a stream's changes as views/frame has htmx apply them. For tests.

import { parseHTML } from "linkedom";
import { type Change, openIds } from "../../../views/markdown/stream.ts";

export class TextOnPage {
  readonly #root: Element;
  readonly #document: Document;

  /** `html` is what the page was delivered with. */
  constructor(html: string) {
    this.#document = parseHTML(`<!doctype html><html><body><div id="root"></div></body></html>`)
      .document as unknown as Document;
    this.#root = this.#document.getElementById("root") as Element;
    this.#root.append(...this.#nodes(html));
  }

  /** All targets are found before anything is changed, as htmx does within one frame. */
  apply(changes: readonly Change[]): void {
    for (const { target, change } of changes.map((change) => ({ change, target: this.#target(change) }))) {
      if (!target) throw new Error(`nothing on the page for ${JSON.stringify(change)} in ${this.html}`);
      const nodes = "html" in change ? this.#nodes(change.html) : [];
      if (change.kind === "finish" || change.kind === "code") target.before(...nodes);
      else if (change.kind === "open" || change.kind === "codeLine" || change.kind === "replace")
        target.replaceChildren(...nodes);
      else if (change.kind === "grow") target.append(...nodes);
      else target.remove();
    }
  }

  /** What is there, open block included. */
  get html(): string {
    return this.#root.innerHTML;
  }

  /** What is there once the open block, which must be empty, is taken away. */
  get settled(): string {
    const open = this.#document.getElementById(openIds.block);
    if (open && open.innerHTML !== "") throw new Error(`something is open still: ${open.innerHTML}`);
    open?.remove();
    return this.html;
  }

  #target(change: Change): Element | null {
    if (change.kind === "replace") return this.#root;
    if (change.kind === "code" || change.kind === "codeLine" || change.kind === "codeEnd")
      return this.#document.getElementById(openIds.line);
    let target = this.#document.getElementById(openIds.block);
    if (change.kind === "grow")
      for (let depth = 0; depth < change.depth; depth++)
        target = (target?.lastElementChild ?? null) as HTMLElement | null;
    return target;
  }

  #nodes(html: string): Node[] {
    const template = this.#document.createElement("template");
    template.innerHTML = html;
    return [...template.content.childNodes];
  }
}

/** HTML as a parser understands it, so that two ways of writing the same are equal; white space between blocks is not looked at. */
export function parsed(html: string): string {
  return new TextOnPage(html).html.replace(/>\s+</g, "><").trim();
}
