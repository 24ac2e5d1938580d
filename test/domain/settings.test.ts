// One reader of settings for forms, files, personas and the database.

import { expect, test } from "bun:test";
import { settingsOf } from "../../src/domain/settings.ts";

test("what can't be chosen is left out, what can be is kept", () => {
  expect(settingsOf(undefined)).toEqual({ persona: null, sampling: {} });
  expect(settingsOf({ persona: 5, model: "", sampling: [1] })).toEqual({ persona: null, sampling: {} });
  expect(
    settingsOf({
      persona: "helper",
      model: "parrot",
      sampling: { temperature: 0.5, topP: 7, maxTokens: 1.5, more: 1 },
    }),
  ).toEqual({ persona: "helper", model: "parrot", sampling: { temperature: 0.5 } });
});

test("collections are chosen by their ids, each once; an empty list chooses none", () => {
  const [a, b] = ["a".repeat(22), "b".repeat(22)];
  expect(settingsOf({ documents: [a, b, a, "", "x", 7] }).documents).toEqual([a, b]);
  expect(settingsOf({ documents: [] }).documents).toEqual([]);
  expect(settingsOf({ documents: a }).documents).toBeUndefined();
});

test("names beyond a bound are not chosen", () => {
  const named = { persona: "abc", model: "abcd", sampling: {} };
  expect(settingsOf(named, { nameMaxChars: 3 })).toEqual({ persona: "abc", sampling: {} });
});

test("a caller decides about a wrong number; null is not chosen", () => {
  const asked: unknown[] = [];
  const invalid = (name: string, value: unknown) => {
    asked.push([name, value]);
    return 9;
  };
  const sampling = { temperature: Number.NaN, topP: "high", maxTokens: null };
  expect(settingsOf({ sampling }, { invalid }).sampling).toEqual({ temperature: 9, topP: 9 });
  expect(asked).toEqual([["temperature", Number.NaN], ["topP", "high"]]); // biome-ignore format: a table
});
