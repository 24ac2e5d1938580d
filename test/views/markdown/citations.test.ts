// Citations in Markdown: each leads to its source, whatever else stands around it and however it arrives. If this
// fails, a number in an answer leads nowhere, or to a place that the model chose.

import { describe, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import type { Citations } from "../../../views/markdown/citations.ts";
import { lostCitations, markdownHtml } from "../../../views/markdown/html.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { seeded } from "../../seeded.ts";
import { parsed, TextOnPage } from "./page.ts";

const citations: Citations = { path: "/c/x/source/", numbers: new Set([1, 2, 12]) };
const htmlOf = (text: string) => markdownHtml(text, undefined, undefined, citations);
const link = (n: number) => `<a class="cite" href="/c/x/source/${n}">[${n}]</a>`;

describe("a citation is a link, in the middle of everything", () => {
  const cases: Record<string, string> = {
    "Three months [1].": `<p>Three months ${link(1)}.</p>\n`,
    "Both [1][2], all [12]": `<p>Both ${link(1)}${link(2)}, all ${link(12)}</p>\n`,
    "All [1, 2]. More [1,12].": `<p>All ${link(1)}${link(2)}. More ${link(1)}${link(12)}.</p>\n`,
    "from [3, 4] on": "<p>from [3, 4] on</p>\n",
    "**bold [1]**": `<p><strong>bold ${link(1)}</strong></p>\n`,
    "[1] first": `<p>${link(1)} first</p>\n`,
    // what is Markdown's syntax for links elsewhere
    "[text][1]": `<p>[text]${link(1)}</p>\n`,
    "see [1]\n\n[1]: /evil": `<p>see ${link(1)}</p>\n<p>${link(1)}: /evil</p>\n`,
    "[1](/evil)": `<p>${link(1)}(/evil)</p>\n`,
    "> [1]: /evil": `<blockquote dir="auto">\n<p>${link(1)}: /evil</p>\n</blockquote>\n`,
  };
  for (const [text, html] of Object.entries(cases)) test(text, () => expect(htmlOf(text)).toBe(html));
});

test("what leads nowhere is removed with the space before it, and counted", () => {
  const text = "One [9]. Two [1] [8], three[7] and [99].";
  expect(htmlOf(text)).toBe(`<p>One. Two ${link(1)}, three and.</p>\n`);
  expect(lostCitations(text, citations)).toBe(4);
  expect(lostCitations("One [1], `[9]` and [a][b].", citations)).toBe(0);
  expect(htmlOf("One [9, 1, 8].")).toBe(`<p>One ${link(1)}.</p>\n`);
  expect(lostCitations("One [9, 1, 8].", citations)).toBe(2);
});

test("a list, a heading and a table keep their marks where a citation is removed", () => {
  expect(htmlOf("- [9] x\n- y [9]")).toContain("<li> x</li>\n<li>y</li>");
  expect(htmlOf("1. [9] x")).toContain("<ol");
  expect(htmlOf("| a | b |\n|--|--|\n| [9] | [1] |")).toContain(link(1));
});

test("code keeps its brackets; other brackets are text", () => {
  expect(htmlOf("`a[1]` and [0] and [01] and [^1] and [ 1 ]")).not.toContain("cite");
  for (const code of ["```\na[1] b[9]\n```", "    a[1] b[9]"]) expect(htmlOf(code)).toContain("a[1] b[9]");
});

test("in the text of another link it is no link", () => {
  expect(htmlOf("[see [1]](https://e.org)").match(/<a /g)).toHaveLength(1);
});

test("without sources nothing is a citation", () => {
  expect(markdownHtml("One [1].")).toBe("<p>One [1].</p>\n");
});

const atoms = [
  ...[
    "[1, 12]",
    "[9, 1]",
    ", ",
    "[1]",
    "[9]",
    "[12]",
    " [1]",
    " [9]",
    "[",
    "1",
    "]",
    "[1]: http://y\n",
    "[r]",
    "[r]: /z\n",
    "](",
    ")",
  ],
  ...[
    "word",
    " ",
    " ",
    "\n",
    "\n\n",
    "- ",
    "> ",
    "`",
    "```\n",
    "**",
    "*",
    "| a | b |\n|--|--|\n",
    "    ",
    ". ",
  ],
];

test("300 random texts, cut at random, end as they would at once, with no link but to the sources", () => {
  for (let seed = 0; seed < 300; seed++) {
    const { pick, below } = seeded(seed);
    const text = Array.from({ length: 3 + below(60) }, () => pick(atoms)).join("");
    const stream = new MarkdownStream("", () => 0, citations);
    const page = new TextOnPage(stream.html);
    for (let i = 0; i < text.length; ) {
      const size = 1 + below(6);
      page.apply(stream.push(text.slice(i, i + size)));
      expect({ seed, page: parsed(page.html) }).toEqual({ seed, page: parsed(stream.html) });
      i += size;
    }
    page.apply(stream.end(text));
    expect({ seed, page: parsed(page.settled) }).toEqual({ seed, page: parsed(htmlOf(text)) });
    const { document } = parseHTML(`<body>${htmlOf(text)}</body>`);
    for (const a of document.querySelectorAll("a.cite"))
      expect([a.textContent, a.getAttribute("href")]).toEqual([
        expect.stringMatching(/^\[(1|12)\]$/),
        `/c/x/source/${a.textContent?.slice(1, -1)}`,
      ]);
  }
});

test("an answer whose citations arrive in pieces is never sent again", () => {
  const text = "The notice is three months [1]. The rent [9] is 840 Euro [2][12].\n\nAnd so on [1].";
  for (let cut = 1; cut < 7; cut++) {
    const stream = new MarkdownStream("", () => 0, citations);
    for (let i = 0; i < text.length; i += cut)
      for (const change of stream.push(text.slice(i, i + cut))) expect(change.kind).not.toBe("replace");
    expect(stream.end(text).map(({ kind }) => kind)).not.toContain("replace");
  }
});
