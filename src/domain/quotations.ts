// Quotations in a text, and whether other texts have them word for word. Pure.

/** Where a quotation stands: from its opening mark to behind its closing one. */
interface Quotation {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Marks that open a quotation, each with those that close it: in German and English use. */
const closersOf: Readonly<Record<string, RegExp>> = {
  "„": /[“”"]/g,
  "“": /[”"]/g,
  '"': /"/g,
  "»": /«/g,
  "«": /»/g,
};
/** A longer one is none: its closing mark belongs to another. In UTF-16 units. */
const quotationMaxChars = 1_000;

/** The quotations of a text, in order. One within another is part of it. */
export function quotationsIn(text: string): readonly Quotation[] {
  const found: Quotation[] = [];
  const closers = new Map<string, number>();
  for (let start = openerFrom(text, 0); start >= 0; ) {
    const end = closerFrom(text, start, closers) + 1;
    const isQuotation = end - start <= quotationMaxChars;
    if (isQuotation) found.push({ start, end, text: text.slice(start + 1, end - 1) });
    start = openerFrom(text, isQuotation ? end : start + 1);
  }
  return found;
}

/**
 * Index of the first opening mark whose closing one may still be written behind the text, of which these are
 * the quotations; -1 if there is none.
 */
export function unclosedIn(text: string, quotations: readonly Quotation[]): number {
  const nearest = text.length - quotationMaxChars;
  for (let i = 0; i <= quotations.length; i++) {
    const to = quotations[i]?.start ?? text.length;
    if (to <= nearest) continue;
    const at = openerFrom(text, Math.max(quotations[i - 1]?.end ?? 0, nearest));
    if (at >= 0 && at < to) return at;
  }
  return -1;
}

function openerFrom(text: string, at: number): number {
  const mark = /(?<![\p{L}\p{N}.,;!?])[„“"»«](?=\S)/gu;
  mark.lastIndex = at;
  return mark.exec(text)?.index ?? -1;
}

/** Index of the next mark that closes the one at `start`. `known` keeps where the next of each kind is. */
function closerFrom(text: string, start: number, known: Map<string, number>): number {
  const opener = text[start] as string;
  const before = known.get(opener) ?? -1;
  if (before > start) return before;
  const closer = closersOf[opener] as RegExp;
  closer.lastIndex = start + 1;
  const at = closer.exec(text)?.index ?? Number.POSITIVE_INFINITY;
  known.set(opener, at);
  return at;
}

/** Least number of words of a quotation that is looked up. A single one is often no quotation but a name. */
const wordsMin = 2;

/** A text in which quotations are looked up: its words, without signs, hyphens, ligatures and line ends. */
export function quotable(text: string): string {
  const words = text
    .normalize("NFKC")
    .replaceAll("\u00ad", "")
    .replace(/(?<=\p{L})[-‐‑](?:\n\s*)?(?=\p{L})/gu, "")
    .toLowerCase()
    .match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu);
  return ` ${words?.join(" ") ?? ""} `;
}

/**
 * True if each quotation of a text stands word for word in one of the others, which `quotable` has prepared;
 * null if there is none to look up.
 */
export function areQuoted(text: string, others: readonly string[]): boolean | null {
  const quoted = quotationsIn(text)
    // what an ellipsis leaves out stands between two parts of one passage
    .map((quotation) => quotation.text.split(/\[?(?:…|\.{3})\]?/).map(quotable))
    .map((parts) => parts.filter((part) => part.trim() !== ""))
    .filter((parts) => parts.join("").trim().split(/\s+/).length >= wordsMin);
  if (quoted.length === 0) return null;
  return quoted.every((parts) => others.some((other) => hasInOrder(other, parts)));
}

function hasInOrder(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length - 1;
  }
  return true;
}
