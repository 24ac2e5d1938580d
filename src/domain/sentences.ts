// Where the sentences of a paragraph end, in German and English. A citation behind a full stop belongs to the
// sentence before it, and within a quotation no sentence ends. Pure.

import { languageOf } from "./language.ts";
import { quotationsIn, unclosedIn } from "./quotations.ts";

/** Stands for a citation in a text. */
export const citationSign = "\ufffc";

const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(" "));
/** Abbreviations, in lower case and without their full stop, behind which a sentence goes on. */
const abbreviations = wordSet(
  "bspw bzgl bzw ca dipl dr evtl exkl fr gem ggf ggfs hl hr hrn hrsg ing inkl insb mio mrd nrn prof sog st std " +
    "tsd urspr vgl wg zz zzgl al approx cf co corp dept dres gov inc jr ltd messrs mr mrs mt ms rev sen sgt vs",
);
/** Those behind which it goes on with a number: other sentences end with the same letters. */
const numbered = wordSet(
  "abb abs abschn anl anm art aufl bd buchst kap lt max min mind nr pos str tab tel ziff " +
    "ch ed est fig figs no nos op par para pp sec vol vols mo di mi do sa so mon tue wed thu fri sat sun " +
    "jan feb mrz apr jun jul aug sep sept okt nov dez oct dec",
);

/** The marks that end a sentence, with what closes behind them. */
const enders = /[.!?…。！？]+[*_"”“’»«)\]]*/gu;
const citationsBehind = /(?:[ \u00a0]?(?:,[ \u00a0]?)?\ufffc)+/y;
const nextSign = /[\s„"“»«([*_]*(\S?)/uy;
/** What is looked at before a full stop, in UTF-16 units. */
const beforeMaxChars = 300;

/**
 * Index behind each sentence that another one follows, with the citations behind its full stop. `isComplete`
 * is false while the paragraph is written: a quotation that is open then may still be closed.
 */
export function sentenceEnds(text: string, isComplete: boolean): readonly number[] {
  const quotations = quotationsIn(text);
  const open = isComplete ? -1 : unclosedIn(text, quotations);
  const ends: number[] = [];
  let start = 0;
  let quotation = 0;
  for (const { index, 0: mark } of text.matchAll(enders)) {
    const end = behindCitations(text, index + mark.length);
    if (open >= 0 && end > open) break;
    while ((quotations[quotation]?.end ?? Number.POSITIVE_INFINITY) <= end) quotation++;
    const isQuoted = (quotations[quotation]?.start ?? Number.POSITIVE_INFINITY) < end;
    if (isQuoted || !isEnd(text, { start, index, mark, end })) continue;
    ends.push(end);
    start = end;
  }
  return ends;
}

function behindCitations(text: string, at: number): number {
  citationsBehind.lastIndex = at;
  return at + (citationsBehind.exec(text)?.[0].length ?? 0);
}

/** A mark that may end the sentence from `start`; `end` is behind the citations that follow it. */
interface Mark {
  readonly start: number;
  readonly index: number;
  readonly mark: string;
  readonly end: number;
}

function isEnd(text: string, { start, index, mark, end }: Mark): boolean {
  nextSign.lastIndex = end;
  const next = nextSign.exec(text)?.[1] ?? "";
  if (next === "") return false;
  if (/[。！？]/.test(mark)) return true;
  if (!/\s/.test(text[end] ?? "")) return false;
  if (end > index + mark.length) return true; // a citation stands behind it
  if (/\p{Ll}/u.test(next)) return false;
  if (/[!?]/.test(mark)) return true;
  if (/^(?:\.\.|…)/.test(mark)) return /\p{Lu}/u.test(next);
  return !goesOn(text.slice(Math.max(start, index - beforeMaxChars), index), next);
}

/** True if the full stop behind this text belongs to its last word or number. `next` is the sign that follows. */
function goesOn(before: string, next: string): boolean {
  const [, word = ""] = /([\p{L}\p{N}.]+)$/u.exec(before) ?? [];
  if (/^(?:\p{L}\.)*\p{L}$/u.test(word) || /^[IVXL]{2,}$/.test(word)) return true; // z.B., initials, Ludwig XIV.
  const small = word.toLowerCase();
  if (abbreviations.has(small)) return true;
  if (numbered.has(small) || small.endsWith("str")) return /[\p{N}§]/u.test(next);
  // 3. März; an English sentence may end with a small number
  return /^\d{1,2}$/.test(word) && languageOf(before) !== "en";
}
