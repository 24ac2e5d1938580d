// Search in conversations: first whole words, best match first; then parts of words, newest first. Here is
// what is the same for every engine: the words of a query, parts of words in a text, excerpts.

import type { FoundPassage } from "../domain/conversation.ts";
import type { PersonId } from "../domain/id.ts";
import type { ConversationIndex, Work } from "./database.ts";

/** Characters of an excerpt before the match, and in total. */
const [excerptBefore, excerptLength] = [40, 120];

/**
 * Letters of writing systems in which words have no spaces between them, or in which two letters make a word.
 */
export const dense = new RegExp(
  `[${["Han", "Hiragana", "Katakana", "Hangul", "Thai", "Lao", "Khmer", "Myanmar"]
    .map((script) => `\\p{Script=${script}}`)
    .join("")}]`,
  "u",
);
/** Marks above and below Latin, Greek and Cyrillic letters. */
const accents = "[\\u0300-\\u036f]";

/** See `Store.search`. */
export function* search(
  index: ConversationIndex,
  owner: PersonId,
  query: string,
  limit: number,
): Work<FoundPassage[]> {
  const words = query.normalize("NFC").match(/[\p{L}\p{N}\p{M}]+/gu);
  if (!words) return [];
  const found = yield* index.byWords(owner, words, limit);
  if (found.length >= limit) return found;
  const known = new Set(found.map(({ conversation, message }) => message ?? conversation));
  const more = yield* index.byParts(owner, words, limit);
  const others = more.filter(({ conversation, message }) => !known.has(message ?? conversation));
  return [...found, ...others].slice(0, limit);
}

/**
 * Matches a word in any case, with or without accents. A short word matches only at the beginning of a word.
 */
export function partOf(word: string): RegExp {
  const letters = [...decomposed(word).replace(new RegExp(accents, "g"), "")];
  const begins = letters.length < 3 && !dense.test(word) ? "(?<![\\p{L}\\p{N}])" : "";
  return new RegExp(begins + letters.map((letter) => `${letter}${accents}*`).join(""), "giu");
}

/**
 * Separates letters from their accents. Korean and Japanese are left alone: a syllable is not part of
 * another.
 */
function decomposed(text: string): string {
  return text.replace(/[\u00c0-\u1fff]+/g, (letters) => letters.normalize("NFD"));
}

/** An excerpt around the first match; matches are in every second place. Null where a part is missing. */
export function excerptOf(whole: string, parts: readonly RegExp[]): string[] | null {
  const text = decomposed(whole);
  const first = parts.map((part) => text.search(part));
  if (first.includes(-1)) return null;
  const at = Math.min(...first);
  const from = at <= excerptBefore ? 0 : beginningOfWord(text, at - excerptBefore, at);
  const window = text.slice(from, from + excerptLength);
  const marks = parts.flatMap((part) =>
    [...window.matchAll(part)].map((found) => ({ start: found.index, end: found.index + found[0].length })),
  );
  const pieces: string[] = [];
  let done = 0;
  for (const { start, end } of marks.sort((a, b) => a.start - b.start)) {
    if (start < done) continue; // overlaps the match before
    pieces.push(window.slice(done, start), window.slice(start, end));
    done = end;
  }
  pieces.push(window.slice(done));
  pieces[0] = (from > 0 ? "…" : "") + pieces[0];
  pieces[pieces.length - 1] += from + excerptLength < text.length ? "…" : "";
  return pieces.map((piece) => piece.normalize("NFC").toWellFormed());
}

/** The first beginning of a word between `from` and `before`; `from` where there is none. */
function beginningOfWord(text: string, from: number, before: number): number {
  const space = text.slice(from, before).search(/\s/);
  return space === -1 ? from : from + space + 1;
}
