// The scheduler alone: no process, no clock. If this fails, people wait who need not, or overtake each other.
// Promises: Q1, Q10.

import { expect, test } from "bun:test";
import type { Place } from "../../src/domain/run.ts";
import { Scheduler } from "../../src/runs/scheduler.ts";
import type { Slot } from "../../src/upstream/upstream.ts";
import { seeded } from "../seeded.ts";

const each = (run: string) => ({ id: `of ${run}`, weight: 1, runningMax: null });

function watched(slots: number, stepMs = 300) {
  let now = 0;
  const started: string[] = [];
  const places = new Map<string, Place>();
  const told: string[] = [];
  /** Runs for which there is no suitable slot, and Slots that were taken and not given back. */
  const [roomless, held] = [new Set<string>(), new Set<Slot>()];
  const take = (run: string): Slot | null => {
    if (roomless.has(run)) return null;
    const slot = { release: async () => held.delete(slot) } as Slot;
    held.add(slot);
    return slot;
  };
  const scheduler = new Scheduler(
    {
      take,
      start: (run) => {
        started.push(run);
        places.delete(run);
      },
      place: (run, place) => {
        places.set(run, place);
        told.push(`${run} ${place.position}/${place.of}`);
      },
      now: () => (now += stepMs),
      isAttended: () => true,
      spentTokens: () => 0,
    },
    slots,
    { yieldMs: 0 },
  );
  return { scheduler, started, places, told, roomless, held };
}

test("Runs start in order of arrival, as many as there are slots", () => {
  const { scheduler, started, told } = watched(2);
  for (const run of ["a", "b", "c", "d"]) scheduler.enqueue(run, each(run));
  expect(started).toEqual(["a", "b"]);
  expect(told).toEqual(["c 1/1", "c 1/2", "d 2/2"]);
  scheduler.release("b", 0);
  expect(started).toEqual(["a", "b", "c"]);
  expect(told.at(-1)).toBe("d 1/1");
});

test("a Run that leaves the queue is not started, and the others move up", () => {
  const { scheduler, started, told } = watched(1);
  for (const run of ["a", "b", "c"]) scheduler.enqueue(run, each(run));
  expect([scheduler.leave("b"), scheduler.leave("b"), scheduler.leave("a")]).toEqual([true, false, false]);
  expect(told.at(-1)).toBe("c 1/1");
  scheduler.release("a", 0);
  expect(started).toEqual(["a", "c"]);
});

test("more slots start more Runs at once; fewer slots end none", () => {
  const { scheduler, started } = watched(1);
  for (const run of ["a", "b", "c", "d"]) scheduler.enqueue(run, each(run));
  scheduler.resize(3);
  expect(started).toEqual(["a", "b", "c"]);
  scheduler.resize(1);
  scheduler.release("a", 0);
  scheduler.release("b", 0);
  expect(started).toEqual(["a", "b", "c"]);
  scheduler.release("c", 0);
  expect(started).toEqual(["a", "b", "c", "d"]);
});

test("over any history: never more running than slots, no slot idle while one waits, places are 1…n in order of arrival", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed);
    const slots = 1 + random.below(4);
    const { scheduler, started, places } = watched(slots);
    const arrived: string[] = [];
    const gone = new Set<string>();
    for (let step = 0; step < 100; step++) {
      const wish = random.below(3);
      const some = random.pick(arrived);
      if (wish === 0 || some === undefined) {
        arrived.push(`r${step}`);
        scheduler.enqueue(`r${step}`, each(`r${step}`));
      } else if (wish === 1 && started.includes(some) && !gone.has(some)) {
        gone.add(some);
        scheduler.release(some, 0);
      } else if (wish === 2 && scheduler.leave(some)) {
        gone.add(some);
        places.delete(some);
      }
      const running = started.filter((run) => !gone.has(run));
      const waiting = arrived.filter((run) => !gone.has(run) && !started.includes(run));
      expect(running.length).toBe(Math.min(slots, running.length + waiting.length));
      expect(scheduler.running).toBe(running.length);
      expect(waiting.map((run) => ({ ...places.get(run), wait: undefined }))).toEqual(
        waiting.map((_, i) => ({ position: i + 1, of: waiting.length, wait: undefined })),
      );
    }
  }
});

test("in a long queue a new Run learns its place at once, all others a few times a second", () => {
  const { scheduler, told, places } = watched(1, 1);
  for (let i = 0; i < 200; i++) scheduler.enqueue(`r${i}`, each(`r${i}`));
  expect(places.size).toBe(199);
  expect(told.length).toBeLessThan(199 * 12); // each was told once; each of all a few times
  for (let i = 0; i < 300; i++) scheduler.tick();
  expect([...places.values()].map(({ position, of }) => [position, of])).toEqual(
    [...places.keys()].map((_, i) => [i + 1, 199]),
  );
});

test("a request gets its several slots at once, at its place in the queue; if it wants too many, it gets all", () => {
  const { scheduler, started } = watched(3);
  scheduler.enqueue("a", each("a"));
  scheduler.enqueue("b", each("b"), { slots: 3 });
  scheduler.enqueue("c", each("c"));
  expect(started).toEqual(["a"]); // c would take what b waits for
  scheduler.release("a", 0);
  expect(started).toEqual(["a", "b"]);
  scheduler.release("b", 0);
  expect(started).toEqual(["a", "b", "c"]);
  scheduler.enqueue("d", each("d"), { slots: 100 });
  scheduler.release("c", 0);
  expect(started.at(-1)).toBe("d");
  scheduler.enqueue("e", each("e"));
  scheduler.resize(4); // d holds the three that there were
  expect(started.at(-1)).toBe("e");
});

test("a Run without a suitable slot holds up nobody, and a Slot that is taken but not used is given back", () => {
  const { scheduler, started, roomless, held } = watched(2);
  roomless.add("a");
  for (const run of ["a", "b"]) scheduler.enqueue(run, each(run));
  expect(started).toEqual(["b"]);
  scheduler.enqueue("c", each("c"), { slots: 2 });
  scheduler.enqueue("d", each("d"));
  expect(started).toEqual(["b"]); // d would take what c waits for
  expect(held.size).toBe(1);
  roomless.clear();
  scheduler.refresh();
  expect(started).toEqual(["b", "a"]);
  expect(held.size).toBe(2);
});
