// Tables cut into passages. If this fails, a question finds half of a row, or a row without its columns.

import { describe, expect, test } from "bun:test";
import { rowPassages } from "../../src/documents/rows.ts";

const cut = (text: string, areTogether = false) => [...rowPassages([{ page: 1, text }], areTogether)];
const texts = (text: string) => cut(text).map((each) => each.text);

test("each row is a passage below the names of the columns, and is the text from its start to its end", () => {
  for (const separator of [";", ",", "\t"]) {
    const text = ["Product;Kind;Price", "", "Nordhaus K2;grinder;89.00 €", "  Uno;kettle;24.90 €\n"]
      .join("\n")
      .replaceAll(";", separator);
    const passages = cut(text);
    expect(passages.map((each) => each.text)).toEqual([
      ["Nordhaus K2", "grinder", "89.00 €"].join(separator),
      ["Uno", "kettle", "24.90 €"].join(separator),
    ]);
    for (const { start, end, headings, page, text: own } of passages) {
      expect(text.slice(start, end)).toBe(own);
      expect(headings).toEqual([["Product", "Kind", "Price"].join(separator)]);
      expect(page).toBe(1);
    }
  }
});

describe("fields in quotes", () => {
  test("may have separators, quotes and lines in them", () => {
    const rows = ['"A, ""B""\nand C",1', 'D,"2\n\n3"'];
    expect(texts(`Name,"What\nit is"\n${rows.join("\n")}`)).toEqual(rows);
    expect(cut(`Name,"What\nit is"\n${rows.join("\n")}`)[0]?.headings).toEqual(['Name,"What it is"']);
  });

  test("a mark that begins no such field stands for itself", () => {
    const rows = ['24" screen,1', '"half,2', '"a" b,3', `"${"x".repeat(20_000)}`];
    expect(texts(`Name,Number\n${rows.slice(0, 3).join("\n")}`)).toEqual(rows.slice(0, 3));
    expect(texts(`Name,Number\nA,1\n${rows[3]}\nB,2`).at(-1)).toBe("B,2");
  });
});

test("the separator is the one that cuts all rows alike", () => {
  expect(texts("Product;Features\nK2;30 settings, 250 g, steel\nK1;by hand, 30 g")).toHaveLength(2);
  expect(cut("Product;Features\nK2;30 settings, 250 g\nK1;by hand")[0]?.headings).toEqual([
    "Product;Features",
  ]);
});

describe("a first row that names no columns is a row", () => {
  for (const [why, text] of [
    ["it has a number", "K2;89,00 €\nK1;34,90 €"],
    ["it has an empty field", "K2;;new\nK1;a;b"],
    ["it says the same twice", "Sum;Sum\n1;2"],
    ["there is one column", "Products\nK2"],
    ["there is no other row", "Product;Price"],
    ["it is longer than names are", `${"long ".repeat(200)};Price\nK2;1`],
  ] as const)
    test(why, () => {
      expect(texts(text)).toEqual(text.split("\n"));
      expect(cut(text)[0]?.headings).toEqual([]);
    });
});

test("a long table has several rows in a passage, and so has any where that is wished", () => {
  const table = (rows: number) =>
    `Name,Number\n${Array.from({ length: rows }, (_, i) => `n,${i}`).join("\n")}`;
  expect(cut(table(20_000 - 1))).toHaveLength(20_000 - 1);
  const long = table(100_000);
  const passages = cut(long);
  expect(passages.length).toBeLessThan(1_000);
  expect(passages.map((each) => each.text).join("\n")).toBe(long.slice("Name,Number\n".length));
  expect(passages.every(({ headings }) => headings[0] === "Name,Number")).toBe(true);
  expect(cut(table(50), true)).toHaveLength(1);
});

test("a row that is longer than a passage is cut, and an empty file has none", () => {
  const row = `K2;${"many words ".repeat(400)}`.trim();
  expect(texts(`Product;Text\n${row}`).join(" ")).toBe(row);
  expect(cut(`Product;Text\n${row}`).every((each) => each.text.length <= 1_800)).toBe(true);
  expect(cut("")).toEqual([]);
  expect(cut(" \n\n")).toEqual([]);
});
