// The tags that replace those of the parser, each with its few allowed attributes.

import { marks } from "./marks.ts";
import type { Open } from "./open.ts";

/** The margin of every ordered list has room for this many digits. */
const digitsRoom = 2;

/** The first number of an ordered list, and the digits that its margin has room for. */
export const countFrom = (attributes: string): NonNullable<Open["count"]> => ({
  next: Number(startIn.exec(attributes)?.[1] ?? 1),
  digits: digitsRoom,
});

/** The opening tag of a block in the element `parent`. */
export function blockTag(name: string, attributes: string, parent: Open | undefined): string {
  switch (name) {
    case "ul":
    case "blockquote":
      return `<${name} dir="auto">`;
    case "ol": {
      const start = startIn.exec(attributes)?.[1];
      return `<ol dir="auto"${start === undefined ? "" : ` start="${start}"`}>`;
    }
    case "li":
      return itemTag(attributes, parent);
    case "table":
      return `<div class="table" tabindex="0"><table dir="auto">`;
    case "th":
    case "td": {
      const align = alignIn.exec(attributes)?.[1];
      return `<${name}${align === undefined ? "" : ` align="${align}"`}>`;
    }
    default:
      return `<${name}>`;
  }
}

/** The first item whose number has more digits gets a class, by which the list widens its margin. */
function itemTag(attributes: string, parent: Open | undefined): string {
  const { count } = parent ?? {};
  const digits = count === undefined ? 0 : String(count.next++).length;
  const isWider = count !== undefined && digits > count.digits;
  if (isWider) count.digits = digits;
  const names = [attributes.includes("task-list-item") ? "task" : "", isWider ? `d${digits}` : ""].filter(
    Boolean,
  );
  return names.length === 0 ? "<li>" : `<li class="${names.join(" ")}">`;
}

export const hrefIn = /\shref="([^"]*)"/;
export const srcIn = /\ssrc="([^"]*)"/;
export const altIn = /\salt="([^"]*)"/;
const startIn = /\sstart="(\d{1,9})"/;
const alignIn = /\salign="(left|center|right)"/;

/** The allowed targets of links, escaped for an href: the web, mail, and places on a page. */
export const allowedTarget = /^(?:https?:\/\/|mailto:|#|\/(?![/\\]))[^\p{Cc}]*$/iu;

export const attributesOf = (target: string): string =>
  ` href="${target}" target="_blank" rel="noopener noreferrer nofollow"`;

export function box(attributes: string): string {
  const isDone = /\schecked\b/.test(attributes);
  return `<input type="checkbox" disabled${isDone ? " checked" : ""} aria-label="${isDone ? marks.taskDone : marks.taskOpen}">`;
}

export function unescaped(html: string): string {
  if (!html.includes("&")) return html;
  const named: Record<string, string> = { lt: "<", gt: ">", quot: '"', amp: "&" };
  return html.replace(/&(lt|gt|quot|amp);/g, (_, name: string) => named[name] as string);
}
