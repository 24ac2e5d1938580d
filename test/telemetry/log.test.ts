// Log lines. If this fails, a log shipper or a person at a terminal can't read them.

import { expect, test } from "bun:test";
import { openLog } from "../../src/telemetry/log.ts";

test("JSON: one object per line, at or above the level", () => {
  const lines: string[] = [];
  const log = openLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  log.debug("hidden");
  log.info("seen", { a: 1, b: "two\nlines" });
  log.error("worse");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), level: "info", what: "seen", a: 1, b: "two\nlines" },
    { time: expect.any(String), level: "error", what: "worse" },
  ]);
  expect(lines.join("")).not.toContain("\n");
});

test("pretty: readable, still one line each", () => {
  const lines: string[] = [];
  openLog({ level: "debug", format: "pretty", write: (line) => lines.push(line) }).warn("slow", { ms: 5, why: "two words", none: undefined });
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}slow {2}ms=5 {2}why="two words"$/);
});
