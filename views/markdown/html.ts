// Markdown of a model → HTML that can do no harm. Bun's parser leaves raw HTML out; whatever it writes is then built anew, tag by
// tag, from a list of what is allowed. Formulas become MathML, code is highlighted. One text in, one string out: no state.

import { codeBlock } from "./code.ts";
import { marks } from "./marks.ts";
import { formula, placeOf, takeFormulas } from "./math.ts";

const options = { tables: true, strikethrough: true, tasklists: true, autolinks: true, noHtmlBlocks: true, noHtmlSpans: true };

/** Elements whose tags are written without any attribute. */
const plain = new Set(["p", "em", "strong", "del", "code", "ul", "li", "thead", "tbody", "tr", "blockquote", "br", "hr"]);
/** Elements that stand inside one another; deeper than this they are left out, their text stays (Chromium itself stops at 512). */
const nesting = new Set(["ul", "ol", "li", "blockquote"]);
const nestingMax = 32;

/** Noncharacters are ours in here: they mark places that are filled later (Unicode 16, §23.7: never exchanged). */
const notExchanged = /[\0\ufdd0-\ufdef]/g;

/** HTML of a Markdown text that stands below a heading of level `above`. Words of ours in it are marks, which `inWords` fills in. */
export function markdownHtml(text: string, above: number = messageLevel): string {
  const { source, formulas } = takeFormulas(clean(text));
  return dress(Bun.markdown.html(source, options), formulas, above);
}

/** The level of the heading that every message has; those in its text stand below it, and none leaves out a level. */
export const messageLevel = 2;

/** The level of the last heading in some HTML of ours; `above` when there is none. */
export function lastLevel(html: string, above: number): number {
  const at = html.lastIndexOf("</h");
  return at < 0 ? above : Number(html[at + "</h".length]);
}

/** Texts that are rendered again and again: the threads that people look at. In UTF-16 units of text and HTML. */
const keptMaxChars = 16_000_000;
const kept = new Map<string, string>();
let keptChars = 0;

/** `markdownHtml`, remembered: a thread is drawn anew whenever somebody opens it. */
export function markdownOf(text: string): string {
  const html = kept.get(text) ?? markdownHtml(text);
  const isNew = !kept.delete(text); // and in again, as the latest
  kept.set(text, html);
  if (isNew) keptChars += text.length + html.length;
  for (const [oldest, made] of kept) {
    if (keptChars <= keptMaxChars) break;
    kept.delete(oldest);
    keptChars -= oldest.length + made.length;
  }
  return html;
}

/** The text without what HTML cannot carry and without what we use ourselves. */
export function clean(text: string): string {
  // as a reference the parser would bring them back
  const named = text.replace(/&#(?:x([0-9a-f]{1,8})|(\d{1,8}));/gi, (whole, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code === 0 || (code >= 0xfdd0 && code <= 0xfdef) ? "\ufffd" : whole;
  });
  return named.toWellFormed().replace(notExchanged, "\ufffd");
}

/** What the parser wrote, tag by tag, built anew. */
function dress(html: string, formulas: readonly string[], above: number): string {
  // code first, for what is in it is no markup; then every tag and every formula's place
  const parts =
    /<pre><code(?: class="language-([^"]*)")?>([^<]*)<\/code><\/pre>|<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^>"])*)>|\ufdd0(\d+)\ufdd1|(&lt;br ?\/?&gt;)|((?<!<br ?\/?>|<\/?(?:p|ul|ol|li|blockquote|table|thead|tbody|tr|th|td|hr|h[1-6])\b[^>]*>)\n(?!<\/?(?:p|ul|ol|li|pre|blockquote|table|thead|tbody|tr|th|td|hr|h[1-6])\b|$))/g;
  let level = above;
  let depth = 0;
  let inCode = false;
  return html.replace(parts, (whole, language, code, close, name, attributes, place, written, feed) => {
    if (code !== undefined) return codeBlock(unescaped(language ?? ""), restore(unescaped(code), formulas));
    if (place !== undefined) return inCode ? Bun.escapeHTML(formulas[Number(place)] ?? "") : formula(formulas[Number(place)] ?? "");
    if (written !== undefined) return inCode ? whole : "<br>"; // models write it into the cells of tables
    if (feed !== undefined) return "<br>\n"; // a line that ends is meant to: verses, addresses, dialogue
    if (name === "code") inCode = close === "";
    if (/^h[1-6]$/.test(name)) {
      if (close === "") level = Math.min(Number(name[1]) + messageLevel, level + 1, 6);
      return `<${close}h${level}>`;
    }
    if (nesting.has(name)) {
      depth += close === "" ? 1 : -1;
      if (depth + (close === "" ? 0 : 1) > nestingMax) return "";
    }
    return tag(name, close, attributes, formulas);
  });
}

function tag(name: string, close: string, attributes: string, formulas: readonly string[]): string {
  const value = (key: string) => new RegExp(`\\s${key}="([^"]*)"`).exec(attributes)?.[1];
  if (plain.has(name)) return name === "li" && close === "" && attributes.includes("task-list-item") ? `<li class="task">` : `<${close}${name}>`;
  if (name === "table") return close === "" ? `<div class="table" tabindex="0"><table>` : "</table></div>";
  if (name === "th" || name === "td") {
    const align = /^(?:left|center|right)$/.exec(value("align") ?? "")?.[0];
    return `<${close}${name}${align && close === "" ? ` align="${align}"` : ""}>`;
  }
  if (name === "ol") return `<${close}ol${close === "" && /^\d+$/.test(value("start") ?? "") ? ` start="${value("start")}"` : ""}>`;
  if (name === "input") {
    const isDone = /\schecked\b/.test(attributes);
    return `<input type="checkbox" disabled${isDone ? " checked" : ""} aria-label="${isDone ? marks.taskDone : marks.taskOpen}">`;
  }
  if (name === "a") return close === "" ? `<a${linkTo(value("href"), formulas)}>` : "</a>";
  if (name === "img") return picture(value("src"), value("alt") ?? "", formulas);
  return Bun.escapeHTML(`<${close}${name}${attributes}>`); // what the parser should not have written is shown, not obeyed
}

/** Where links may lead (href as it stands in HTML): the web, mail, and places on a page. */
const allowedTarget = /^(?:https?:\/\/|mailto:|#|\/(?![/\\]))[^\p{Cc}]*$/iu;

/** Attributes of a link; none for a target that is not allowed: its text stays. */
function linkTo(href: string | undefined, formulas: readonly string[]): string {
  const target = restore(href ?? "", formulas.map(Bun.escapeHTML as (text: string) => string));
  if (!allowedTarget.test(target)) return "";
  return ` href="${target}" target="_blank" rel="noopener noreferrer nofollow"`;
}

/** A picture is never loaded by itself, for that tells its host who reads: a link with the host, which opens it. */
function picture(src: string | undefined, alt: string, formulas: readonly string[]): string {
  const attributes = linkTo(src, formulas);
  const host = URL.parse(unescaped(src ?? ""))?.host ?? "";
  const label = [restore(alt, formulas.map(Bun.escapeHTML as (text: string) => string)), host && `(${Bun.escapeHTML(host)})`].filter(Boolean).join(" ");
  return attributes === "" ? label : `<a class="picture"${attributes}>${label}</a>`;
}

/** The source of formulas back in their places. */
function restore(text: string, formulas: readonly string[]): string {
  return text.replace(placeOf, (_, place) => formulas[Number(place)] ?? "");
}

function unescaped(html: string): string {
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', amp: "&" };
  return html.replace(/&(lt|gt|quot|amp);/g, (_, name: string) => named[name] as string);
}

/** Elements of ours that hold nothing. */
export const isVoid = (name: string): boolean => name === "br" || name === "hr" || name === "input";
/** The tags that close these elements, outermost first. */
export const closing = (tags: readonly string[]): string => tags.reduceRight((html, name) => `${html}</${name}>`, "");

/** HTML without the closing tags at its end, and the names of the elements that they close, outermost first. */
export function opened(html: string): { open: string; tags: string[] } {
  const end = /(?:\s*<\/[a-z][a-z0-9]*>)*\s*$/.exec(html)?.index ?? html.length;
  const tags = [...html.slice(end).matchAll(/<\/([a-z][a-z0-9]*)>/g)].map(([, name]) => name as string);
  return { open: html.slice(0, end), tags: tags.reverse() };
}
