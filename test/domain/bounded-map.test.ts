// What is remembered stays within its bound, and what is in use stays remembered.

import { expect, test } from "bun:test";
import { BoundedMap } from "../../src/domain/bounded-map.ts";
import { seeded } from "../seeded.ts";

test("the entry that was not used for longest is forgotten first", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.get("a")).toBe(1);
  map.set("c", 3);
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([1, undefined, 3]);
});

test("looking whether something is there does not keep it", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  expect(map.has("a")).toBe(true);
  map.set("c", 3);
  expect(map.has("a")).toBe(false);
});

test("heavy values push out several light ones; one beyond the bound is kept alone", () => {
  const map = new BoundedMap<string, number>(10);
  for (const key of ["a", "b", "c"]) map.set(key, 0, 3);
  map.set("d", 0, 7);
  expect(["a", "b", "c", "d"].map((key) => map.has(key))).toEqual([false, false, true, true]);
  map.set("d", 0, 1); // a new weight replaces the old one
  map.set("e", 0, 6);
  expect(["c", "d", "e"].map((key) => map.has(key))).toEqual([true, true, true]);
  map.set("f", 0, 99);
  expect(["c", "d", "e", "f"].map((key) => map.has(key))).toEqual([false, false, false, true]);
  map.set("g", 0, 1);
  expect([map.has("f"), map.has("g")]).toEqual([false, true]);
});

test("keeps what a plain list of the last uses keeps, whatever is done to it", () => {
  const random = seeded(7);
  const map = new BoundedMap<number, number>(20);
  let uses: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const key = random.below(50);
    const what = random.below(500);
    if (what === 0) {
      map.clear();
      uses = [];
    } else if (what < 250) {
      expect(map.get(key)).toBe(uses.includes(key) ? key : undefined);
      if (uses.includes(key)) uses = [...uses.filter((each) => each !== key), key];
    } else {
      map.set(key, key);
      uses = [...uses.filter((each) => each !== key), key].slice(-20);
    }
    expect(map.has(key)).toBe(uses.includes(key));
  }
});
