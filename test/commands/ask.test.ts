// Markdown in a terminal. If this fails, an answer is lost on the way to it, or a model steers somebody's terminal.

import { expect, test } from "bun:test";
import { Coloured } from "../../src/commands/ask.ts";
import { recitals } from "../llama/recitals.ts";
import { seeded } from "../seeded.ts";

/** What is written when a text comes in pieces of these lengths. */
function coloured(text: string, lengths: () => number): string {
  let written = "";
  const out = new Coloured((part) => {
    written += part;
  });
  for (let at = 0; at < text.length; ) {
    const length = lengths();
    out.put(text.slice(at, at + length));
    at += length;
  }
  out.end();
  return written;
}

const bare = (text: string): string => Bun.stripANSI(text);

test("what is written is the same however the text was cut", () => {
  const { text } = recitals["markdown"] as { text: string };
  const whole = coloured(text, () => text.length);
  const random = seeded(3);
  for (let i = 0; i < 20; i++) expect(coloured(text, () => 1 + random.below(9))).toBe(whole);
  expect(bare(whole)).toContain("How a lamp is wired");
  expect(bare(whole)).toContain("return sum(part.ohm for part in parts)");
  expect(whole).toContain("\u001b["); // it has colours
});

test("a block is written when it is complete, not before and not at the end alone", () => {
  const written: string[] = [];
  const out = new Coloured((part) => written.push(part));
  out.put("One line\n\nanother\n\nand the ");
  expect(bare(written.join(""))).toBe("One line\n");
  out.put("next.");
  out.end();
  expect(bare(written.join(""))).toBe("One line\n\nanother\n\nand the next.\n");
});

test("control characters of the model's are shown, and do not reach the terminal", () => {
  const written = coloured(
    "title \u001b]0;stolen\u0007 \u001b[2J and \u009b31m red\r\nnext\rover \u202etxt.exe &#x202e; &#27;[2J\n\n```\n\u001b[31mcode\n```\n",
    () => 3,
  );
  for (const sign of ["\u0007", "\u001b", "\u009b", "\r", "\u202e"])
    expect(bare(written)).not.toContain(sign);
  expect(bare(written)).toContain("title \\u001b]0;stolen\\u0007 \\u001b[2J and \\u009b31m red");
  expect(bare(written).replace(/\s+/g, " ")).toContain("next\\u000dover \\u202etxt.exe \\u202e");
  expect(bare(written)).toContain("\\u001b[31mcode");
});
