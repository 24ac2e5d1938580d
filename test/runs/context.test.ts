// How much of a conversation is sent. If this fails, a prompt overflows the context, or the prompt cache is
// thrown away at every turn.
// Promises: L6, L7.

import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/domain/failure.ts";
import { beginnings, Counts, fit, messagesOf, roomFor } from "../../src/runs/context.ts";
import { seeded } from "../seeded.ts";

interface Spoken {
  readonly role: "user" | "assistant";
  readonly text: string;
}

const said = (role: Spoken["role"], text: string): Spoken => ({ role, text });

test("a history begins at a question that follows an answer", () => {
  const path = [
    said("user", "a"),
    said("assistant", "b"),
    said("user", "c"),
    said("assistant", ""),
    said("user", "d"),
    said("assistant", "e"),
    said("user", "f"),
  ];
  expect(beginnings(path)).toEqual([0, 2, 6]);
  expect(beginnings([])).toEqual([]);
  expect(beginnings([said("assistant", "a"), said("user", "b")])).toEqual([0, 1]);
});

test("roles alternate, empty answers are left out, a continued answer stays last", () => {
  const path = [said("user", "a"), said("assistant", ""), said("user", "b"), said("assistant", "c")];
  expect(messagesOf("", path)).toEqual([
    { role: "user", content: "a\n\nb" },
    { role: "assistant", content: "c" },
  ]);
  expect(messagesOf("p", path.slice(0, 1))).toEqual([
    { role: "system", content: "p" },
    { role: "user", content: "a" },
  ]);
});

test("room for the answer: the persona's max_tokens up to half of the context, else the default up to a quarter", () => {
  expect(roomFor(8000, { maxTokens: undefined, answerTokens: 1024 })).toBe(8000 - 1024);
  expect(roomFor(1000, { maxTokens: undefined, answerTokens: 1024 })).toBe(750);
  expect(roomFor(8000, { maxTokens: 100, answerTokens: 1024 })).toBe(7900);
  expect(roomFor(8000, { maxTokens: 100_000, answerTokens: 1024 })).toBe(4000);
});

/** A conversation of exchanges of these sizes, in tokens, behind a prompt. */
function talk(prompt: number, sizes: readonly number[]) {
  let counted = 0;
  const places = sizes.map((_, i) => i * 2);
  const tokens = (place: number) => prompt + sizes.slice(place / 2).reduce((sum, size) => sum + size, 0);
  return {
    places,
    tokens,
    get counted() {
      return counted;
    },
    async count(place: number) {
      counted++;
      return tokens(place);
    },
  };
}

const room = { roomTokens: 1000, contextTokens: 1250, overflow: "drop" as const };

describe("fit", () => {
  test("a history that fits is sent whole after one count", async () => {
    const all = talk(100, [300, 300, 300]);
    expect(await fit({ ...room, ...all, count: all.count, from: 0 })).toBe(0);
    expect(all.counted).toBe(1);
  });

  test("if nothing may be dropped, a long history is refused with the counted tokens", async () => {
    const all = talk(100, [300, 300, 301]);
    const failed = fit({ ...room, ...all, count: all.count, from: 0, overflow: "refuse" });
    expect(failed).rejects.toMatchObject({
      code: "context_full",
      facts: { promptTokens: 1001, contextTokens: 1250 },
    });
  });

  test("a last exchange that alone is too long is refused as such, whatever the overflow policy", async () => {
    for (const overflow of ["drop", "refuse"] as const) {
      const one = talk(100, [901]);
      expect(fit({ ...room, ...one, count: one.count, from: 0, overflow })).rejects.toMatchObject({
        code: "context_overflow",
        facts: { promptTokens: 1001 },
      });
    }
    const last = talk(100, [200, 950]);
    expect(fit({ ...room, ...last, count: last.count, from: 0 })).rejects.toMatchObject({
      code: "context_overflow",
      facts: { promptTokens: 1050 },
    });
  });

  test("any history: it fits or is refused, the last exchange is always sent, few counts, and the beginning stays for many turns", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const { below } = seeded(seed);
      const prompt = below(200);
      const sizes: number[] = [];
      let from = 0;
      let moved = 0;
      for (let turn = 0; turn < 60; turn++) {
        sizes.push(10 + below(seed % 2 === 0 ? 60 : 500));
        const all = talk(prompt, sizes);
        const place = await fit({ ...room, ...all, count: all.count, from }).catch(
          (error) => error as Failure,
        );
        if (place instanceof Failure) {
          expect(place.code).toBe("context_overflow");
          expect(all.tokens((sizes.length - 1) * 2)).toBeGreaterThan(room.roomTokens);
          sizes.pop();
          continue;
        }
        expect(all.tokens(place)).toBeLessThanOrEqual(room.roomTokens);
        expect(all.places).toContain(place);
        expect(all.counted).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(sizes.length + 1)) + 1);
        if (place !== from) moved++;
        from = place;
      }
      // small exchanges: a quarter of the room is free after a move, so several turns pass before the next
      if (seed % 2 === 0) expect(moved).toBeLessThanOrEqual(12);
    }
  });

  test("dropped messages come back once much was deleted", async () => {
    const all = talk(100, [100, 100, 100]);
    expect(await fit({ ...room, ...all, count: all.count, from: 4 })).toBe(0);
    const long = talk(100, [900, 100, 100]);
    expect(await fit({ ...room, ...long, count: long.count, from: 4 })).toBe(2);
  });

  test("if nothing may be dropped, messages dropped before come back", async () => {
    const all = talk(100, [300, 300, 100]);
    expect(await fit({ ...room, ...all, count: all.count, from: 4, overflow: "refuse" })).toBe(0);
  });

  test("a history that can't be counted begins where the last one began", async () => {
    const all = talk(100, [900, 300, 100]);
    expect(await fit({ ...room, ...all, count: async () => null, from: 4 })).toBe(4);
  });

  test("a beginning on another branch is ignored", async () => {
    const all = talk(100, [100, 100]);
    expect(await fit({ ...room, ...all, count: all.count, from: 7 })).toBe(0);
  });
});

test("counts are remembered by content, within a bound; failed counts are tried again", async () => {
  const counts = new Counts();
  let asked = 0;
  const count = async () => ++asked;
  expect(await counts.of("a", count)).toBe(1);
  expect(await counts.of("a", count)).toBe(1);
  expect(await counts.of("b", async () => null)).toBeNull();
  expect(await counts.of("b", count)).toBe(2);
  for (let i = 0; i < 1000; i++) await counts.of(`c${i}`, count);
  expect(await counts.of("a", count)).toBe(1003);
});
