// The words beside a number that say what it counts: units, months, multipliers; and numbers in words. In
// German and English. Pure tables.

import type { Language } from "./language.ts";

/** Words and signs of each unit, in lower case. */
const units: Readonly<Record<string, string>> = {
  "%": "% prozent percent",
  eur: "€ eur euro euros",
  usd: "$ usd dollar dollars",
  gbp: "£ gbp pfund pound pounds",
  chf: "chf franken francs",
  cent: "cent cents ct",
  second: "sekunde sekunden second seconds sek sec s",
  minute: "minute minuten minutes min",
  hour: "stunde stunden hour hours std h",
  clock: "uhr",
  day: "tag tage tagen tages day days",
  week: "woche wochen week weeks",
  month: "monat monate monaten monats month months",
  year: "jahr jahre jahren jahres year years",
  mm: "mm millimeter millimetern millimetre millimetres millimeters",
  cm: "cm zentimeter zentimetern centimetre centimetres centimeter centimeters",
  m: "m meter metern metre metres meters",
  km: "km kilometer kilometern kilometre kilometres kilometers",
  mile: "meile meilen mile miles",
  m2: "m² m2 qm quadratmeter quadratmetern",
  m3: "m³ m3 kubikmeter kubikmetern",
  g: "g gramm gram grams",
  kg: "kg kilogramm kilogram kilograms kilo kilos",
  ton: "t tonne tonnen ton tons tonnes",
  l: "l liter litern litre litres liters",
  celsius: "°c",
  fahrenheit: "°f",
  kw: "kw kilowatt",
  kwh: "kwh kilowattstunde kilowattstunden",
};
const unitNames = new Map(
  Object.entries(units).flatMap(([name, words]) => words.split(" ").map((word) => [word, name] as const)),
);

/** The unit that a word or a sign names; null for any other. */
export const unitOf = (word: string): string | null => unitNames.get(word.toLowerCase()) ?? null;

const months = [
  "januar jänner january jan",
  "februar feber february feb",
  "märz maerz march mrz",
  "april apr",
  "mai may",
  "juni june jun",
  "juli july jul",
  "august aug",
  "september sept sep",
  "oktober october okt oct",
  "november nov",
  "dezember december dez dec",
];
const monthNames = new Map(
  months.flatMap((names, i) => names.split(" ").map((name) => [name, i + 1] as const)),
);

/** From 1; null for a word, in lower case, that is no month. */
export const monthOf = (word: string): number | null => monthNames.get(word) ?? null;
/** What stands for a month among numbers. */
export const monthAtom = (month: number): string => `month ${month}`;

/** The powers of ten that a word may stand for; none for another word. A German Billion is a trillion. */
export function multiplierOf(word: string, language: Language | null): readonly number[] {
  const small = word.toLowerCase();
  if (/^(?:tausend|thousand|tsd)$/.test(small)) return [3];
  if (/^(?:mio|million(?:en|s)?)$/.test(small)) return [6];
  if (/^(?:mrd|milliarden?|bn)$/.test(small)) return [9];
  if (/^(?:billion(?:en|s)?)$/.test(small))
    return language === "de" ? [12] : language === "en" ? [9] : [9, 12];
  return [];
}

/** Values of numbers in words, in lower case. */
export const numberWords: ReadonlyMap<string, number> = new Map(
  [
    "ein eine einen einem einer eines eins one",
    "zwei two beide beiden both zweite zweiten zweiter second",
    "drei three dritte dritten dritter third",
    "vier four vierte vierten vierter fourth",
    "fünf five fünfte fünften fünfter fifth",
    "sechs six sechste sechsten sechster sixth",
    "sieben seven siebte siebten siebter seventh",
    "acht eight achte achten achter eighth",
    "neun nine neunte neunten neunter ninth",
    "zehn ten zehnte zehnten zehnter tenth",
    "elf eleven",
    "zwölf twelve",
  ].flatMap((words, i) => words.split(" ").map((word) => [word, i + 1] as const)),
);
