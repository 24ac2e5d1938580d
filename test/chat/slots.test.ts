// Slots that somebody else holds: noticed at the second look, given back at once, never all of them. If this fails, Runs wait inside
// llama-server where nobody sees it, or a slot is lost for ever.

import { afterEach, expect, test } from "bun:test";
import { Slots } from "../../src/chat/slots.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { until } from "../llama/server.ts";

const log = openLog({ level: "error", format: "json", write: () => {} });
let made: Slots | null = null;
afterEach(() => made?.close());

/** Looks every 2 ms at a llama-server with four slots that shows what `busy` says. */
function watched(slotsMax = 1_000) {
  const now = { busy: 0 as number | null, ours: 0, looks: 0, changes: 0, isFlickering: false };
  const upstream = {
    state: { status: "ready" as const, url: "", slots: 4, contextTokens: null, model: null, ours: false, progress: null },
    async busySlots() {
      now.looks++;
      return now.isFlickering ? now.looks % 2 : now.busy;
    },
  };
  made = new Slots({ upstream, log, slotsMax, everyMs: 2, ours: () => now.ours, changed: () => now.changes++ });
  const looks = async (count: number) => {
    const from = now.looks;
    await until(() => now.looks >= from + count, "it has looked");
  };
  return { slots: made, now, looks };
}

test("as many as llama-server says, or fewer where the operator says so", () => {
  expect(watched().slots.usable).toBe(4);
  expect(watched(2).slots.usable).toBe(2);
});

test("slots that are busy without a Run of ours are not counted on until they are idle", async () => {
  const { slots, now, looks } = watched();
  Object.assign(now, { busy: 3, ours: 1 });
  await until(() => slots.strays === 2, "two are found");
  expect([slots.usable, now.changes]).toEqual([2, 1]);
  now.busy = null; // can't be known: stays as it was
  await looks(3);
  expect(slots.strays).toBe(2);
  now.busy = 1;
  await until(() => slots.strays === 0, "they are idle");
  expect(slots.usable).toBe(4);
});

test("one look is not enough: a Run may just have ended", async () => {
  const { slots, now, looks } = watched();
  now.isFlickering = true;
  await looks(10);
  expect([slots.strays, now.changes]).toEqual([0, 0]);
});

test("however many are lost, one is used: llama-server has a line of its own", async () => {
  const { slots, now } = watched();
  now.busy = 4;
  await until(() => slots.strays === 4, "all are lost");
  expect(slots.usable).toBe(1);
});

test("a Run that ended with its slot still busy takes that out at once", async () => {
  const { slots, now } = watched();
  now.busy = 1;
  slots.found();
  expect([slots.strays, slots.usable]).toEqual([1, 3]);
  now.busy = 0;
  await until(() => slots.strays === 0, "it is idle");
});
