// Words of German and English as the search compares them. If this fails, documents are not found by words that
// stand in them.

import { expect, test } from "bun:test";
import { askedWords, passageTerms, queryOf, withoutFrequent } from "../../src/documents/words.ts";

const query = (question: string, terms: readonly string[] = []) =>
  askedWords(question, async (asked) => new Set(asked.filter((term) => terms.includes(term)))).then((asked) =>
    queryOf(asked),
  );
const stem = (word: string) => passageTerms("", word).words.join(" ");

test("forms of a word have one stem", () => {
  for (const same of [
    ["Straße", "Strasse", "STRASSEN", "straße"],
    ["Müller", "Mueller", "Mullers"],
    ["Kündigung", "Kuendigung", "Kündigungen", "kündigen"],
    ["Haus", "Häuser", "Hauses", "Haeuser"],
    ["connect", "connected", "connecting", "connections"],
    ["city", "cities"],
    ["café", "cafe", "cafe\u0301"],
    ["Datei", "ＤＡＴＥＩ", "Da\u00adtei"],
  ])
    expect({ same, stems: new Set(same.map(stem)).size }).toEqual({ same, stems: 1 });
  for (const [one, other] of [
    ["Quelle", "Qualle"],
    ["neue", "nie"],
    ["Trauer", "Traum"],
  ])
    expect(stem(one as string)).not.toBe(stem(other as string));
});

test("a word that is hyphenated at a line's end is one, and a number is a word", () => {
  expect(stem("Kündigungs-\nfrist")).toBe(stem("Kündigungsfrist"));
  expect(passageTerms("", "§ 573c (3): 12,5 %").words).toEqual(["573c", "3", "12", "5"]);
});

test("words of the context come first; long words are compounds, each once", () => {
  expect(passageTerms("Mietvertrag", "Frist, Mietvertrag").words).toEqual([
    stem("Mietvertrag"),
    stem("Frist"),
    stem("Mietvertrag"),
  ]);
  expect(passageTerms("Mietvertrag", "Frist, Mietvertrag").compounds).toEqual([stem("Mietvertrag")]);
});

test("a question is looked for without words that tell nothing, unless there are no others", async () => {
  expect((await query("Wie lange ist die Frist?")).words).toEqual([stem("lange"), stem("Frist")]);
  expect((await query("to be or not to be")).words.length).toBeGreaterThan(0);
  expect(await query("?! …")).toEqual({ words: [], fragments: [] });
});

test("a compound is looked for by its parts that are known", async () => {
  const parts = [stem("Kündigung"), stem("Frist")];
  expect((await query("Kündigungsfrist", parts)).words).toEqual([stem("Kündigungsfrist"), ...parts]);
  expect((await query("Kündigungsfrist", [stem("Kündigung")])).words).toContain(stem("Kündigung"));
  expect((await query("Kündigungsfrist")).words).toEqual([stem("Kündigungsfrist")]);
});

test("a question is bounded: its words, and the length of each", async () => {
  const { words } = await query(Array.from({ length: 500 }, (_, i) => `wort${i}`).join(" "));
  expect(words.length).toBe(64);
  const asked: number[] = [];
  await askedWords("x".repeat(100_000), async (terms) => {
    asked.push(terms.length);
    return new Set();
  });
  expect(asked[0]).toBeLessThan(300);
});

test("words that most passages have are left out of a search that would compare too many; the rarest one stays", () => {
  const query = { words: ["haus", "miete", "frist", "frist"], fragments: ["haus", "miete", "frist"] };
  const few = new Map([
    ["haus", 9_000],
    ["miete", 5_000],
    ["frist", 10],
  ]);
  expect(new Set(withoutFrequent(query, few).words)).toEqual(new Set(query.words));
  const many = new Map([...few, ["haus", 90_000]]);
  expect(withoutFrequent(query, many)).toEqual({
    words: ["frist", "frist", "miete"],
    fragments: ["miete", "frist"],
  });
  const alone = { words: ["haus"], fragments: ["haus"] };
  expect(withoutFrequent(alone, many)).toEqual(alone);
});
