// Numbers as people read them, in their language. Used by the catalogues of words.

/** Three significant digits below 100, whole numbers above: 0.0123, 8.53, 1,234. */
export function shortNumber(value: number, locale: string): string {
  const options = Math.abs(value) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 };
  return new Intl.NumberFormat(locale, options).format(value);
}
