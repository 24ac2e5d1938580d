// The sentences of an answer that cite a passage. Pure.

import { citationSign, sentenceEnds } from "../domain/sentences.ts";

const citations = /\[(\d+(?:, ?\d+)*)\]/g;

/** The sentences that cite passage `n`, a line each and without citations; empty where none does. */
export function citing(answer: string, n: number): string {
  const cited: boolean[] = [];
  const text = answer.replace(citations, (_, numbers: string) => {
    cited.push(numbers.split(",").some((each) => Number(each) === n));
    return citationSign;
  });
  const found: string[] = [];
  for (const sentence of text.split("\n").flatMap(sentencesIn)) {
    const signs = sentence.split(citationSign);
    if (cited.splice(0, signs.length - 1).includes(true)) found.push(signs.join("").trim());
  }
  return found.join("\n");
}

function sentencesIn(paragraph: string): string[] {
  const ends = [0, ...sentenceEnds(paragraph, true), paragraph.length];
  return ends.slice(1).map((end, i) => paragraph.slice(ends[i], end));
}
