// Chooses parlor's words by language. views/words/ has one file per language and area.

import type { FailureReport } from "../src/domain/failure.ts";
import type { Language, Words } from "./words/catalogue.ts";
import { de } from "./words/de.ts";
import { en } from "./words/en.ts";

export type { Language, Words } from "./words/catalogue.ts";

const languages: Readonly<Record<Language, Words>> = { en, de };

/** The words of a language, with the reader's time zone if it is known. */
export function wordsOf(language: Language, zone: string | null = null): Words {
  return zone === null ? languages[language] : { ...languages[language], zone };
}

/** The sentence for a Failure: what happened and what to do. */
export function sentenceOf(failure: FailureReport, words: Words): string {
  return words.failures[failure.code](failure.facts);
}

/** The language that `Accept-Language` prefers among ours (RFC 9110 §12.5.4); English when it names none. */
export function languageOf(acceptLanguage: string | null): Language {
  const preferences = (acceptLanguage ?? "").split(",").map((part) => {
    const [tag = "", ...parameters] = part.trim().toLowerCase().split(";");
    const q = parameters.map((p) => /^\s*q=([\d.]+)/.exec(p)?.[1]).find(Boolean);
    return { tag: tag.split("-")[0] ?? "", q: q === undefined ? 1 : Number(q) };
  });
  const known = preferences
    .filter(({ tag, q }) => Object.hasOwn(languages, tag) && q > 0)
    .sort((a, b) => b.q - a.q);
  return (known[0]?.tag ?? "en") as Language;
}
