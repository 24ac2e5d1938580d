// The streaming renderer: whatever the pieces, the page ends as the whole text rendered at once, and every reader who comes in
// between sees what all others see. If this fails, somebody reads another answer than was written.
// Promises: C8.

import { describe, expect, test } from "bun:test";
import { tests as examples } from "commonmark-spec";
import { markdownHtml } from "../../../views/markdown/html.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { type Seeded, seeded } from "../../seeded.ts";
import { parsed, TextOnPage } from "./page.ts";

/** What GitHub's specification adds (GFM 0.29, §4.10, §5.3, §6.5, §6.9), and what models write beyond it. */
const further = [
  "| foo | bar |\n| --- | --- |\n| baz | bim |",
  "| abc | defghi |\n:-: | -----------:\nbar | baz",
  "| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |",
  "| abc | def |\n| --- | --- |\n| bar | baz |\n> bar",
  "| abc | def |\n| --- | --- |\n| bar | baz |\nbar\n\nbar",
  "| abc | def |\n| --- |\n| bar |",
  "| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |",
  "| abc | def |\n| --- | --- |",
  "- [ ] foo\n- [x] bar",
  "- [x] foo\n  - [ ] bar\n  - [x] baz\n- [ ] bim",
  "~~Hi~~ Hello, ~there~ world!",
  "This ~~has a\n\nnew paragraph~~.",
  "www.commonmark.org/help for more. Visit www.commonmark.org/a.b.",
  "https://encrypted.google.com/search?q=Markup+(business) and foo@bar.baz",
  "Price $5 to $10, $x^2$ and \\(a_1\\), `$no$`:\n\n$$\n\\frac{a}{b}\n$$\n\n\\[ \\sum_i i \\]\n\nDone $.",
  "1. First\n\n   ```js\n   let a = `x\n   y`;\n   ```\n\n2. Second **bold**\n   - nested *it*\n   - more\n\nEnd",
  "```python\ndef f():\n    '''doc\n    string'''\n    return 1\n```\n\ntext\n\n~~~\n```\n~~~\n",
  "~~~ xml\r\n<a>\r\n</a>\r\n~~~\r\nafter\rmore",
  "[late]: the reference comes\n\nSee [ref] and [late].\n\n[ref]: https://a.b/c 'T'",
  "[early]: https://a.b\n\nSee [early].\n\n- so [early]\n",
  "- a\n- b\n\n- c turns it loose\n- d",
  "Setext **one**\nand two\n===\n\nTwo\n---\n- item\n---\n",
  "line\nbreak  \nhard\\\nback",
  '![a picture](https://x.y/z.png "t") and ![](http://h/i) <https://auto.link> <b>raw</b> &amp; &copy; &#35; &am',
  "Unfinished **bold and `code and [link](http://x",
  "***both*** __under__ _it_ **a*b*c** snake_case_name 2*3*4",
];

/** Cuts a text at random places, at least `cuts` of them where it is long enough. */
function pieces(text: string, cuts: number, random: Seeded): string[] {
  const places = Array.from({ length: cuts }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
}

interface Streamed {
  readonly page: string;
  /** The end had to send the whole text again. */
  readonly isMended: boolean;
}

/** Streams a text into a page, and looks at each step whether a reader who comes just then sees the same. */
function stream(text: string, cut: readonly string[]): Streamed {
  const made = new MarkdownStream();
  const page = new TextOnPage(made.html);
  for (const piece of cut) {
    page.apply(made.push(piece));
    expect(parsed(made.html)).toBe(parsed(page.html));
  }
  const last = made.end(text);
  page.apply(last);
  return { page: parsed(page.settled), isMended: last.some(({ kind }) => kind === "replace") };
}

describe("cut anywhere, the page ends as the whole text rendered at once", () => {
  const all = [
    ...examples.map(({ markdown, section, number }) => ({ markdown, name: `${section} ${number}` })),
    ...further.map((markdown, i) => ({ markdown, name: `further ${i}` })),
  ];
  const mended: string[] = [];
  for (const { markdown, name } of all) {
    test(name, () => {
      const whole = parsed(markdownHtml(markdown));
      for (let seed = 0; seed < 20; seed++) {
        const { page, isMended } = stream(markdown, pieces(markdown, 20, seeded(seed)));
        expect(page).toBe(whole);
        if (isMended && mended.at(-1) !== name) mended.push(name);
      }
      expect(stream(markdown, [...markdown]).page).toBe(whole);
    });
  }

  test("the end seldom has anything to mend", () => {
    expect(mended.length).toBeLessThan(all.length / 10);
  });
});

describe("what is added as plain text is what a drawing would have shown", () => {
  const words = [
    "a lamp",
    "don't",
    "e.g.",
    "(so)",
    "h",
    "www",
    "http",
    "https://a.b",
    "foo@bar.baz",
    "x",
    "1.",
    "2)",
    "- ",
    "* ",
    "**bold**",
    "*it*",
    "`co de`",
    "\n",
    "\n\n",
    "# ",
  ];
  words.push(
    "snake_case",
    "2*3",
    "a | b",
    "| c |",
    "> ",
    "~~no~~",
    "[l](http://x)",
    "&amp;",
    "AT&T",
    "$5",
    "ü",
    "漢字",
    "  ",
    '"q"',
    "a--b",
    "---",
    "ftp://x",
    "...",
    "well-known: yes;",
    "\\",
    "!",
  );
  for (let seed = 0; seed < 200; seed++) {
    test(`seed ${seed}`, () => {
      const random = seeded(seed + 7_000);
      const text = Array.from({ length: 40 }, () =>
        random.below(3)
          ? ["the", "wire", "glows", "of", "it,"][random.below(5)]
          : words[random.below(words.length)],
      )
        .map((word) => word + (random.below(8) ? " " : ""))
        .join("");
      const still = () => 0;
      const made = new MarkdownStream("", still);
      let seen = "";
      for (const piece of pieces(text, 120, random)) {
        made.push(piece);
        seen += piece;
        expect({ seen, html: parsed(made.html) }).toEqual({
          seen,
          html: parsed(new MarkdownStream(seen, still).html),
        });
      }
      made.end(text);
    });
  }
});
