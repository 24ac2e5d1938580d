// What is kept back at the open end of a text until its own end is there: addresses, tags, comments.

import { mayBegin, reachOf, addressMaxChars as targetMaxChars } from "./address.ts";
import { allowedTag } from "./take.ts";

/**
 * Keeps back what stands at `at`, unless that is longer than so many characters; returns where to look next.
 */
export type Hold = (at: number, maxChars: number) => number;

/** Longest comment that is kept back, in characters. */
const commentMaxChars = 20_000;

/** An address at the end of the text has its end still to come: it would be another link with each piece. */
export function address(text: string, i: number, hold: Hold): number {
  if (!mayBegin(text, i)) return i + 1;
  const rest = text.slice(i, i + "https://".length).toLowerCase();
  if (starts.some((start) => start.startsWith(rest)) && i + rest.length === text.length)
    return hold(i, targetMaxChars);
  if (!starts.some((start) => rest.startsWith(start))) return i + 1;
  const reach = reachOf(text, i);
  return reach === text.length ? hold(i, targetMaxChars) : Math.max(reach, i + 1);
}

const starts = ["https://", "http://", "www.", "mailto:"];

/** What stands before the sign has been seen: it is held from there. */
export function mail(text: string, i: number, hold: Hold): number {
  return /^@[\p{L}\p{M}\p{N}.-]*$/u.test(text.slice(i, i + mailMaxChars)) ? hold(i, mailMaxChars) : i + 1;
}

/** Longest domain of an address of mail (RFC 5321, §4.5.3.1), in characters. */
const mailMaxChars = 255;

/** A tag, a comment, an address in angle brackets. */
export function angle(text: string, i: number, open: string[], hold: Hold): number {
  if (text.startsWith("<!--", i)) {
    const close = text.indexOf("-->", i + "<!--".length);
    return close < 0 ? hold(i, commentMaxChars) : close + "-->".length;
  }
  allowedTag.lastIndex = i;
  const [tag, close, name = ""] = allowedTag.exec(text) ?? [];
  if (tag === undefined)
    return /^<(?:!-?|\/?[a-z]*|[a-z][a-z0-9+.@-]*(?::[^\s<>]*)?)$/i.test(text.slice(i, i + targetMaxChars))
      ? hold(i, targetMaxChars)
      : i + 1;
  if (/^(?:br|details)/i.test(name)) return i + tag.length;
  const mark = `<${name}>`;
  if (close === "") open.push(mark);
  else if (open.at(-1) === mark) open.pop();
  return i + tag.length;
}

export { targetMaxChars };
