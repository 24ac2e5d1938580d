// Citations in Markdown: `[3]` in an answer that has sources leads to the third of them. Pure.

import type { Check } from "../../src/domain/grounding.ts";
import { marks } from "./marks.ts";

/** Where the citations of a text lead, and how its sentences are checked. */
export interface Citations {
  /** The address of a source without its number at the end. */
  readonly path: string;
  /** Numbers of the sources. */
  readonly numbers: ReadonlySet<number>;
  /** What compares the sentences with the sources; absent: they are not checked. */
  readonly check?: Check;
  /** Sentences that were not found are marked strongly. */
  readonly isStrict?: boolean;
  /** Sentences that a model found in a source by their sense: see RunStats. */
  readonly bySense?: Readonly<Record<string, number>>;
}

const number = String.raw`[1-9]\d{0,5}`;
/** The label of a citation: one number, or several with commas. */
const label = String.raw`\[${number}(?:, ?${number}){0,9}\]`;

/** A citation, with the space before it where a word stands before that. */
export const citation = String.raw`(?:(?<=[^\s\d\-+*#>|.)]|[a-z][.)]) )?${label}`;

const wholeSign = new RegExp(`^ ?${label}$`);
const numbersOf = (sign: string): readonly number[] =>
  wholeSign.test(sign) ? (sign.match(/\d+/g) ?? []).map(Number) : [];

/**
 * Where a citation begins in a sign that may be one: with the space before it when it leads nowhere. null for
 * any other text, and for several numbers of which none is a source: an interval.
 */
export function citationFrom(sign: string, { numbers }: Pick<Citations, "numbers">): number | null {
  const named = numbersOf(sign);
  if (named.some((n) => numbers.has(n))) return sign.indexOf("[");
  return named.length === 1 ? 0 : null;
}

const numbered = new RegExp(`^[ \\t>]*${label}:`);
/** True for a link reference definition whose label is a citation. */
export const isNumbered = (sign: string): boolean => numbered.test(sign);

/** HTML of a citation, and how many of its numbers lead nowhere: they are left out. */
export function citationHtml(
  source: string,
  { path, numbers }: Citations,
  isInLink: boolean,
): { html: string; lost: number } {
  const named = numbersOf(source);
  const known = named.filter((n) => numbers.has(n));
  const html = known.map((n) => (isInLink ? `[${n}]` : `<a class="cite" href="${path}${n}">[${n}]</a>`));
  return { html: html.join(""), lost: named.length - known.length };
}

/** HTML of a citation that parlor adds to a sentence of the model. */
export const addedCitation = (n: number, { path }: Citations): string =>
  `<a class="cite" href="${path}${n}" data-by="parlor" title="${marks.foundByParlor}">[${n}]</a>`;

/** The number of a rendered citation; null for any other HTML. */
export function numberOf(html: string): number | null {
  const [, n] = /^<a class="cite"[^>]*>\[(\d+)\]<\/a>$/.exec(html) ?? [];
  return n === undefined ? null : Number(n);
}

/** Rendered citations for somebody who can't open the sources. */
export const unlinked = (html: string): string => html.replace(/(<a class="cite") href="[^"]*"/g, "$1");

/** The same with links to other addresses: `path` and the number of the source. */
export const linkedTo = (path: string, html: string): string =>
  html.replace(/<a class="cite"([^>]*)>\[(\d+)\]<\/a>/g, `<a class="cite" href="${path}$2"$1>[$2]</a>`);

/** The numbers of rendered citations. */
export const numbersIn = (html: string): ReadonlySet<number> =>
  new Set([...html.matchAll(/<a class="cite"[^>]*>\[(\d+)\]<\/a>/g)].map(([, n]) => Number(n)));

const numberedLine = new RegExp(`^ {0,3}${label}:.*\\n`, "gm");
/** Link reference definitions without those whose label is a citation. */
export const withoutNumbered = (definitions: string): string => definitions.replace(numberedLine, "");
