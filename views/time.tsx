// Moments as their reader's clock shows them. A browser with scripts says in a cookie which zone that is
// (views/assets/zone.js); without one it is the server's, and named.

import type { Words } from "./words.ts";

/**
 * A time that programs can read. views/assets/zone.js renders it again where the zone's cookie came too late.
 */
export function Time({ at, words }: { at: number; words: Words }) {
  const format = formatIn(words, "moment", {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return <time datetime={new Date(at).toISOString()}>{format.format(at)}</time>;
}

/** The day of a moment, as yyyy-mm-dd. */
function dayOf(time: number, words: Words): string {
  return formatIn({ ...words, lang: "sv" }, "day", {}).format(time); // Swedish writes days so
}

/** A stretch of days that a list has as one group; two moments of one have the same key. */
interface Period {
  readonly key: string;
  readonly name: string;
}

/** Days before today in the last week, and in the last thirty days. */
const [weekDays, monthDays] = [7, 30];

/** Today, yesterday, the last 7 and 30 days, else a month. */
export function periodOf(time: number, now: number, words: Words): Period {
  const [day, today] = [dayOf(time, words), dayOf(now, words)];
  // by the calendar: a day of a change of the clock has no 24 hours
  const daysAgo = Math.round((Date.parse(today) - Date.parse(day)) / 86_400_000);
  if (daysAgo <= 0) return { key: "today", name: words.today };
  if (daysAgo === 1) return { key: "yesterday", name: words.yesterday };
  if (daysAgo <= weekDays) return { key: "week", name: words.lastDays(weekDays) };
  if (daysAgo <= monthDays) return { key: "month", name: words.lastDays(monthDays) };
  const isThisYear = day.slice(0, 4) === today.slice(0, 4);
  const year = isThisYear ? {} : ({ year: "numeric" } as const);
  const format = formatIn(words, `month ${isThisYear}`, { month: "long", ...year });
  return { key: day.slice(0, 7), name: format.format(time) };
}

/** The zone's name as this machine knows it; null for what is none. */
export function zoneOf(name: string | null | undefined): string | null {
  if (!name || name.length > 64) return null;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** Zones times languages times kinds that are used: making a format costs more than using it. */
const formatsMax = 500;

function formatIn(
  { lang, zone }: { lang: string; zone: string | null },
  kind: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${lang} ${zone} ${kind}`;
  const known = formats.get(key);
  if (known) return known;
  if (formats.size >= formatsMax) formats.clear();
  const named = zone === null && kind === "moment" ? ({ timeZoneName: "short" } as const) : {};
  const made = new Intl.DateTimeFormat(lang, {
    ...options,
    ...named,
    ...(zone !== null && { timeZone: zone }),
  });
  formats.set(key, made);
  return made;
}
