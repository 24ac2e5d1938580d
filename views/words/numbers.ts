// Numbers, sizes, durations and waits as people read them.

import type { WaitEstimate } from "../../src/domain/run.ts";

/** Three significant digits below 100, whole numbers above: 0.0123, 8.53, 1,234. */
export function shortNumber(value: number, locale: string): string {
  const options = Math.abs(value) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 };
  return new Intl.NumberFormat(locale, options).format(value);
}

/** A size with 1 kB of 1,024 bytes: "812 kB", "1.4 MB". English and German share the units. */
export function size(bytes: number, locale: string): string {
  const steps = bytes < 2 ** 20 ? 1 : bytes < 2 ** 30 ? 2 : 3;
  const unit = ["kB", "MB", "GB"][steps - 1];
  const value = bytes / 1024 ** steps;
  const digits = steps === 1 || value >= 100 ? 0 : 1;
  const shown = Math.max(value, steps === 1 ? 1 : 0);
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(shown)} ${unit}`;
}

/** A duration in seconds, or in minutes from 90 s on ("45 s", "12 min"); English and German alike. */
export function duration(ms: number): string {
  return ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** A time ahead: "in 40 s", "in 12 min", from 90 min on "in 3 h". English and German share the wording. */
export function after(seconds: unknown): string {
  const s = Number(seconds);
  return s < 5_400 ? `in ${duration(s * 1_000)}` : `in ${Math.round(s / 3_600)} h`;
}

/** A language's words for the length of a wait. */
export interface WaitWords {
  readonly few: string;
  readonly upTo: (most: string) => string;
  readonly about: (most: string) => string;
  /** Between least and most. */
  readonly to: string;
}

/** Formats a wait as a range, or as "about" its upper end when both ends are within 35 %. */
export function waitIn({ leastMs, mostMs }: WaitEstimate, { few, upTo, about, to }: WaitWords): string {
  if (mostMs <= 5_000) return few;
  const [least, most] = [duration(leastMs), duration(mostMs)];
  if (leastMs === 0) return upTo(most);
  if (mostMs <= leastMs * 1.35) return about(most);
  return least.split(" ")[1] === most.split(" ")[1]
    ? `${least.split(" ")[0]} ${to} ${most}`
    : `${least} ${to} ${most}`;
}
