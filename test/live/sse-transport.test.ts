// A page's frames as events. If this fails, a page behind a proxy shows what nobody said, never learns that
// it was behind, or fills parlor's memory.
// Promises: C6.

import { expect, test } from "bun:test";
import { SseTransport } from "../../src/live/sse-transport.ts";

/** A seat, and what became of it. */
function seat(maxBytes = 1 << 20) {
  const seen = { drained: 0, closed: 0 };
  const made = new SseTransport(null, maxBytes, {
    onDrain: () => seen.drained++,
    onClose: () => seen.closed++,
  });
  return { made, seen };
}

const readAll = (made: SseTransport<null>): Promise<string> => new Response(made.readable).text();

test("a frame becomes an event with the same lines, whatever characters it contains", async () => {
  const { made } = seat();
  made.send("one\ntwo\u2028three\u2029four\r\nfive");
  made.close(1012);
  expect(await readAll(made)).toBe(
    "data: one\ndata: two\u2028three\u2029four\ndata: five\n\nevent: bye\ndata: 1012\n\n",
  );
});

test("a stalled reader is behind, its owner learns when it has caught up, and it is closed at the bound", async () => {
  const { made, seen } = seat();
  expect(made.send("x")).toBeGreaterThan(0);
  expect(made.send("y".repeat(70_000))).toBe(-1);
  expect(made.isBehind).toBe(true);
  const reader = made.readable.getReader();
  while (made.isBehind) await reader.read();
  expect(seen).toEqual({ drained: 1, closed: 0 });
  for (let i = 0; i < 20 && seen.closed === 0; i++) made.send("z".repeat(100_000));
  expect(seen.closed).toBe(1);
  expect(made.send("more")).toBe(0);
});

test("a disconnect is reported once", async () => {
  const { made, seen } = seat();
  await made.readable.cancel();
  made.close();
  made.terminate();
  expect(seen.closed).toBe(1);
});
