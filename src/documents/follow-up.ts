// Whether a question refers to the one before it, in German and English: then it is looked for with that
// one's words. Told by its form alone; a question that stands by itself is rarely taken for another. Pure.

import { wordsOf } from "../domain/stems.ts";
import { stopWords } from "../domain/stop-words.ts";

/** Questions that are looked for together at most. */
const chainMax = 3;
/** Most words that tell of its subject, in a question of each form: one with more names its subject itself. */
const tellingMax = { goesOn: 3, refers: 2 };

/** "Und für Keller?", "What about the garage?" */
const goesOn =
  /^(?:und|oder|aber|and|or|but|(?:what|how) about|was ist mit(?= (?:de[mnr] )?\S+$)|wie (?:ist|sieht|steht) (?:es|das) (?:mit|bei|für|um))\b/i;
/** "Im Winter?": a place, a time or a purpose of what was asked before, without a verb of its own. */
const phrase =
  /^(?:für|bei|beim|mit|ohne|im|in|am|an|auf|ab|nach|vor|von|vom|zu|zum|zur|for|with|without|at|on|after|before|from|to)(?! (?:we[lmnr]|wh))(?: \S+){1,4}$/i;
/** A word that stands for something named before. The polite "Sie" and an article stand for nothing. */
const refers =
  /(?:^|\s)(?:[Ee]r|sie|es|ihn|ihm|[Dd]a(?:bei|für|von|mit|zu|nach|gegen)|[Dd]ort|(?:[Dd]as|[Dd]ies|this|that)(?=$|\s\p{Ll}+$)|he|she|it|him|they|them|those|these)(?=\s|$)/u;
const owns = /(?:^|\s)(?:ihre[nmrs]?|seine[nmrs]?|its|their|his)(?=\s|$)/u;
/** "Gibt es …" stands for nothing. */
const standsForNothing = /\b(?:gibt es|es gibt)\b/gi;

/** True if `question` can only be understood with the one before it. */
export function isFollowUp(question: string): boolean {
  const text = question
    .replace(/[\s?!.,;:]+/g, " ")
    .replace(standsForNothing, "")
    .trim();
  const telling = wordsOf(text).filter((word) => !stopWords.has(word)).length;
  if (telling === 0) return true;
  if (telling <= tellingMax.goesOn && (goesOn.test(text) || phrase.test(text))) return true;
  return telling <= tellingMax.refers && (refers.test(text) || owns.test(text));
}

/** The questions that the last one of a conversation refers to, a line each; empty where it stands by itself. */
export function referredBy(questions: readonly string[]): string {
  let from = questions.length - 1;
  while (from > 0 && questions.length - from < chainMax && isFollowUp(questions[from] as string)) from--;
  return questions.slice(Math.max(0, from), -1).join("\n");
}
