// Which language a text is written in, as far as its frequent words tell. Pure.

import { isEnglish, isGerman } from "./stop-words.ts";

/** `other`: neither German nor English. */
export type Language = "de" | "en" | "other";

/** Least number of words in lower case without a frequent one that make a text one of another language. */
const otherLength = 8;
/** Words that are looked at. */
const wordsMax = 200;

/** null: its words don't tell, as those of a row of a table. */
export function languageOf(text: string): Language | null {
  const words = text.match(/(?<![\p{L}\p{N}])\p{L}+/gu)?.slice(0, wordsMax) ?? [];
  let [german, english, lower] = [0, 0, 0];
  for (const word of words) {
    const small = word.toLowerCase();
    if (isGerman(small)) german++;
    else if (isEnglish(small)) english++;
    if (word === small) lower++;
  }
  if (german !== english) return german > english ? "de" : "en";
  return german === 0 && lower >= otherLength ? "other" : null;
}
