// The catalogue of words. If this fails, people read another language, or no sentence at all.
// Promises: R7.

import { describe, expect, test } from "bun:test";
import type { FailureCode } from "../../src/domain/failure.ts";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";

describe("languageOf", () => {
  const cases: [string | null, string][] = [
    [null, "en"],
    ["", "en"],
    ["de", "de"],
    ["de-AT,de;q=0.9,en;q=0.8", "de"],
    ["en-US,en;q=0.9,de;q=0.8", "en"],
    ["fr-FR, de;q=0.3, en;q=0.2", "de"],
    ["fr, es", "en"],
    ["en;q=0, de;q=0.1", "de"],
    ["*", "en"],
    [";;q=,,de;q=x", "de"],
  ];
  for (const [header, language] of cases)
    test(`${header} is ${language}`, () => expect<string>(languageOf(header)).toBe(language));
});

test("every Failure has a sentence in every language that ends like one and shows no hole", () => {
  const facts = {
    url: "http://x",
    status: 500,
    detail: "",
    seconds: 5,
    limitBytes: 10,
    limitChars: 10,
    limitPages: 10,
    limitDocuments: 10,
    bytes: 20,
    usedBytes: 9,
    limitPixels: 10,
    promptTokens: 1,
    contextTokens: 2,
    roomTokens: 1,
    persona: "p",
    model: "m",
    scope: "s",
    name: "topP",
    least: 0,
    most: 1,
    waiting: 3,
    limit: 4,
    tokens: 6,
    address: "127.0.0.1",
    origin: "http://y",
    host: "z",
    coding: "lz4",
    path: "/v1/x",
    method: "POST",
    known: "POST /v1/y",
  };
  for (const language of ["en", "de"] as const) {
    const words = wordsOf(language);
    for (const code of Object.keys(words.failures) as FailureCode[]) {
      const sentence = sentenceOf(
        { code, facts: code === "bad_limit" ? { ...facts, name: "weight" } : facts },
        words,
      );
      expect(sentence).toMatch(/^\S.*([.?!]|http:\/\/[yz])$/);
      expect(sentence).not.toMatch(/undefined|NaN|\[object/);
      expect(sentence.match(/\p{Lu}\p{Ll}+\p{Lu}\p{Ll}+/gu)).toBeNull(); // a name of the code
    }
  }
});

test("places in line are ordinals", () => {
  const { waiting } = wordsOf("en");
  expect(
    [1, 2, 3, 4, 11, 12, 13, 21, 22, 103].map((position) => waiting({ position, of: 200 }).split(" ")[0]),
  ).toEqual(["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd"]);
});

test("how long it will take is said as closely as it is known", () => {
  const said = (leastMs: number, mostMs: number, language: "en" | "de" = "en") =>
    wordsOf(language).waiting({ position: 3, of: 5, wait: { leastMs, mostMs } }).split(" – ")[1];
  expect([
    said(0, 5_000),
    said(0, 40_000),
    said(35_000, 45_000),
    said(20_000, 60_000),
    said(60_000, 600_000),
    said(120_000, 600_000),
  ]).toEqual(["a few seconds", "up to 40 s", "about 45 s", "20 to 60 s", "60 s to 10 min", "2 to 10 min"]);
  expect(said(35_000, 45_000, "de")).toBe("etwa 45 s");
  expect(wordsOf("en").waiting({ position: 3, of: 5 })).toBe("3rd of 5 in the queue");
});
