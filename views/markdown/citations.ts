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
}

/** A citation, with the space before it where a word stands before that. */
export const citation = String.raw`(?:(?<=[^\s\d\-+*#>|.)]|[a-z][.)]) )?\[[1-9]\d{0,5}\]`;

/** The number that a citation names; null for any other text. */
export function numberIn(sign: string): number | null {
  const [, n] = /^ ?\[([1-9]\d{0,5})\]$/.exec(sign) ?? [];
  return n === undefined ? null : Number(n);
}

/** True for a link reference definition whose label is a citation. */
export const isNumbered = (sign: string): boolean => /^[ \t>]*\[[1-9]\d{0,5}\]:/.test(sign);

/** HTML of a citation; empty for one that leads nowhere. */
export function citationHtml(source: string, { path, numbers }: Citations, isInLink: boolean): string {
  const n = numberIn(source) ?? 0;
  if (!numbers.has(n)) return "";
  return isInLink ? `[${n}]` : `<a class="cite" href="${path}${n}">[${n}]</a>`;
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

/** Link reference definitions without those whose label is a citation. */
export const withoutNumbered = (definitions: string): string =>
  definitions.replace(/^ {0,3}\[[1-9]\d{0,5}\]:.*\n/gm, "");
