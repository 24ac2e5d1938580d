// Who is served next, as a pure function: over any history the person who has used least, within everybody's
// bounds. If this fails, somebody with ten tabs gets ten shares.
// Promises: Q2, Q5, Q8.

import { describe, expect, test } from "bun:test";
import { FairShare, type Sharer, type Waiting } from "../../src/runs/fair-share.ts";
import { seeded } from "../seeded.ts";

const person = (id: string, wished: Partial<Sharer> = {}): Sharer => ({
  id,
  weight: 1,
  runningMax: null,
  ...wished,
});
const waiting = (run: string, sharer: Sharer, since: number, isAttended = true): Waiting => ({
  run,
  sharer,
  since,
  isAttended,
});
const [a, b, c] = [person("a"), person("b"), person("c")];
const none = new Map<string, number>();
const never = Number.NEGATIVE_INFINITY;

describe("order", () => {
  test("among equals the first to arrive is first; then people take turns", () => {
    const line = [
      waiting("a1", a, 1),
      waiting("a2", a, 2),
      waiting("a3", a, 3),
      waiting("b1", b, 4),
      waiting("c1", c, 5),
      waiting("c2", c, 6),
    ];
    expect(new FairShare().order(line, none, never).map(({ run }) => run)).toEqual([
      "a1",
      "b1",
      "c1",
      "a2",
      "c2",
      "a3",
    ]);
  });

  test("people who have used more come later; twice the weight is served twice as often", () => {
    const shares = new FairShare();
    shares.begin("x", a);
    shares.end("x", 1_000);
    expect(shares.next([waiting("a1", a, 1), waiting("b1", b, 2)], none, never)?.run).toBe("b1");
    const double = person("d", { weight: 2 });
    const line = [1, 2, 3, 4, 5, 6].flatMap((i) => [
      waiting(`d${i}`, double, i),
      waiting(`b${i}`, b, i + 0.5),
    ]);
    const first = new FairShare().order(line, none, never).slice(0, 6);
    expect(first.filter(({ sharer }) => sharer.id === "d").length).toBe(4);
  });

  test("an unattended Run yields until it has waited long enough", () => {
    const line = [waiting("a1", a, 1, false), waiting("b1", b, 2), waiting("b2", b, 3)];
    const shares = new FairShare();
    expect(shares.order(line, none, never).map(({ run }) => run)).toEqual(["b1", "b2", "a1"]);
    expect(shares.order(line, none, 1).map(({ run }) => run)).toEqual(["a1", "b1", "b2"]);
    expect(shares.next([waiting("a1", a, 1, false)], none, never)?.run).toBe("a1");
  });

  test("people at their limit of slots start no Run, and others go first", () => {
    const one = person("a", { runningMax: 1 });
    const line = [waiting("a1", one, 1), waiting("b1", b, 2)];
    const running = new Map([["a", 1]]);
    expect(new FairShare().order(line, running, never).map(({ run }) => run)).toEqual(["b1", "a1"]);
    expect(new FairShare().next([waiting("a1", one, 1)], running, never)).toBeNull();
  });
});

test("usage while nobody waits is forgotten; usage while somebody waits is remembered, also by the next process", () => {
  const shares = new FairShare();
  shares.begin("x", a);
  shares.end("x", 50_000);
  const later = new FairShare();
  later.restore(shares.changes());
  for (const each of [shares, later])
    expect(each.next([waiting("a1", a, 1), waiting("b1", b, 2)], none, never)?.run).toBe("b1");
  shares.reset(() => 0);
  expect(shares.next([waiting("a1", a, 1), waiting("b1", b, 2)], none, never)?.run).toBe("a1");
});

test("an endless Run is charged while it runs", () => {
  const shares = new FairShare();
  shares.begin("x", a);
  shares.spent("x", 9_000);
  shares.begin("y", b);
  shares.end("y", 400);
  expect(shares.next([waiting("a1", a, 1), waiting("b1", b, 2)], none, never)?.run).toBe("b1");
});

test("over any history: the order holds everybody, and its first may start and belongs to the person who has used least", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const people = Array.from({ length: 1 + random.below(6) }, (_, i) =>
      person(`p${i}`, {
        weight: [0.5, 1, 2][random.below(3)] as number,
        runningMax: random.below(2) === 0 ? null : 1 + random.below(2),
      }),
    );
    const shares = new FairShare();
    const running = new Map<string, Sharer>();
    let line: Waiting[] = [];
    for (let step = 0; step < 60; step++) {
      const sharer = random.pick(people) as Sharer;
      const some = random.pick([...running.keys()]);
      if (random.below(2) === 0) line.push(waiting(`r${step}`, sharer, step, random.below(4) > 0));
      else if (some !== undefined) {
        shares.end(some, random.below(800));
        running.delete(some);
      }
      const counts = new Map(
        people.map(({ id }) => [id, [...running.values()].filter((each) => each.id === id).length]),
      );
      const mayStart = line.filter(
        ({ sharer: { id, runningMax } }) => runningMax === null || (counts.get(id) as number) < runningMax,
      );
      const order = shares.order(line, counts, step - 20);
      expect(new Set(order)).toEqual(new Set(line));
      expect(order.length).toBe(line.length);
      const next = shares.next(line, counts, step - 20);
      expect(next === null).toBe(mayStart.length === 0);
      if (next === null) continue;
      expect(next.run).toBe(order[0]?.run as string);
      const isFirst = ({ isAttended, since }: Waiting) => isAttended || since <= step - 20;
      const class1 = mayStart.filter(isFirst);
      const rivals = class1.length > 0 ? class1 : mayStart;
      expect(shares.of(next.sharer.id)).toBe(Math.min(...rivals.map((each) => shares.of(each.sharer.id))));
      if (running.size < 3) {
        line = line.filter(({ run }) => run !== next.run);
        running.set(next.run, next.sharer);
        shares.begin(next.run, next.sharer);
      }
    }
  }
});
