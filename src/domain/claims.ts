// Which sentences of an answer claim something that can stand in a document: no questions, greetings or talk
// about the answer itself. In German and English. Pure.

import { stemOf, wordsOf } from "./stems.ts";
import { stopWords } from "./stop-words.ts";

/** Words of talk about the answer, its reader and its sources. */
const talk =
  "hallo guten tag danke bitte bitteschön gern gerne natürlich klar herzlich gruß grüße hoffe hoffentlich hilft " +
  "helfen hilfreich frage fragen weitere weiteren wissen lass lassen sag sagen melden melde jederzeit brauchst " +
  "brauchen unterstützen beantworten beantwortet antwort zusammenfassung zusammengefasst kurz folgend folgende " +
  "folgenden angabe angaben information informationen dokument dokumente dokumenten textstelle textstellen stelle " +
  "stellen quelle quellen text texte passage passagen abschnitt grundlage laut gemäß basierend bereitgestellten " +
  "hello hi dear thanks thank welcome sure certainly course hope helps help helpful question questions further " +
  "see siehe vgl more else anything know let tell ask free feel happy glad assist need answer answers summary " +
  "summarize short following information document documents source sources provided given based according context note here";

/** Words that a sentence has for its form: another one that says the same has others. */
const formal =
  "beträgt betragen beläuft belaufen liegt liegen gilt gelten gibt heißt lautet lauten befindet befinden besteht " +
  "erfolgt erfolgen macht dabei daher dazu davon sowie jedoch außerdem zudem etwa circa ungefähr insgesamt jeweils " +
  "derzeit aktuell allerdings somit darf dürfen muss müssen sollte sollten pro " +
  "amounts amount equal equals located called means includes include also however therefore additionally must per " +
  "approximately currently overall respectively while well within between";
/** Made at the first answer that is checked: it takes 4 ms, which parlor's start should not wait for. */
let formalStems: ReadonlySet<string> | null = null;

/** True for the stem of a word that tells little of what a sentence says. */
export function isFormal(stem: string): boolean {
  formalStems ??= new Set(wordsOf(`${talk} ${formal}`).map(stemOf));
  return formalStems.has(stem);
}

/** Least number of telling words of a claim without a citation. */
const tellingMin = 2;

/** A sentence with all three says that the documents do not answer. */
const denial = /\b(?:nichts?|kein(?:e[nmrs]?)?|not?|nothing|none|neither)\b|n['’]t\b/i;
const aboutSources = new RegExp(
  String.raw`\b(?:(?:text)?stellen?|dokumente?n?|quellen?|passagen?|texte?n?|unterlagen|` +
    String.raw`passages?|documents?|sources?|context|texts?)\b`,
  "i",
);

const saying =
  /mention|contain|say|state|answer|provide|specif|cover|include|f[io]und|find|steht|stehen|enth[aä]lt|erwähn|nenn|beantwort|hervor|angabe|information/i;

/** Stems of the words that tell of the subject, each once. Digits are no words here. */
export function tellingStems(sentence: string): readonly string[] {
  const telling = wordsOf(sentence).filter((word) => !stopWords.has(word) && !/^\p{N}+$/u.test(word));
  return [...new Set(telling.map(stemOf))];
}

/**
 * True for a sentence that claims something. `telling` are its stems, `figures` its number of numbers. A
 * citation makes a claim of the shortest sentence with a word of its own.
 */
export function isClaim(
  sentence: string,
  { telling, figures, isCited }: { telling: readonly string[]; figures: number; isCited: boolean },
): boolean {
  const text = sentence.trimEnd();
  // "Sources: [1], [2]" is none either
  if (/[?:]["”“»«)*\s,;.]*$/.test(text)) return false;
  const own = telling.filter((stem) => !isFormal(stem)).length + figures;
  if (own === 0) return false;
  if (isCited) return true;
  if (figures === 0 && [denial, aboutSources, saying].every((sign) => sign.test(text))) return false;
  return own >= tellingMin;
}

/** Written without spaces between its words, which can't be told apart then. */
export const isUnspaced = (text: string): boolean =>
  (text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu)?.length ?? 0) * 2 >
  (text.match(/\p{L}/gu)?.length ?? 0);
