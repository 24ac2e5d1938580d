// Markdown of a model → safe HTML. markdown/take removes what Bun's parser would break, the parser drops raw
// HTML, and markdown/dress rebuilds its output from an allow-list. The functions depend on the text alone;
// the only state is a cache.

import { BoundedMap } from "../../src/domain/bounded-map.ts";
import type { Citations } from "./citations.ts";
import { Dress, messageLevel } from "./dress.ts";
import { withMarks, withoutMarks } from "./emphasis.ts";
import { type Findings, type Grounded, grounded, noFindings } from "./grounded.ts";
import { take } from "./take.ts";
import { Work } from "./work.ts";

const options = {
  tables: true,
  strikethrough: true,
  tasklists: true,
  autolinks: false,
  noHtmlBlocks: true,
  noHtmlSpans: true,
};

/**
 * Noncharacters are our placeholders (Unicode 16, §23.7: never exchanged), so no text may contain them.
 */
const notExchanged = /[\0\ufdd0-\ufdef]/g;

/**
 * A longer text is rendered up to the last line end before this length, in UTF-16 units. The rest is shown as
 * plain text. An answer of 30 000 tokens is shorter.
 */
const drawnMaxChars = 128_000;

/**
 * HTML of a Markdown text below a heading of level `above`. It has marks in the place of parlor's own words;
 * `inWords` fills them in. The end of a text that `isOpen` may still grow.
 */
export function markdownHtml(
  text: string,
  above: number = messageLevel,
  work: Work = new Work(),
  citations: Citations | null = null,
  isOpen = false,
): string {
  return drawn(text, above, work, citations, isOpen).html;
}

/** Citations in a text that lead nowhere: its HTML leaves them out. */
export const lostCitations = (text: string, citations: Citations): number =>
  drawnOf({ text, citations }, new Work(), false).lost;

/** What the check of a text has found. */
export const findingsIn = (text: string, citations: Citations): Findings =>
  kept.get(keyOf(text, citations)) ??
  drawn(text, messageLevel, new Work(0), citations, false, new Work(Number.POSITIVE_INFINITY));

interface Drawn extends Grounded {
  /** Citations that lead nowhere. */
  readonly lost: number;
}

/** `checking` is the work for sentences, where it is not that of the rest. */
function drawn(
  text: string,
  above: number,
  work: Work,
  citations: Citations | null,
  isOpen = false,
  checking = work,
): Drawn {
  const end = drawnEnd(text);
  const taken = take(lined(clean(end === text.length ? text : text.slice(0, end))), citations);
  const dress = new Dress(taken.pieces, above, work, citations);
  const dressed = dress.of(withoutMarks(Bun.markdown.html(withMarks(taken.source), options)));
  const { html, ...findings } = citations?.check
    ? grounded(dressed, citations, checking, isOpen ? opened(dressed).open.length : undefined)
    : { html: dressed, ...noFindings };
  const lost = dress.lost;
  return { html: end === text.length ? html : html + undrawn(text.slice(end)), lost, ...findings };
}

/** The end of the part of a text that is rendered as Markdown. */
export function drawnEnd(text: string): number {
  return text.length <= drawnMaxChars
    ? text.length
    : text.lastIndexOf("\n", drawnMaxChars - 1) + 1 || wholeCharacters(text, drawnMaxChars);
}

/** Moves an end that lies between the halves of a surrogate pair. */
function wholeCharacters(text: string, end: number): number {
  return /[\ud800-\udbff]/.test(text[end - 1] ?? "") ? end - 1 : end;
}

/** The HTML around the lines that are not rendered. */
export const undrawnFrame = { head: `<div class="undrawn" dir="auto">`, foot: "</div>" } as const;

/** The text with all line ends as line feeds. */
export const lined = (text: string): string => (text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text);

function undrawn(text: string): string {
  const lines = lined(clean(text));
  return `${undrawnFrame.head}${Bun.escapeHTML(lines.endsWith("\n") ? lines : `${lines}\n`)}${undrawnFrame.foot}\n`;
}

/** The level of the last heading in HTML of this module; `above` if there is none. */
export function lastLevel(html: string, above: number): number {
  const at = html.lastIndexOf("</h");
  return at < 0 ? above : Number(html[at + "</h".length]);
}

/**
 * Cache of rendered texts, for threads that people open again. Its size is in UTF-16 units of text and HTML.
 */
const kept = new BoundedMap<string, Drawn>(32_000_000);

/** `markdownHtml` with a cache: a thread is rendered whenever somebody opens it. */
export const markdownOf = (cited: Cited, work: Work = new Work(), isLast = false): string =>
  drawnOf(cited, work, isLast).html;

function drawnOf({ text, citations = null }: Cited, work: Work, isLast: boolean): Drawn {
  const key = keyOf(text, citations);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = drawn(text, messageLevel, work, citations);
  if (isLast || !work.isShort) kept.set(key, made, key.length + made.html.length);
  return made;
}

/** A text, and where its citations lead; null for a text without sources. */
interface Cited {
  readonly text: string;
  readonly citations?: Citations | null;
}

/** A text has no \0, see `clean`. In a conversation, a number stands for one passage. */
function keyOf(text: string, citations: Citations | null): string {
  if (citations === null) return text;
  const { path, numbers, check, isStrict, bySense } = citations;
  const opinion = bySense ? JSON.stringify(bySense) : "";
  return `${path} ${[...numbers]} ${check ? (isStrict ? "strict" : "cite") : ""}${opinion}\0${text}`;
}

/** A text is rendered at most this often to finish its code and formulas; the rest stays plain. */
const drawingsMax = 40;
/** After this time the event loop runs other work. */
const turnMaxMs = 15;

/**
 * Renders texts into the cache, a part in each turn of the event loop. Returns true if it needed more than
 * the current turn.
 */
export async function drawAhead(texts: Iterable<Cited>): Promise<boolean> {
  let startedAt = performance.now();
  let isLater = false;
  for (const text of texts) {
    for (let times = 1; kept.get(keyOf(text.text, text.citations ?? null)) === undefined; times++) {
      markdownOf(text, new Work(), times === drawingsMax);
      if (performance.now() - startedAt < turnMaxMs) continue;
      await new Promise(setImmediate);
      startedAt = performance.now();
      isLater = true;
    }
  }
  return isLater;
}

/** Replaces the characters that HTML cannot carry, and our placeholders. */
export function clean(text: string): string {
  // the parser would decode them from character references
  const named = text.replace(
    /&#(?:x([0-9a-f]{1,8})|(\d{1,8}));/gi,
    (whole, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code === 0 || (code >= 0xfdd0 && code <= 0xfdef) ? "\ufffd" : whole;
    },
  );
  return named.toWellFormed().replace(notExchanged, "\ufffd");
}

/** True for the elements of this module without content. */
export const isVoid = (name: string): boolean => name === "br" || name === "hr" || name === "input";
/** The tags that close these elements, outermost first. */
export const closing = (tags: readonly string[]): string =>
  tags.reduceRight((html, name) => `${html}</${name}>`, "");

/**
 * HTML without the closing tags at its end, and the names of the elements that they close, outermost first.
 */
export function opened(html: string): { open: string; tags: string[] } {
  const tags: string[] = [];
  for (let end = html.length; ; ) {
    while (end > 0 && /\s/.test(html[end - 1] as string)) end--;
    const start = html[end - 1] === ">" ? html.lastIndexOf("<", end) : -1;
    const [, name] = start < 0 ? [] : (/^<\/([a-z][a-z0-9]*)>$/.exec(html.slice(start, end)) ?? []);
    if (name === undefined) return { open: html.slice(0, end), tags };
    tags.push(name);
    end = start;
  }
}
