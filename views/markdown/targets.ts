// Links, pictures and bare addresses of a Markdown text: which targets are allowed, and how they are written
// as HTML.

import { plainOf, targetOf } from "./address.ts";
import { targetWithoutMarks } from "./emphasis.ts";
import { allowedTarget, altIn, attributesOf, srcIn, unescaped } from "./tags.ts";
import type { Piece } from "./take.ts";

export class Targets {
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** HTML of a bare address: a link, or text where links are not allowed. */
  address(source: string, isInLink: boolean): string {
    const shown = source.startsWith("<") ? source.slice(1, -1) : source;
    const target = isInLink ? null : targetOf(shown);
    const text = Bun.escapeHTML(plainOf(target === null ? source : shown));
    return target === null ? text : `<a${attributesOf(target)}>${text}</a>`;
  }

  /**
   * HTML of a picture: a link that names the host and opens the picture. It is never loaded by itself,
   * because that would tell its host who reads.
   */
  picture(attributes: string, isInLink: boolean): string {
    const src = srcIn.exec(attributes)?.[1];
    const link = isInLink ? "" : this.linkTo(src);
    const host = URL.parse(unescaped(this.#target(src)))?.host ?? "";
    const label = [
      Bun.escapeHTML(this.restored(unescaped(altIn.exec(attributes)?.[1] ?? ""))),
      host && `(${Bun.escapeHTML(host)})`,
    ]
      .filter(Boolean)
      .join(" ");
    return link === "" ? label : `<a class="picture"${link}>${label}</a>`;
  }

  /** Attributes of a link; empty when the target is not allowed, so that only the text is left. */
  linkTo(href: string | undefined): string {
    const target = this.#target(href);
    return allowedTarget.test(target) ? attributesOf(target) : "";
  }

  /** Text with the source of each piece back in its place. */
  restored(text: string): string {
    return text.replace(/\ufdd0(\d{1,9})\ufdd1/g, (_, place) => this.#pieces[Number(place)]?.source ?? "");
  }

  /** A target with the pieces back in their places, which the parser has percent-encoded. */
  #target(href: string | undefined): string {
    return targetWithoutMarks(href ?? "").replace(/%EF%B7%90(\d{1,9})%EF%B7%91/g, (_, place) => {
      const source = (this.#pieces[Number(place)]?.source ?? "").replace(/^<|>$/g, "");
      return Bun.escapeHTML(encodeURI(source).replaceAll("%25", "%"));
    });
  }
}
