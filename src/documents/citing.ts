// The sentences of an answer that cite a passage. Pure.

/** The end of a sentence, with the citations behind its full stop. */
const sentenceEnd = /(?:[.!?…:]["'“”»)]*(?: ?\[\d+\])*(?=\s|$)|\n)/g;

/** The sentences with `[n]`, a line each and without citations; empty where none has it. */
export function citing(answer: string, n: number): string {
  const sentences: string[] = [];
  let at = 0;
  for (const { index, 0: end } of answer.matchAll(sentenceEnd)) {
    sentences.push(answer.slice(at, index + end.length));
    at = index + end.length;
  }
  sentences.push(answer.slice(at));
  const found = sentences.filter((sentence) => sentence.includes(`[${n}]`));
  return found.join("\n").replace(/\[\d+\]/g, "");
}
