// What models say never becomes anything but text and the elements of Markdown, in no intermediate frame either. The list of what
// is allowed is written here anew: it is not the renderer's own.
// Promises: X3.

import { describe, expect, test } from "bun:test";
import { markdownHtml } from "../../../views/markdown/html.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { seeded } from "../../seeded.ts";
import { dangers } from "./dangers.ts";

const free =
  "p em strong del kbd sub sup u mark details summary code ul ol li h3 h4 h5 h6 blockquote br hr table thead tbody tr th td div span pre label button input a".split(
    " ",
  );
const mathml =
  "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd mstyle merror mpadded mphantom menclose none".split(
    " ",
  );
const attributes: Record<string, Record<string, RegExp>> = {
  a: {
    href: /^(https?:\/\/|mailto:|#|\/(?![/\\]))/,
    target: /^_blank$/,
    rel: /^noopener noreferrer nofollow$/,
    class: /^picture$/,
  },
  ol: { start: /^\d+$/, dir: /^auto$/ },
  ul: { dir: /^auto$/ },
  blockquote: { dir: /^auto$/ },
  table: { dir: /^auto$/ },
  li: { class: /^(task|d\d+|task d\d+)$/ },
  th: { align: /^(left|center|right)$/ },
  td: { align: /^(left|center|right)$/ },
  input: { type: /^checkbox$/, disabled: /^$/, checked: /^$/, "aria-label": /^.$/ },
  div: { class: /^(code|bar|table|undrawn)$/, dir: /^(ltr|auto)$/, tabindex: /^0$/, id: /^t$/ },
  span: { class: /^h-[\w-]+( [\w-]+_*)*$|^language-[\w-]+$/, id: /^c$/ },
  pre: { tabindex: /^0$/ },
  code: { class: /^tex$/ },
  button: { type: /^button$/, "data-copy": /^code$/, "data-done": /^.$/ },
};
const classOfMath =
  /^(boxed|x?cancel|bcancel|sout|wide|side|tag|end|start|bar|under)( (end|start|bar|under))*$/;
const ofMath =
  /^(accent|accentunder|columnalign|columnspan|depth|display|displaystyle|fence|form|height|linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|notation|rowspan|rspace|scriptlevel|separator|stretchy|symmetric|voffset|width)$/;

/** Everything in some HTML that is not allowed, as a parser of its own finds it. */
function forbidden(html: string): string[] {
  const found: string[] = [];
  const rewriter = new HTMLRewriter().on("*", {
    element(element) {
      const { tagName } = element;
      if (!free.includes(tagName) && !mathml.includes(tagName)) found.push(`<${tagName}>`);
      for (const [name, value] of element.attributes) {
        const isAllowed = mathml.includes(tagName)
          ? ofMath.test(name) || (name === "class" && classOfMath.test(value))
          : attributes[tagName]?.[name]?.test(value);
        if (!isAllowed) found.push(`${tagName} ${name}=${value}`);
      }
    },
    comments: () => void found.push("a comment"),
  });
  rewriter.transform(html);
  return found;
}

describe("no text becomes markup of its own", () => {
  test("the check itself finds what it should", () => {
    expect(
      forbidden(
        `<p onclick=x><script></script><a href="javascript:x" style=y></a><!-- --><math href=x></math></p>`,
      ),
    ).toEqual(["p onclick=x", "<script>", "a href=javascript:x", "a style=y", "a comment", "math href=x"]);
  });

  for (const danger of [
    ...dangers,
    dangers.join("\n\n"),
    dangers.join("\n"),
    dangers.map((each) => `- ${each.replaceAll("\n", "\n  ")}`).join("\n"),
  ]) {
    test(JSON.stringify(danger).slice(0, 70), () => {
      expect(forbidden(markdownHtml(danger))).toEqual([]);
      for (let seed = 0; seed < 3; seed++) {
        const { below } = seeded(seed);
        const stream = new MarkdownStream();
        for (let i = 0; i < danger.length; ) {
          const size = 1 + below(danger.length > 1000 ? 60 : 8);
          for (const change of stream.push(danger.slice(i, i + size)))
            if ("html" in change) expect(forbidden(change.html)).toEqual([]);
          i += size;
        }
        for (const change of stream.end(danger))
          if ("html" in change) expect(forbidden(change.html)).toEqual([]);
        expect(forbidden(stream.html)).toEqual([]);
      }
    });
  }
});
