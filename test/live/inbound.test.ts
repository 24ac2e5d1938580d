// Frames from outside. If this fails, a frame does something that nobody asked for, or a valid one is
// refused.

import { expect, test } from "bun:test";
import { Failure } from "../../src/domain/failure.ts";
import { parseCommand } from "../../src/live/inbound.ts";

const id = "abcdefghijklmnopqrstuv";

test("the three Commands, as htmx sends them", () => {
  const headers = { "HX-Request": "true" };
  expect(parseCommand(JSON.stringify({ type: "say", message: id, text: "a\r\nb", headers }))).toEqual({
    type: "say",
    message: id,
    text: "a\nb",
  });
  expect(parseCommand(JSON.stringify({ type: "retry", message: id, headers }))).toEqual({
    type: "retry",
    message: id,
  });
  expect(parseCommand(JSON.stringify({ type: "stop", headers }))).toEqual({ type: "stop" });
});

test("a form's settings: empty fields are not chosen, a comma is a decimal point, a wrong number is left to be refused", () => {
  const say = { type: "say", message: id, text: "x" };
  expect(parseCommand(JSON.stringify({ ...say, persona: "", temperature: " ", topP: "" }))).toEqual(
    say as never,
  );
  expect(
    parseCommand(JSON.stringify({ ...say, persona: "anna", temperature: "0,7", maxTokens: "12" })),
  ).toEqual({
    ...say,
    settings: { persona: "anna", sampling: { temperature: 0.7, maxTokens: 12 } },
  } as never);
  expect(parseCommand(JSON.stringify({ type: "settle", temperature: "warm", topP: 1, extra: "1" }))).toEqual({
    type: "settle",
    settings: { persona: null, sampling: { temperature: Number.NaN } },
  });
});

const refused: [string, string | Uint8Array][] = [
  ["no JSON", "hello"],
  ["a number", "1"],
  ["null", "null"],
  ["an array", "[]"],
  ["no type", "{}"],
  ["an unknown type", `{"type":"drop"}`],
  ["a text that is no string", `{"type":"say","message":"${id}","text":["a","b"]}`],
  ["a missing text", `{"type":"say","message":"${id}"}`],
  ["an id with markup", `{"type":"say","message":"\\"><script>aaaaaaaa","text":"x"}`],
  ["an id that is too short", `{"type":"retry","message":"abc"}`],
  ["an id that is too long", `{"type":"retry","message":"${"a".repeat(65)}"}`],
  ["binary", new Uint8Array([1, 2, 3])],
];
for (const [name, frame] of refused) {
  test(`${name} is refused`, () => {
    expect(() => parseCommand(frame)).toThrow(new Failure("bad_frame"));
  });
}
