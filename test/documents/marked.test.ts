// The words of a passage that are marked, and the sentences that decide which. If this fails, a passage is shown with
// other words marked than those that the answer has from it, or with a letter lost.

import { expect, test } from "bun:test";
import { citing } from "../../src/documents/citing.ts";
import { marked } from "../../src/documents/marked.ts";
import { seeded } from "../seeded.ts";

const words = (passage: string, said: string) =>
  marked(passage, said).flatMap(({ text, isMarked }) => (isMarked ? [text] : []));

test("words with the same stem are marked, words that tell nothing are not", () => {
  expect(words("Die Kündigung ist mit drei Monaten Frist möglich.", "Die Frist ist drei Monate.")).toEqual([
    "drei",
    "Monaten",
    "Frist",
  ]);
  expect(words("The connections are lost.", "When is a connection lost?")).toEqual(["connections", "lost"]);
  expect(words("Die Strasse", "straße")).toEqual(["Strasse"]);
  expect(words("Sie ist es.", "Ist sie es?")).toEqual([]);
  expect(words("", "anything")).toEqual([]);
  expect(words("Something", "")).toEqual([]);
});

test("a long word is marked for the words that it begins or ends with; a short one is itself alone", () => {
  expect(words("Kündigungsfristen, fristlos, Fristsetzung", "Frist der Kündigung")).toEqual([
    "Kündigungsfristen",
    "Fristsetzung",
  ]);
  expect(words("Der Wohnungsmietvertrag", "Vertrag")).toEqual(["Wohnungsmietvertrag"]);
});

test("a hyphenated word is one; markup is a text like any other", () => {
  expect(words("die Kündi-\ngung und", "Kündigung")).toEqual(["Kündi-\ngung"]);
  expect(words("<b>fett</b>", "fett")).toEqual(["fett"]);
});

test("the pieces are the passage, whatever it is", () => {
  const random = seeded(7);
  const signs = [..."aäß-\n .1İﬁé\u0301\u00ad<&'\"中\ud83d\ude00", "\ud83d", "Frist", "Kündigung"];
  for (let i = 0; i < 2_000; i++) {
    const text = Array.from({ length: random.below(40) }, () => signs[random.below(signs.length)]).join("");
    const pieces = marked(text, "Frist a 1 ﬁ Kündigung");
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(pieces.some((piece) => piece.text === "")).toBe(false);
  }
});

test("the sentences that cite a number, without their numbers", () => {
  const answer =
    "Hallo! Die Frist ist lang [1]. Die Miete kostet 8.40 Euro. [2] Und beides [1][12].\n- Liste [2]\nEnde";
  expect(
    citing(answer, 1)
      .split("\n")
      .map((line) => line.trim()),
  ).toEqual(["Die Frist ist lang .", "Und beides ."]);
  expect(
    citing(answer, 2)
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
  ).toEqual(["Die Miete kostet 8.40 Euro.", "- Liste"]);
  expect(citing(answer, 3)).toBe("");
  expect(citing("no end [4]", 4).trim()).toBe("no end");
});
