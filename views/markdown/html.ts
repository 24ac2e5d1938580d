// Markdown of a model → HTML that can do no harm. markdown/take takes out what Bun's parser would break, the
// parser leaves raw HTML out, and markdown/dress builds what it wrote anew from a list of what is allowed.
// One text in, one string out; only what was drawn lately is remembered.

import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { Dress, messageLevel } from "./dress.ts";
import { withMarks, withoutMarks } from "./emphasis.ts";
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
 * Noncharacters are ours in here: they mark places that are filled later (Unicode 16, §23.7: never
 * exchanged).
 */
const notExchanged = /[\0\ufdd0-\ufdef]/g;

/**
 * A text longer than this is Markdown up to the end of a line before it, and stands there as it is behind
 * that; in UTF-16 units. An answer of 30 000 tokens is shorter.
 */
const drawnMaxChars = 128_000;

/**
 * HTML of a Markdown text that stands below a heading of level `above`. Words of ours in it are marks, which
 * `inWords` fills in.
 */
export function markdownHtml(text: string, above: number = messageLevel, work: Work = new Work()): string {
  const end = drawnEnd(text);
  const { source, pieces } = take(lined(clean(end === text.length ? text : text.slice(0, end))));
  const html = new Dress(pieces, above, work).of(withoutMarks(Bun.markdown.html(withMarks(source), options)));
  return end === text.length ? html : html + undrawn(text.slice(end));
}

/** Where the part of a text ends that is drawn as Markdown. */
export function drawnEnd(text: string): number {
  return text.length <= drawnMaxChars
    ? text.length
    : text.lastIndexOf("\n", drawnMaxChars - 1) + 1 || wholeCharacters(text, drawnMaxChars);
}

/** Never between the halves of a surrogate pair. */
function wholeCharacters(text: string, end: number): number {
  return /[\ud800-\udbff]/.test(text[end - 1] ?? "") ? end - 1 : end;
}

/** What stands around the lines that are not drawn. */
export const undrawnFrame = { head: `<div class="undrawn" dir="auto">`, foot: "</div>" } as const;

/** The text with line feeds at the ends of its lines. */
export const lined = (text: string): string => (text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text);

function undrawn(text: string): string {
  const lines = lined(clean(text));
  return `${undrawnFrame.head}${Bun.escapeHTML(lines.endsWith("\n") ? lines : `${lines}\n`)}${undrawnFrame.foot}\n`;
}

/** The level of the last heading in some HTML of ours; `above` when there is none. */
export function lastLevel(html: string, above: number): number {
  const at = html.lastIndexOf("</h");
  return at < 0 ? above : Number(html[at + "</h".length]);
}

/**
 * Texts that are drawn again and again: the threads that people look at. In UTF-16 units of text and HTML.
 */
const kept = new BoundedMap<string, string>(32_000_000);

/** `markdownHtml`, remembered: a thread is drawn anew whenever somebody opens it. */
export function markdownOf(text: string, work: Work = new Work(), isLast = false): string {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const html = markdownHtml(text, messageLevel, work);
  if (isLast || !work.isShort) kept.set(text, html, text.length + html.length);
  return html;
}

/** So often a text is drawn to have all of its code and formulas; what is left then stays plain. */
const drawingsMax = 40;
/** Others are let in after this time. */
const turnMaxMs = 15;

/**
 * Has texts drawn and remembered, a part in each turn of the event loop; true when more than this turn was
 * needed.
 */
export async function drawAhead(texts: Iterable<string>): Promise<boolean> {
  let startedAt = performance.now();
  let isLater = false;
  for (const text of texts) {
    for (let times = 1; kept.get(text) === undefined; times++) {
      markdownOf(text, new Work(), times === drawingsMax);
      if (performance.now() - startedAt < turnMaxMs) continue;
      await new Promise(setImmediate);
      startedAt = performance.now();
      isLater = true;
    }
  }
  return isLater;
}

/** The text without what HTML cannot carry and without what we use ourselves. */
export function clean(text: string): string {
  // as a reference the parser would bring them back
  const named = text.replace(
    /&#(?:x([0-9a-f]{1,8})|(\d{1,8}));/gi,
    (whole, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code === 0 || (code >= 0xfdd0 && code <= 0xfdef) ? "\ufffd" : whole;
    },
  );
  return named.toWellFormed().replace(notExchanged, "\ufffd");
}

/** Elements of ours that hold nothing. */
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
