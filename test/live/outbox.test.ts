// Sending to one socket. If this fails, a slow reader costs memory without bound, or misses text for ever.
// Promises: C3.

import { expect, test } from "bun:test";
import { Outbox } from "../../src/live/outbox.ts";

function sink() {
  const sent: string[] = [];
  const state = { answer: 10, closed: 0 };
  return {
    sent,
    state,
    send(frame: string): number {
      if (state.answer !== 0) sent.push(frame);
      return state.answer;
    },
    close(code: number): void {
      state.closed = code;
    },
  };
}

test("a reader that keeps up gets every frame", () => {
  const to = sink();
  const outbox = new Outbox(to, () => to.sent.push("SNAPSHOT"));
  for (const frame of ["a", "b", "c"]) outbox.send(frame);
  outbox.drain();
  expect(to.sent).toEqual(["a", "b", "c"]);
});

test("while behind nothing is sent; one snapshot replaces all skipped frames", () => {
  const to = sink();
  const outbox = new Outbox(to, () => to.sent.push("SNAPSHOT"));
  to.state.answer = -1;
  outbox.send("a");
  for (let i = 0; i < 1000; i++) outbox.send("lost");
  expect(to.sent).toEqual(["a"]);
  to.state.answer = 10;
  outbox.drain();
  outbox.send("b");
  expect(to.sent).toEqual(["a", "SNAPSHOT", "b"]);
});

test("a reader that missed nothing gets no snapshot", () => {
  const to = sink();
  const outbox = new Outbox(to, () => to.sent.push("SNAPSHOT"));
  to.state.answer = -1;
  outbox.send("a");
  to.state.answer = 10;
  outbox.drain();
  outbox.send("b");
  expect(to.sent).toEqual(["a", "b"]);
});

test("the skipped frames decide what is sent again: for a heartbeat nothing, for the list no thread, for a thread everything", () => {
  const to = sink();
  const told: string[] = [];
  const outbox = new Outbox(to, (missed) => told.push(missed));
  const behindWith = (...abouts: ("thread" | "surroundings" | "nothing")[]) => {
    to.state.answer = -1;
    outbox.send("a");
    for (const about of abouts) outbox.send("skipped", about);
    to.state.answer = 10;
    outbox.drain();
  };
  behindWith("nothing");
  behindWith("nothing", "surroundings");
  behindWith("thread", "surroundings", "nothing");
  expect(told).toEqual(["surroundings", "thread"]);
});

test("a dropped frame closes the socket with a code after which the page reconnects", () => {
  const to = sink();
  to.state.answer = 0;
  new Outbox(to, () => {}).send("a");
  expect(to.state.closed).toBe(1013);
});
