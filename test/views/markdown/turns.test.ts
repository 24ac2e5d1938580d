// Drawing lets others in: whatever a thread holds, it is drawn a part in each turn of the event loop, and what streams in costs little at a time. If this
// fails, one long answer keeps everybody in the house waiting.
// Promises: L5.

import { expect, test } from "bun:test";
import { drawAhead, markdownHtml, markdownOf } from "../../../views/markdown/html.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { Work } from "../../../views/markdown/work.ts";
import { threadMs } from "../../processor.ts";

const lines = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => line(n)).join("\n");

/** Longer than what is drawn, or dearer than what one turn has time for. */
const worst: Readonly<Record<string, string>> = {
  "10 000 lines of code": `\`\`\`js\n${lines(10_000, (n) => `f(${n}); // x`)}\n\`\`\`\n`,
  "5 000 lines of a comment": `\`\`\`js\n/*\n${lines(5_000, (n) => `text ${n}`)}\n*/\n\`\`\`\n`,
  "2 000 lines of code in a list": `1. x\n   \`\`\`python\n${lines(2_000, (n) => `   def f${n}(): return "${n}"`)}\n`,
  "code that is dear to colour": `\`\`\`ini\n${lines(12, (n) => `${n}${"1e".repeat(490)}`)}\n\`\`\``,
  "links in code": `\`\`\`markdown\n${lines(60, (n) => `${n}${"[a](*".repeat(180)}`)}\n\`\`\``,
  "2 000 formulas": lines(2_000, (n) => `$x_{${n}}^2$`),
  "long formulas": lines(30, (n) => `$$${n}${"+x_{1}".repeat(600)}$$\n`),
  "a paragraph of 6 MB": "word ".repeat(1_200_000),
  "6 MB of lines": "a *line* of `it`\n".repeat(350_000),
  "6 MB of one word": "x".repeat(6_000_000),
  "a list of 10 000": "- item **bold**\n".repeat(10_000),
  "a table of 5 000 rows": `| a | b |\n|--|--|\n${"| 1 | `2` |\n".repeat(5_000)}`,
  "quotes in quotes": "> ".repeat(60_000),
  "stars and tildes": "*a ~b **c ~~d ".repeat(9_000),
  "marks in Chinese": "**「重」**要".repeat(12_000),
  "tags that pair with none": "<u><sub>".repeat(15_000) + "</u></mark>".repeat(100),
  "tags that pair": "<u><sub>a</sub></u>".repeat(6_000),
  folds: "<details>\n<summary>a</summary>\n\n".repeat(3_500),
  "open folds and comments": "<!-- <details>".repeat(9_000),
  "torn comments": `${"a <!-- ".repeat(2_500)}\n\n-->`.repeat(7),
  "torn formulas": `${"\\( ".repeat(1_300)}\n\n\\)`.repeat(30),
  addresses: "https://a.b/(c ".repeat(8_000),
  "one address": "https://a.b/".repeat(10_000),
  "addresses of mail": "a@b.cd,".repeat(17_000),
  "signs of mail": "a@".repeat(60_000),
  brackets: "[".repeat(120_000),
  "open links": "[a](".repeat(30_000),
  backticks: lines(480, (n) => "`".repeat(n)),
  "white space": `${" ".repeat(120_000)}x`,
  "white space in lines": `- a\n${`${" ".repeat(1_000)}x\n`.repeat(120)}`,
};

/** A text is drawn again until it has all its colours. A turn takes about a third of this on an idle machine: processor time, which others do not lengthen. */
const turnMaxMs = 100;

/** Milliseconds of processor that the longest turn took while `work` was done. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let from = threadMs();
  let isOver = false;
  const look = () => {
    longest = Math.max(longest, threadMs() - from);
    from = threadMs();
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await new Promise(setImmediate);
  await work();
  isOver = true;
  look();
  return longest;
}

for (const [name, text] of Object.entries(worst)) {
  test(`a stored answer, ${name}: nobody waits while it is drawn, and then it is there`, async () => {
    expect(await longestTurn(() => drawAhead([{ text }]))).toBeLessThan(turnMaxMs * 3); // the collector of garbage works beside
    const from = threadMs();
    markdownOf({ text });
    expect(threadMs() - from).toBeLessThan(turnMaxMs);
  });
  test(`an answer that streams, ${name}: no piece costs much, nor does its end`, () => {
    const stream = new MarkdownStream();
    let dearest = 0;
    const timed = (work: () => unknown) => {
      const from = threadMs();
      work();
      dearest = Math.max(dearest, threadMs() - from);
    };
    const size = Math.ceil(text.length / 100);
    for (let i = 0; i < text.length; i += size) timed(() => stream.push(text.slice(i, i + size)));
    timed(() => stream.end(text));
    expect(dearest).toBeLessThan(turnMaxMs * 3);
  });
}

test("10 000 lines of code are coloured to the last that is drawn", async () => {
  const text = worst["10 000 lines of code"] as string;
  await drawAhead([{ text }]);
  const lastDrawn = markdownOf({ text }).split('<div class="undrawn"')[0]?.trimEnd().split("\n").at(-2);
  expect(lastDrawn).toContain("h-comment");
});

test("a drawing that is out of time leaves the rest plain, and loses nothing of it", () => {
  const text = "```js\nlet a = 1;\nlet b = 2;\n```\n\n$x^2$ and $y^3$\n";
  const html = markdownHtml(text, 2, new Work(0));
  expect(html).toContain("let b = 2;");
  expect(html).toContain("$y^3$");
});

test("a text that is too long is Markdown at first and stands as it is behind that, streamed or not", () => {
  const text = "*so* it is,\r\n".repeat(12_000);
  const stream = new MarkdownStream();
  for (let i = 0; i < text.length; i += 1_000) stream.push(text.slice(i, i + 1_000));
  const last = stream.end(text);
  expect(last.some(({ kind }) => kind === "replace")).toBe(false);
  const whole = markdownHtml(text);
  expect(whole.match(/<em>so<\/em>/g)?.length).toBeGreaterThan(5_000);
  expect(whole).toContain("*so* it is,\n*so* it is,");
  expect(whole.match(/so/g)?.length).toBe(12_000);
});
