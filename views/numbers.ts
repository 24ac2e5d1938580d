// Numbers as people read them, in their language. Used by the catalogues of words.

/** Three significant digits below 100, whole numbers above: 0.0123, 8.53, 1,234. */
export function shortNumber(value: number, locale: string): string {
  const options = Math.abs(value) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 };
  return new Intl.NumberFormat(locale, options).format(value);
}

/** A time in seconds, or minutes once it has a good many: "45 s", "12 min". The signs are the same in our languages. */
export function duration(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** How far ahead something is: "in 40 s", "in 12 min", "in 3 h". */
export function after(seconds: unknown): string {
  const s = Number(seconds);
  return s < 5_400 ? `in ${duration(s * 1_000)}` : `in ${Math.round(s / 3_600)} h`;
}
