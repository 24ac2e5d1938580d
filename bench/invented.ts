// Text of an invented language, for benchmarks of search: the same at each run.

import { seeded } from "../test/seeded.ts";

const random = seeded(1);
const word = (syllables: number) =>
  Array.from(
    { length: syllables },
    () => `${"bdfgklmnrstwz"[random.below(13)]}${"aeiou"[random.below(5)]}n`,
  ).join("");
const vocabulary = Array.from({ length: 50_000 }, () => word(1 + random.below(4)));
/** Frequent words are much more frequent than rare ones, as in a language. */
export const sentence = (length: number) =>
  Array.from({ length }, () => vocabulary[Math.floor(random.next() ** 4 * vocabulary.length)]).join(" ");
