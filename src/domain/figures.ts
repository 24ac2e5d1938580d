// Numbers in a text, in German and English: each with what it may mean, and its unit. "1.500", "1 500" and
// "1,5 Tausend" are one number, and so are "12.03.2024" and "12. März 2024" the same three. Pure.

import type { Language } from "./language.ts";
import { monthAtom, monthOf, multiplierOf, numberWords, unitOf } from "./units.ts";

/** A number, or a code such as "A4". */
export interface Figure {
  /** What it may mean: a number in decimal digits, `month 3`, `14:30`, or a code. */
  readonly readings: readonly string[];
  /** Numbers that it may consist of instead. */
  readonly parts: readonly string[];
  /** null: the word behind it is no known unit. */
  readonly unit: string | null;
}

/** Figures that are looked at in one text. */
const figuresMax = 400;
/** Characters behind or before a number in which its unit stands. */
const reachChars = 24;

const patterns = [
  String.raw`(?<iso>\d{4}-\d{2}-\d{2})`,
  String.raw`(?<date>\d{1,2}\.[ ]?\d{1,2}\.[ ]?(?:\d{4}|\d{2})(?!\d)|\d{2}\.(?:0[1-9]|1[0-2])\.(?![ ]?\d))`,
  String.raw`(?<time>\d{1,2}(?::\d{2})?(?=[ ]?[ap]\.?m\b)|\d{1,2}:\d{2}(?!\d)|\d{1,2}\.\d{2}(?=[ ]?[Uu]hr))`,
  String.raw`(?<code>\p{L}+\d[\p{L}\d]*)`,
  String.raw`(?<number>\d{1,3}(?:[ '’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*)`,
].join("|");

/** The numbers of a text, in their order. `language` decides between "1.500" and "1,500". */
export function figuresIn(text: string, language: Language | null): readonly Figure[] {
  const plain = text.normalize("NFKC").replace(/[\u00ad\u200b]/g, "");
  const figures: Figure[] = [];
  for (const found of plain.matchAll(new RegExp(`(?<![\\p{L}\\d])(?:${patterns})`, "gu"))) {
    if (figures.length >= figuresMax) break;
    const { iso, date, time, code, number } = found.groups ?? {};
    const end = found.index + found[0].length;
    if (iso !== undefined) figures.push(...dateOf(iso.split("-").reverse()));
    else if (date !== undefined) figures.push(...dateOf(date.split(/\.[ ]?/)));
    else if (time !== undefined) figures.push(...timeOf(time, plain.slice(end, end + reachChars), language));
    else if (code !== undefined)
      figures.push(...codeOf(code, plain.slice(Math.max(0, found.index - 2), found.index)));
    else if (number !== undefined) figures.push(...numberOf(number, plain, found.index, end, language));
  }
  return figures;
}

/** The numbers that can be found: for each reading its units. Numbers in words and months count, too. */
export function figureIndex(
  text: string,
  language: Language | null,
): ReadonlyMap<string, ReadonlySet<string>> {
  const index = new Map<string, Set<string>>();
  const put = (reading: string, unit: string | null) =>
    index.set(reading, (index.get(reading) ?? new Set()).add(unit ?? ""));
  for (const { readings, unit } of figuresIn(text, language)) for (const each of readings) put(each, unit);
  for (const [word, next = ""] of text.matchAll(/(?<!\p{L})\p{L}{3,12}(?=(?:[ -](\p{L}+))?)/gu)) {
    const small = word.toLowerCase();
    const month = monthOf(small);
    if (month !== null) put(monthAtom(month), null);
    const value = numberWords.get(small);
    const unit = unitOf(next);
    if (value !== undefined && (value > 1 || unit !== null)) put(`${value}`, unit);
  }
  return index;
}

/** True if one of the texts with these indexes has the number, with its unit or without any. */
export function isFigureIn(
  { readings, parts, unit }: Figure,
  indexes: readonly ReadonlyMap<string, ReadonlySet<string>>[],
): boolean {
  const has = (reading: string): boolean =>
    indexes.some((index) => {
      const units = index.get(reading);
      return units !== undefined && (unit === null || units.has("") || units.has(unit));
    });
  return readings.some(has) || (parts.length > 0 && parts.every(has));
}

const figure = (readings: readonly string[]): Figure => ({ readings, parts: [], unit: null });

/** A code; none for the unit of the number before it: m2. */
const codeOf = (code: string, before: string): Figure[] =>
  unitOf(code) !== null && /\d ?$/.test(before) ? [] : [figure([code.toLowerCase()])];

/** Day, month and year as three numbers: a text may have only some of them. */
function dateOf([day = "", month = "", year = ""]: readonly string[]): Figure[] {
  const years = year.length === 2 ? [`20${year}`, `19${year}`, year] : [year];
  return [
    figure([canonical(day)]),
    figure([monthAtom(Number(month)), canonical(month)]),
    ...(year === "" ? [] : [figure(years.map(canonical))]),
  ];
}

/**
 * A full hour is written without minutes, too; one of the afternoon as 2 pm and as 14:00. The German "am" is
 * no half of the day.
 */
function timeOf(time: string, behind: string, language: Language | null): Figure[] {
  const [hours = "", minutes = "00"] = time.split(/[:.]/);
  const [, half = null] = (language === "de" ? /^ ?([ap])\.m\b/i : /^ ?([ap])\.?m\b/i).exec(behind) ?? [];
  const unit = half && `${half.toLowerCase()}m`;
  const later = unit === "pm" && Number(hours) < 12 ? [`${Number(hours) + 12}`] : [];
  const readings = [canonical(hours), ...later].flatMap((hour) =>
    minutes === "00" ? [`${hour}:00`, hour] : [`${hour}:${minutes}`],
  );
  return [{ readings, parts: [], unit }];
}

function numberOf(
  digits: string,
  text: string,
  at: number,
  end: number,
  language: Language | null,
): Figure[] {
  const behind = text.slice(end, end + reachChars);
  // an ordinal, a decade, a unit without a space: what else stands directly behind it makes it a code
  const [glued = ""] = /^\p{L}[\p{L}\d]*/u.exec(behind) ?? [];
  if (
    glued !== "" &&
    !/^(?:st|nd|rd|th|s|er|ern|x|fache?[nrs]?|k|mal)$/i.test(glued) &&
    unitOf(glued) === null
  )
    return [figure([(digits + glued).toLowerCase()])];
  const month = monthBeside(text, at, behind);
  const [, factor = ""] = /^[ -]?(\p{L}+)/u.exec(behind) ?? [];
  const times = multiplierOf(factor, language);
  const values = valuesOf(digits, language);
  const readings = times.length === 0 ? values : values.flatMap((one) => times.map((by) => scaled(one, by)));
  const after = times.length === 0 ? behind : behind.slice(behind.indexOf(factor) + factor.length);
  const parts = /[ '’]/.test(digits) ? digits.split(/[ '’]/).map(canonical) : [];
  return [
    { readings, parts, unit: unitBeside(text, at, after) },
    ...(month === null ? [] : [figure([month])]),
  ];
}

/** What a number numbers: a section is no amount. */
const labels =
  /(?<!\p{L})(?:§+|art(?:ikel|icle)?|nr|no|nummer|number|abs(?:atz)?|s|seite|page|pp?|kap(?:itel)?|chapter|sec(?:tion)?|ziffer|abb(?:ildung)?|fig(?:ure)?|tab(?:elle|le)?|anlage|annex)\.? ?$/iu;
const currency = /(?<!\p{L})([€$£]|EUR|USD|GBP|CHF) ?$/u;

/** The unit behind a number, or the currency before it; `label` for a number that names something. */
function unitBeside(text: string, at: number, behind: string): string | null {
  const [, sign = ""] = /^\.?[ -]{0,2}(%|°[CF]?|[€$£]|\p{L}+(?:²|³|2|3)?)/u.exec(behind) ?? [];
  const before = text.slice(Math.max(0, at - reachChars), at);
  return unitOf(sign) ?? unitOf(currency.exec(before)?.[1] ?? "") ?? (labels.test(before) ? "label" : null);
}

/** The month of which a number is the day or the year. */
function monthBeside(text: string, at: number, behind: string): string | null {
  const [, next = ""] = /^(?:\.|st|nd|rd|th)? (?:of )?(\p{L}+)/u.exec(behind) ?? [];
  const [, before = ""] =
    /(?<!\p{L})(\p{L}+)\.? (?:the )?$/u.exec(text.slice(Math.max(0, at - reachChars), at)) ?? [];
  const month = monthOf(next.toLowerCase()) ?? monthOf(before.toLowerCase());
  return month === null ? null : monthAtom(month);
}

/** What digits with separators may mean. */
function valuesOf(digits: string, language: Language | null): readonly string[] {
  const joined = digits.replace(/[ '’]/g, "");
  const marks = joined.match(/[.,]/g) ?? [];
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined) return [canonical(joined)];
  if (first !== last) return [canonical(joined.replaceAll(first, "").replace(last, "."))];
  const isGrouped = /^[1-9]\d{0,2}(?:[.,]\d{3})+$/.test(joined);
  const whole = canonical(joined.replaceAll(first, ""));
  if (marks.length > 1) return [isGrouped ? whole : joined];
  const decimal = canonical(joined.replace(first, "."));
  if (!isGrouped) return [decimal];
  if (language === "de") return [first === "." ? whole : decimal];
  return language === "en" ? [first === "," ? whole : decimal] : [whole, decimal];
}

/** Digits without zeros that mean nothing. */
function canonical(digits: string): string {
  const plain = digits.replace(/^0+(?=\d)/, "");
  return plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain;
}

/** A number times a power of ten. */
function scaled(value: string, power: number): string {
  const [whole = "", fraction = ""] = value.split(".");
  const moved = fraction.slice(0, power).padEnd(power, "0");
  return canonical(`${whole}${moved}${fraction.length > power ? `.${fraction.slice(power)}` : ""}`);
}
