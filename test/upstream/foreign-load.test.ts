// Slots that somebody else holds: noticed at the second look, given back at once. If this fails, Runs wait
// inside llama-server where nobody sees it, or a slot is lost for ever.
// Promises: S5.

import { afterEach, expect, test } from "bun:test";
import { openLog } from "../../src/telemetry/log.ts";
import { ForeignLoad } from "../../src/upstream/foreign-load.ts";
import { until } from "../llama/server.ts";

const log = openLog({ level: "error", format: "json", write: () => {} });
let made: ForeignLoad | null = null;
afterEach(() => made?.close());

/** Looks every 2 ms at a llama-server that shows what `busy` says. */
function watched() {
  const now = { busy: 0 as number | null, ours: 0, looks: 0, changes: 0, isFlickering: false };
  const busySlots = async () => {
    now.looks++;
    return now.isFlickering ? now.looks % 2 : now.busy;
  };
  made = new ForeignLoad({
    busySlots,
    isReady: () => true,
    log,
    url: "",
    everyMs: 2,
    heldSlots: () => now.ours,
    changed: () => now.changes++,
  });
  const looks = async (count: number) => {
    const from = now.looks;
    await until(() => now.looks >= from + count, "it has looked");
  };
  return { foreign: made, now, looks };
}

test("slots that are busy without a request of ours are not counted on until they are idle", async () => {
  const { foreign, now, looks } = watched();
  Object.assign(now, { busy: 3, ours: 1 });
  await until(() => foreign.count === 2, "two are found");
  expect(now.changes).toBe(1);
  now.busy = null; // can't be known: stays as it was
  await looks(3);
  expect(foreign.count).toBe(2);
  now.busy = 1;
  await until(() => foreign.count === 0, "they are idle");
});

test("one look is not enough: a request may just have ended", async () => {
  const { foreign, now, looks } = watched();
  now.isFlickering = true;
  await looks(10);
  expect([foreign.count, now.changes]).toEqual([0, 0]);
});

test("a request that ended with its slot still busy takes that out at once", async () => {
  const { foreign, now } = watched();
  now.busy = 1;
  foreign.found();
  expect(foreign.count).toBe(1);
  now.busy = 0;
  await until(() => foreign.count === 0, "it is idle");
});
