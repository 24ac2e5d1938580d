// Frames of the page's socket: HTML fragments, each addressed to an element. Only this file knows htmx's swap
// words. A frame is one string of <hx-partial> elements. It starts with "<", so htmx never takes it for JSON.
// The token path uses template literals: 12 times cheaper than JSX (measured: 3.1 M against 244 k
// fragments/s).

import { type Change, openIds } from "./markdown/stream.ts";

/** How a fragment meets its element. */
type Swap =
  | "innerHTML" // replaces what is in it
  | "outerHTML" // replaces it
  | "beforeend" // goes behind what is in it
  | "afterbegin" // goes before what is in it
  | "before" // goes before it
  | "innerMorph" // changes what is in it into this, keeping what is equal (focus and selection survive)
  | "outerMorph" // the same with the element itself
  | "delete";

/** A fragment for the element with this id. */
export function fragment(id: string, swap: Swap, html = ""): string {
  return swap === "innerHTML"
    ? `<hx-partial id=${id}>${html}</hx-partial>`
    : `<hx-partial id=${id} hx-swap=${swap}>${html}</hx-partial>`;
}

/** Grows the text before the open tail `id`: what is finished is sent once, the tail is replaced. */
export function growth(id: string, finished: string, tail: string): string {
  return (finished === "" ? "" : fragment(id, "before", finished)) + fragment(id, "innerHTML", tail);
}

/**
 * The changes of an answer's text, whose element is `text`. This is the token path: one template literal
 * each. Growth has a tag of its own, which views/assets/connection.js implements: 17 bytes around each piece
 * instead of 69, and no selector to resolve.
 */
export function changes(list: readonly Change[], text: string): string {
  let frame = "";
  for (const change of list) {
    if (change.kind === "grow") frame += `<hx-g d=${change.depth}>${change.html}</hx-g>`;
    else if (change.kind === "finish") frame += fragment(openIds.block, "before", change.html);
    else if (change.kind === "open") frame += fragment(openIds.block, "innerHTML", change.html);
    else if (change.kind === "code") frame += fragment(openIds.line, "before", change.html);
    else if (change.kind === "codeLine") frame += fragment(openIds.line, "innerHTML", change.html);
    else if (change.kind === "codeEnd") frame += fragment(openIds.line, "delete");
    else frame += fragmentAt(text, change.html);
  }
  return frame;
}

/** Replaces what is in an element that has no id of its own. */
export function fragmentAt(selector: string, html: string): string {
  return `<hx-partial hx-target="${selector}">${html}</hx-partial>`;
}

/** htmx's settings, for <meta name="htmx-config">; each was measured or is explained in docs/decisions. */
export const htmxConfig =
  "ws.pauseOnBackground:false, defaultSettleDelay:0, history:false, includeIndicatorCSS:false, extensions:'ws,grow'";

/** A frame that changes nothing: the page sees that the house is still there. */
export const heartbeat = "{}";
