// Which llama-server is asked. If this fails, prompts are read anew that another has in its cache, or people
// wait for a full one beside an idle one.

import { describe, expect, test } from "bun:test";
import {
  type Candidate,
  PromptPrefixes,
  route,
  speedsOf,
  startMs,
  tokensOf,
} from "../../src/upstream/route.ts";
import { seeded } from "../seeded.ts";

const candidate = (given: Partial<Candidate> = {}): Candidate => ({
  free: 1,
  waitMs: 0,
  knownTokens: 0,
  readsPerSecond: 100,
  ...given,
});

describe("route", () => {
  test("who has read most of it is asked", () => {
    expect(route([candidate(), candidate({ knownTokens: 500 }), candidate({ knownTokens: 100 })], 600)).toBe(
      1,
    );
  });

  test("one that is busy is waited for as long as that is sooner than reading elsewhere", () => {
    const known = (waitMs: number) => [candidate(), candidate({ free: 0, waitMs, knownTokens: 1_000 })];
    expect(route(known(9_000), 1_000)).toBe(1); // reading 1 000 tokens takes 10 s
    expect(route(known(11_000), 1_000)).toBe(0);
  });

  test("a fast one that has read nothing beats a slow one that has read some", () => {
    expect(
      route(
        [candidate({ knownTokens: 500, readsPerSecond: 10 }), candidate({ readsPerSecond: 1_000 })],
        1_000,
      ),
    ).toBe(1);
  });

  test("of equal ones the one with most free slots", () => {
    expect(route([candidate({ free: 1 }), candidate({ free: 3 }), candidate({ free: 2 })], 10)).toBe(1);
    expect(route([], 10)).toBe(-1);
  });

  test("never one that another is better than in every respect (seeded)", () => {
    const random = seeded(7);
    for (let i = 0; i < 2_000; i++) {
      const some = Array.from({ length: 1 + random.below(5) }, () =>
        candidate({
          free: random.below(3),
          waitMs: random.below(2) * random.below(5_000),
          knownTokens: random.below(2_000),
          readsPerSecond: 1 + random.below(500),
        }),
      );
      const prompt = random.below(2_500);
      const chosen = some[route(some, prompt)] as Candidate;
      for (const other of some) expect(startMs(chosen, prompt)).toBeLessThanOrEqual(startMs(other, prompt));
    }
  });
});

test("speeds that differ by less than half are one; what was not measured is as fast as the others", () => {
  expect(speedsOf([null, null])).toEqual([200, 200]);
  expect(speedsOf([100, null, 140])).toEqual([120, 120, 120]);
  expect(speedsOf([100, null, 1_000])).toEqual([100, 550, 1_000]);
});

describe("PromptPrefixes", () => {
  test("the longest beginning that was read, up to a part's end", () => {
    const read = new PromptPrefixes();
    read.add(["system", "question", "answer"]);
    expect(read.longest(["system", "question", "answer", "next"])).toBe(3);
    expect(read.longest(["system", "other"])).toBe(1);
    expect(read.longest(["question", "answer"])).toBe(0);
    read.clear();
    expect(read.longest(["system"])).toBe(0);
  });

  test("what was read again stays, what was not is forgotten first", () => {
    const read = new PromptPrefixes();
    read.add(["first"]);
    for (let i = 0; i < 4_095; i++) read.add([`other ${i}`]);
    read.add(["first"]);
    read.add(["one more"]);
    expect([read.longest(["first"]), read.longest(["other 0"]), read.longest(["other 1"])]).toEqual([
      1, 0, 1,
    ]);
  });
});

test("tokens are about a quarter of the bytes", () => {
  expect(tokensOf([])).toBe(0);
  expect(tokensOf(["abcd", "äbcd"])).toBe(3);
});
