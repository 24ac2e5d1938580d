// Random Markdown, and Markdown that nobody should write: the page ends as the whole text rendered at once, and no push takes long.
// Promises: C8.

import { describe, expect, test } from "bun:test";
import { markdownHtml } from "../../../views/markdown/html.ts";
import { type Change, MarkdownStream } from "../../../views/markdown/stream.ts";
import { threadMs } from "../../processor.ts";
import { type Seeded, seeded } from "../../seeded.ts";
import { parsed, TextOnPage } from "./page.ts";

const atoms = [
  ..."*_`~[]()!<>#-+|\\$=:.&\"' \n\n\n\t".split(""),
  ...[
    "\n\n",
    "```",
    "```js\n",
    "~~~\n",
    "**",
    "- ",
    "1. ",
    "> ",
    "| a | b |\n|---|---|\n",
    "    ",
    "[a](http://x)",
    "[r]: http://y\n",
    "[r]",
    "$x^2$",
    "$$",
    "\\(",
    "\\)",
    "\\boxed{1}",
    "> \\[\n> x\n> \\]\n",
    "<kbd>",
    "</kbd>",
    "<details>\n",
    "<summary>",
    "</summary>\n",
    "</details>\n",
    "<!--",
    "-->",
    "**「重」**要",
    "100. ",
    "http://x.y/z_(a)",
    "a@b.cd",
  ],
  ..."word 漢字 שלום مرحبا e\u0301 👩‍👩‍👧 \u200b \u202e \ufeff \ud800 \0 a\rb &amp; https://x.y".split(" "),
];

const random = ({ pick, below }: Seeded): string =>
  Array.from({ length: 5 + below(120) }, () => pick(atoms)).join("");

test("1 000 random texts, cut at random, end as they would at once", () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const from = seeded(seed);
    const text = random(from);
    const stream = new MarkdownStream();
    const page = new TextOnPage(stream.html);
    for (let i = 0; i < text.length; ) {
      const size = 1 + from.below(12);
      page.apply(stream.push(text.slice(i, i + size)));
      i += size;
    }
    page.apply(stream.end(text));
    expect({ seed, page: parsed(page.settled) }).toEqual({ seed, page: parsed(markdownHtml(text)) });
  }
});

/** No push may take longer, in ms of processor: a frame of the page and the relay of all others wait for it. Some twenty times what was measured. */
const pushMaxMs = 500;

describe("what nobody should write is read in time, and costs in proportion to its length", () => {
  const huge: Record<string, string> = {
    "5 000 lines of code": `\`\`\`js\n${"const a = 1; // x\n".repeat(5_000)}\`\`\`\n`,
    "3 000 lines of comment": `\`\`\`js\n/*\n${"text here\n".repeat(3_000)}*/\n\`\`\``,
    "one line of code of 200 000 characters": `\`\`\`js\n${"x".repeat(200_000)}\n\`\`\``,
    "one paragraph of 100 000 characters": "word ".repeat(20_000),
    "a list of 5 000": "- item **bold** text\n".repeat(5_000),
    "a loose list of 3 000": "- item\n\n".repeat(3_000),
    "a table of 5 000 rows": `| a | b |\n|--|--|\n${"| 1 | `2` |\n".repeat(5_000)}`,
    "code in a list": `1. x\n   \`\`\`js\n${"   let a = 1;\n".repeat(2_000)}`,
    "quotes in quotes": "> ".repeat(10_000),
    "lists in lists": Array.from({ length: 300 }, (_, i) => `${" ".repeat(i * 2)}- a`).join("\n"),
    brackets: "[".repeat(50_000),
    "links without an end": "[a](".repeat(20_000),
    pictures: "![".repeat(20_000),
    stars: "*a ".repeat(20_000),
    underlines: "_a".repeat(20_000),
    backticks: Array.from({ length: 300 }, (_, i) => "`".repeat(i)).join("a"),
    dollars: "$a ".repeat(20_000),
    "open formulas": "\\( a ".repeat(20_000),
    "display formulas": "$$ a ".repeat(10_000),
    addresses: "https://a.".repeat(10_000),
    "angle brackets": "<".repeat(50_000),
    entities: "&#".repeat(20_000),
  };
  for (const [name, text] of Object.entries(huge)) {
    test(name, () => {
      const stream = new MarkdownStream();
      let longest = 0;
      let bytes = 0;
      const timed = (change: () => readonly Change[]): readonly Change[] => {
        const from = threadMs();
        const changes = change();
        longest = Math.max(longest, threadMs() - from);
        return changes;
      };
      for (let i = 0; i < text.length; i += 100)
        for (const change of timed(() => stream.push(text.slice(i, i + 100))))
          bytes += "html" in change ? change.html.length : 0;
      timed(() => stream.end(text));
      expect(longest).toBeLessThan(pushMaxMs);
      expect(bytes / text.length).toBeLessThan(25);
    });
  }

  test("deep nesting ends where browsers would stop", () => {
    expect((markdownHtml("> ".repeat(10_000)).match(/<blockquote>/g) ?? []).length).toBeLessThanOrEqual(32);
    expect(markdownHtml("> ".repeat(10_000).concat("deep"))).toContain("deep");
  });
});
