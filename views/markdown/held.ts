// Addresses, tags and comments at the open end of a text, which are held back until they are complete.

import { mayBegin, reachOf, addressMaxChars as targetMaxChars } from "./address.ts";
import { allowedTag } from "./take.ts";

/**
 * Holds back the text from `at` unless it is longer than `maxChars`; returns the position to continue at.
 */
export type Hold = (at: number, maxChars: number) => number;

/** Longest comment that is held back, in characters. */
const commentMaxChars = 20_000;

/** Holds back an address at the end of the text: with each piece it would be another link. */
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

/** Holds back a mail address from its @; the part before it is on the page already. */
export function mail(text: string, i: number, hold: Hold): number {
  return /^@[\p{L}\p{M}\p{N}.-]*$/u.test(text.slice(i, i + mailMaxChars)) ? hold(i, mailMaxChars) : i + 1;
}

/** Longest domain of a mail address (RFC 5321, §4.5.3.1), in characters. */
const mailMaxChars = 255;

/** Handles a `<`: a tag, a comment, or an address in angle brackets. */
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
