// Nothing jumps: what a reader has seen of an answer stays as it was, character by character, while the rest comes. Unfinished marks,
// links, tables and formulas are held back or closed; signs that are no marks are shown as what they are.
// Promises: C8.

import { expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { recitals } from "../../llama/recitals.ts";

const visible = (html: string): string =>
  (parseHTML(`<!doctype html><html><body>${html}</body></html>`).document.body.textContent ?? "")
    .replace(/[\ufdd2-\ufdd6]/g, "")
    .replace(/\s+/g, " ")
    .trimEnd();

const answers: Record<string, string> = {
  "a model answer with everything": recitals["markdown"]?.text as string,
  "a story": recitals["story"]?.text as string,
  "bold, italic and code":
    "This is **bold text** and *italic text*, with `code here` and ***both of them*** too.\n\nNext `a` **b**.\n",
  links:
    "See [the docs](https://x.org/a_(b)). Then [more](https://y.org), and https://z.org/path for the rest. Or www.w.org now.\n\nEnd.",
  "links in Chinese": "参见[链接](https://x.cn)。后面的文字继续。地址是https://x.cn/a。好的。",
  "code with an address": "Run `curl https://x.org -o y` and wait.\n",
  tildes:
    "There are ~100 items in it, and ~5 km takes ~1 h. Look at ~/bin and ~/.conf files. ~~Gone~~ is gone.\n",
  globs: "Use *.ts as glob. A snake_case_name and 2 * 3 * 4 stay.\n",
  prices: "It costs $5/month and then $20k a year, or $5–$10. I have $10, you have 20$.\n",
  formulas: "By $E = mc^2$ and \\(a^2\\), so:\n\n$$x = \\frac{1}{2}$$\n\nDone.\n",
  "a table behind a sentence":
    "Here is a table:\n\n| a | b |\n|---|---|\n| 1 | **2** |\n| 3 | 4 |\n\nAfter.\n",
  lists:
    "1. First **thing**\n2. Second\n   - inner *one*\n   - inner two\n\n   with more\n3. Third\n\nEnd.\n",
  "steps with code": "1. Install:\n\n   ```sh\n   npm install\n   npm start\n   ```\n\n2. Then `open` it.\n",
  headings: "# One\n\nText\n\n## Two\n- a\n- b\n\n### Three ###\n\nText.\n",
  "a quote and a rule": "> quoted **words**\n> go on\n\n---\n\nAfter.\n",
  code: "```js\nconst a = `x\ny`; // why\nfunction f() { return 1; }\n```\n\nDone.",
  verses: "Über allen Gipfeln\nIst Ruh,\nIn allen Wipfeln\nSpürest du\n",
  "addresses of all kinds":
    'See http://localhost:8080/v1, (https://x.org/a_(b)) and "https://x.org/ü". Mail max.müller@x.org or <https://y.org/a>.\nEnd **https://x.org/a** now.\n',
  "emphasis in Japanese":
    "これは**「重要」**です。- 注意\n\n- **注意：**先保存する。\n- ~~「古い」~~新しい\n",
  "tags that were written":
    "Press <kbd>Ctrl</kbd> + <kbd>C</kbd>, H<sub>2</sub>O, <mark>so **it** is</mark>. If a < b and c > d, fine.<!-- not shown --> End.\n",
  "what folds":
    "Look:\n\n<details>\n<summary>More **here**</summary>\n\nSome text.\n\n- a\n- b\n\n</details>\n\nAfter it.\n",
  "formulas in a quote": "> Then\n> \\[\n> x^2\n> \\]\n> is so.\n\nAnd \\boxed{17}. Done.\n",
  "numbers from 99": "99. one\n100. two\n101. three\n",
  "tasks and pictures": "- [x] done\n- [ ] open\n\n![A picture](https://x.org/p.png) follows! Yes.\n",
};

for (const [name, text] of Object.entries(answers)) {
  for (const size of [1, 3, 7]) {
    test(`${name}, ${size} at a time: what was seen stays`, () => {
      const stream = new MarkdownStream("", () => 0); // every push is drawn
      let seen = "";
      for (let i = 0; i < text.length; i += size) {
        stream.push(text.slice(i, i + size));
        const now = visible(stream.html);
        expect({
          after: text.slice(0, i + size).slice(-30),
          isKept: now.startsWith(seen),
          seen,
          now,
        }).toMatchObject({ isKept: true });
        seen = now;
      }
      stream.end(text);
      expect(visible(stream.html).startsWith(seen)).toBe(true);
    });
  }
}

test("the text is never far behind: at most a line, a link or a formula is held back", () => {
  const text = answers["a model answer with everything"] as string;
  const stream = new MarkdownStream("", () => 0);
  for (let i = 1; i <= text.length; i++) {
    stream.push(text[i - 1] as string);
    const plain = text
      .slice(0, i)
      .replace(/\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)|[`*#>|[\]!:-]|python/gs, "")
      .replace(/\s+/g, "");
    expect(plain.length - visible(stream.html).replace(/\s+/g, "").length).toBeLessThan(70);
  }
});
