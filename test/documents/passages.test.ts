// Cutting texts into passages. If this fails, text is lost to the search, or a citation leads to another place.

import { describe, expect, test } from "bun:test";
import { passagesOf } from "../../src/documents/passages.ts";
import { seeded } from "../seeded.ts";

const cut = (text: string, isMarkdown = false) => [...passagesOf([{ page: 1, text }], isMarkdown)];
const sentence = "The heating is read once a year by the company that installed it.";
const paragraph = (sentences: number) => Array(sentences).fill(sentence).join(" ");

test("a passage is the text of its range, and all text but white space is in one", () => {
  const random = seeded(5);
  const signs = ["\n", "\n\n", "# ", "```\n", " ", ". ", "word", "Größe", "🙂", "\t", "x".repeat(500)];
  for (let i = 0; i < 200; i++) {
    const text = Array.from({ length: random.below(400) }, () => signs[random.below(signs.length)]).join("");
    for (const isMarkdown of [true, false]) {
      const passages = cut(text, isMarkdown);
      let end = 0;
      for (const passage of passages) {
        expect(passage.text).toBe(text.slice(passage.start, passage.end));
        expect(text.slice(end, passage.start).trim()).toBe("");
        expect(passage.text).toBe(passage.text.trim());
        expect(passage.text.isWellFormed()).toBe(true);
        expect(passage.text.length).toBeLessThanOrEqual(1_800);
        end = passage.end;
      }
      expect(text.slice(end).trim()).toBe("");
    }
  }
});

test("short paragraphs go together, up to about 1 200 characters", () => {
  const passages = cut(Array(20).fill(paragraph(4)).join("\n\n"));
  expect(passages.length).toBe(5);
  for (const { text } of passages) expect(text).toBe(Array(4).fill(paragraph(4)).join("\n\n"));
});

test("a long paragraph is cut at the ends of sentences, then of lines, then of words, then anywhere", () => {
  for (const { text } of cut(paragraph(60))) expect(text).toEndWith("installed it.");
  const rows = Array.from({ length: 200 }, (_, i) => `${i};some goods;in a table`);
  for (const { text } of cut(rows.join("\n")))
    expect(text.split("\n").every((row) => rows.includes(row))).toBe(true);
  for (const { text } of cut("goods ".repeat(600))) expect(text).toEndWith("goods");
  expect(cut("🙂".repeat(2_000)).every(({ text }) => text.isWellFormed())).toBe(true);
});

test("each page has its own passages", () => {
  const pages = [1, 2].map((page) => ({ page, text: `  text of page ${page}` }));
  expect([...passagesOf([...pages, { page: 3, text: " \n" }], false)]).toEqual([
    { page: 1, start: 2, end: 16, headings: [], text: "text of page 1" },
    { page: 2, start: 2, end: 16, headings: [], text: "text of page 2" },
  ]);
});

describe("Markdown", () => {
  test("a passage knows the headings above it, and begins at a heading when the one before is long enough", () => {
    const text = [
      "# Lease",
      "## Notice ##",
      paragraph(8),
      "### Form",
      paragraph(2),
      "## Heating",
      paragraph(8),
      "# Annex",
      "#### Deep",
      "end",
    ].join("\n\n");
    const passages = cut(text, true).map(({ headings, text }) => [headings, text.split("\n")[0]]);
    expect(passages).toEqual([
      [["Lease", "Notice"], "# Lease"],
      [["Lease", "Notice", "Form"], "### Form"],
      [["Annex", "Deep"], "# Annex"],
    ]);
  });

  test("what stands in a block of code is no heading, nor is it in a plain text", () => {
    expect(cut("# Title\n\n```sh\n# comment\n\nmake\n```\n\ntext", true)[0]?.headings).toEqual(["Title"]);
    expect(cut("# comment\ntext")[0]?.headings).toEqual([]);
  });

  test("a heading stays with what follows it; one at the end is a passage", () => {
    expect(cut(`${paragraph(15)}\n\n# Last\n\n${paragraph(10)}`, true)[1]?.text).toStartWith("# Last");
    expect(cut("# Alone", true)).toMatchObject([{ headings: ["Alone"], text: "# Alone" }]);
  });
});

test("work grows with the text, not with its square", () => {
  const time = (text: string) => {
    const startedAt = process.cpuUsage().user;
    cut(text, true);
    return process.cpuUsage().user - startedAt;
  };
  for (const unit of ["a\n\n", "# a\n", "x", ". ", "```\n"]) {
    time(unit.repeat(20_000));
    const [small, large] = [time(unit.repeat(50_000)), time(unit.repeat(400_000))];
    expect(large).toBeLessThan(40 * (small + 20_000));
  }
});
