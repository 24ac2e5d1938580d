// The words that a passage shares with what was asked or said about it. Pure.

import type { Piece } from "../domain/document.ts";
import { stemOf, wordsOf } from "../domain/stems.ts";
import { stopWords } from "../domain/stop-words.ts";

/** A word; one that is hyphenated at a line's end is one. */
const word = /[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}\u00ad]|(?<=\p{L})[-‐]\n\s*(?=\p{Ll}))*/gu;
/** Least length of a word that may consist of several, and of each of these. In UTF-16 code units. */
const [compoundLength, partLength] = [9, 5];

/** A passage in pieces, which together are all of its text; `said` is the text whose words are marked. */
export function marked(passage: string, said: string): readonly Piece[] {
  const wanted = new Set(
    wordsOf(said)
      .filter((each) => !stopWords.has(each))
      .map(stemOf),
  );
  const parts = [...wanted].filter((stem) => stem.length >= partLength);
  const isShared = (text: string): boolean =>
    wordsOf(text).some((each) => {
      const stem = stemOf(each);
      if (wanted.has(stem)) return true;
      if (each.length < compoundLength) return false;
      return parts.some((part) => stem.startsWith(part) || stem.endsWith(part));
    });
  const pieces: Piece[] = [];
  let at = 0;
  for (const { 0: text, index } of passage.matchAll(word)) {
    if (!isShared(text)) continue;
    if (index > at) pieces.push({ text: passage.slice(at, index), isMarked: false });
    pieces.push({ text, isMarked: true });
    at = index + text.length;
  }
  if (at < passage.length) pieces.push({ text: passage.slice(at), isMarked: false });
  return pieces;
}
