// What changes on a page while a text is written into it. How htmx does it stands in views/frame.

import { closing, isVoid } from "./html.ts";

/**
 * What is to be changed on the page; `views/frame` says how. All of one push are found on the page before any
 * of them is done.
 */
export type Change =
  | {
      /**
       * finish: before the open block; open: in its place; code: before the open line of the open code;
       * codeLine: in its place; replace: in place of all.
       */
      readonly kind: "finish" | "open" | "code" | "codeLine" | "replace";
      readonly html: string;
    }
  /** Goes to the end of the open block's last element, or of that one's, `depth` deep. */
  | { readonly kind: "grow"; readonly depth: number; readonly html: string }
  /** The open code has no open line any more. */
  | { readonly kind: "codeEnd" };

/**
 * Ids of the open block and of the open line of code. One Run at a time in a conversation, so they need not
 * differ.
 */
export const openIds = { block: "t", line: "c" } as const;

/**
 * What is added to an open block whose last element is `depth` deep, each part to the element that it belongs
 * to.
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

/** All changes of one push: what ends the code that was open comes before what follows it. */
export function inOrder(finished: string, changes: readonly Change[]): readonly Change[] {
  const first: Change[] = finished === "" ? [] : [{ kind: "finish", html: finished }];
  const codeEnd = changes.filter(({ kind }) => kind === "code" || kind === "codeEnd");
  return [...codeEnd, ...first, ...changes.filter((change) => !codeEnd.includes(change))];
}
