// A reader of an answer's events, to whom they come shuffled, doubled, cut or not at all. If this fails, text
// on a page is doubled, skipped or misplaced after a slow connection, a restart or a change of process.
// Promises: S4.

import { expect, test } from "bun:test";
import { localBus } from "../../src/bus/local.ts";
import type { RunEvent, Snapshot } from "../../src/domain/event.ts";
import { type Parts, plainText, sizeOf, type WrittenPart } from "../../src/domain/part.ts";
import { Snapshots } from "../../src/domain/snapshots.ts";
import { Following } from "../../src/runs/following.ts";
import { Written } from "../../src/runs/written.ts";
import { until } from "../llama/server.ts";
import { seeded } from "../seeded.ts";

const facts = { run: "run", conversation: "conversation", messageId: "message" };
const message = { id: "message", conversation: "conversation", parent: null, role: "assistant" } as const;

type Random = ReturnType<typeof seeded>;

/** An answer in several steps: its events, and what was written before each character of it. */
function story(random: Random) {
  const written = new Written("run", []);
  const events: RunEvent[] = [
    {
      ...{ ...facts, kind: "queued", n: 0, owner: "owner", question: null },
      answer: { ...message, parts: [], text: "", createdAt: 0 },
    },
    { ...facts, kind: "started", n: 1, answer: { ...message, parts: [], text: "", createdAt: 0 } },
  ];
  const states = new Map<number, Parts>([[0, []]]);
  let letter = 0;
  for (let step = 0; step < 3; step++) {
    for (let i = random.below(12) + 1; i > 0; i--) {
      const chars = random.below(5) + 1;
      const text = Array.from({ length: chars }, () => String.fromCharCode(0x4e00 + letter++)).join("");
      const piece: WrittenPart = { kind: random.below(4) === 0 ? "thought" : "text", text };
      for (let at = 1; at <= chars; at++) {
        const before = written.shown;
        const partial = new Snapshots([snapshotOf(before, written.from, 0)]);
        partial.take(partEvent({ ...piece, text: text.slice(0, at) }, sizeOf(before), written.from, 1));
        states.set(sizeOf(before) + at, partial.all[0]?.parts as Parts);
      }
      const { at, from } = written.show(piece);
      written.grow(piece.kind, piece.text);
      events.push(partEvent(piece, at, from, events.length));
    }
    written.nextStep();
  }
  return { events, states, whole: written.parts };
}

const partEvent = (piece: WrittenPart, at: number, from: number, n: number): RunEvent => ({
  ...{ ...facts, kind: "part", piece, at, from, since: null, n },
});

const snapshotOf = (parts: Parts, from: number, n: number): Snapshot => ({
  ...{ run: "run", owner: "owner", messageId: "message", n, status: "running", parts, from },
  ...{ thinkingSince: null, place: null, progress: null, stopping: false },
});

/** The events as a bad connection brings them. */
function brought(events: readonly RunEvent[], random: Random): RunEvent[] {
  const all = events.flatMap((event) => {
    const chance = random.below(20);
    if (chance === 0) return []; // missing
    if (chance === 1) return [event, event]; // doubled
    if (chance === 2 && event.kind === "part") {
      const { piece, at } = event;
      const cut = random.below(piece.text.length);
      const rest = { ...piece, text: piece.text.slice(cut) };
      return [{ ...event, piece: rest, at: at + cut }]; // its beginning is missing
    }
    return [event];
  });
  for (let i = 0; i < all.length; i++) {
    if (random.below(10) > 0) continue;
    const j = Math.min(all.length - 1, i + random.below(4)); // shuffled
    [all[i], all[j]] = [all[j] as RunEvent, all[i] as RunEvent];
  }
  return all;
}

test("whatever happens to the events, what is known is the answer up to some character of it", () => {
  let [missed, whole] = [0, 0];
  for (let seed = 1; seed <= 400; seed++) {
    const random = seeded(seed);
    const told = story(random);
    let reader = new Snapshots([]);
    for (const event of brought(told.events, random)) {
      if (reader.take(event) === "missing") {
        // any later moment of the answer will do as a fresh snapshot
        const n = Math.min(told.events.length - 1, event.n + random.below(3));
        const last = told.events[n] as RunEvent;
        const size = last.kind === "part" ? last.at + last.piece.text.length : 0;
        const from = last.kind === "part" ? last.from : 0;
        reader = new Snapshots([snapshotOf(told.states.get(size) as Parts, from, n)]);
        missed++;
      }
      const parts = reader.all[0]?.parts ?? [];
      expect(parts).toEqual(told.states.get(sizeOf(parts)) as Parts);
    }
    if (sizeOf(reader.all[0]?.parts ?? []) === sizeOf(told.whole)) whole++;
  }
  expect(missed).toBeGreaterThan(100);
  expect(whole).toBeGreaterThan(100);
});

test("a reader on the Bus ends with the whole text, though it hears what it already has, and not all", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seeded(1_000 + seed);
    const told = story(random);
    const bus = localBus();
    let now = 0; // events that have happened
    let asked = 0;
    let page = "";
    const following = new Following({
      ...{ bus, conversation: "conversation" },
      async live() {
        asked++;
        const at = now;
        await Promise.resolve();
        const last = told.events[at];
        if (last?.kind !== "part") return [];
        const size = last.at + last.piece.text.length;
        return [snapshotOf(told.states.get(size) as Parts, last.from, at)];
      },
      began: ([snapshot]) => {
        page = plainText(snapshot?.parts ?? []);
      },
      heard(event) {
        if (event.kind === "part" && event.piece.kind === "text") page += event.piece.text;
      },
      onError: (error) => {
        throw error;
      },
    });
    await following.ready;
    for (const event of brought(told.events, random)) {
      now = Math.max(now, event.n);
      bus.publish("conversation", event);
      if (random.below(3) === 0) await following.ready;
    }
    // the last event comes in any case, so that a gap before it is noticed
    now = told.events.length - 1;
    bus.publish("conversation", told.events[now] as RunEvent);
    await until(() => !following.isBehind, "no snapshot is awaited");
    expect(page).toBe(plainText(following.live[0]?.parts ?? []));
    expect(page).toBe(plainText(told.whole));
    expect(asked).toBeGreaterThan(0);
    following.close();
  }
});

test("when events may be lost, Snapshots are taken again, also while they are being taken", async () => {
  let miss = () => {};
  const bus = {
    subscribe(_topic: string, _listener: unknown, missed = () => {}) {
      miss = missed;
      return () => {};
    },
  };
  const waiting: ((live: readonly Snapshot[]) => void)[] = [];
  const began: number[] = [];
  const following = new Following({
    ...{ bus, conversation: "conversation", heard() {} },
    live: () => new Promise((resolve) => waiting.push(resolve)),
    began: (live) => began.push(live[0]?.n ?? -1),
    onError(error) {
      throw error;
    },
  });
  const take = async (n: number) => {
    await until(() => waiting.length > 0, "Snapshots are asked for");
    waiting.shift()?.([snapshotOf([], 0, n)]);
  };
  miss(); // the Snapshots that are on their way may be older than what was lost
  await take(1);
  await take(2);
  await until(() => began.length === 1, "it goes on");
  miss();
  expect(following.isBehind).toBe(true);
  await take(3);
  await until(() => began.length === 2, "it goes on");
  expect(began).toEqual([2, 3]);
  following.close();
});

test("a Run that was left by another process: the thread is read again by who does not know it", async () => {
  const bus = localBus();
  let [reshaped, heard] = [0, 0];
  const following = new Following({
    ...{ bus, conversation: "conversation", live: () => Promise.resolve([]) },
    ...{ heard: () => heard++, began() {}, reshaped: () => reshaped++ },
    onError(error) {
      throw error;
    },
  });
  await following.ready;
  const [queued] = story(seeded(1)).events as [RunEvent];
  bus.publish("conversation", queued);
  bus.publish("conversation", { ...queued, n: 2 ** 32 }); // and by the next one
  expect([heard, reshaped]).toEqual([1, 1]);
  following.close();
});
