// Changes to a page while a text is written into it. views/frame turns them into HTML for htmx.

import { closing, isVoid } from "./html.ts";

/**
 * A change to the page; `views/frame` renders it. The targets of all changes of one push are looked up before
 * the first change is made.
 */
export type Change =
  | {
      /**
       * finish: insert before the open block; open: replace the open block; code: insert before the open line
       * of code; codeLine: replace that line; replace: replace the whole text.
       */
      readonly kind: "finish" | "open" | "code" | "codeLine" | "replace";
      readonly html: string;
    }
  /** Appends to the last element of the open block, `depth` levels deep. */
  | { readonly kind: "grow"; readonly depth: number; readonly html: string }
  /** Removes the open line of code. */
  | { readonly kind: "codeEnd" };

/**
 * Ids of the open block and of the open line of code. A conversation has one Run at a time, so the ids need
 * not be unique per Run.
 */
export const openIds = { block: "t", line: "c" } as const;

/**
 * The changes that add HTML to an open block whose last element is `depth` levels deep. Closing tags in
 * `added` make the following part belong to an outer element.
 */
export function grown(depth: number, added: string): Change[] {
  const changes: Change[] = [];
  let at = depth;
  let html = "";
  const inner: string[] = [];
  const put = () => {
    if (html !== "") changes.push({ kind: "grow", depth: at, html });
    html = "";
  };
  for (const [token, close, name] of added.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>|[^<]+/g)) {
    if (close === "/" && inner.length === 0) {
      put();
      at--;
    } else {
      html += token;
      if (close === "/") inner.pop();
      else if (name !== undefined && !isVoid(name)) inner.push(name);
    }
  }
  html += closing(inner);
  put();
  return changes;
}

/** All changes of one push in order: the end of open code comes before the text after it. */
export function inOrder(finished: string, changes: readonly Change[]): readonly Change[] {
  const first: Change[] = finished === "" ? [] : [{ kind: "finish", html: finished }];
  const codeEnd = changes.filter(({ kind }) => kind === "code" || kind === "codeEnd");
  return [...codeEnd, ...first, ...changes.filter((change) => !codeEnd.includes(change))];
}
