// What a reader knows of an answer when its Run starts. If this fails, citations are plain text on a page that
// follows the answer, or a page loses text that another process had written.

import { expect, test } from "bun:test";
import type { RunEvent, Snapshot } from "../../src/domain/event.ts";
import type { Part, Parts } from "../../src/domain/part.ts";
import { Snapshots } from "../../src/domain/snapshots.ts";

const found = { passage: "p", document: "d", page: 1, headings: [], text: "a passage" };
const source: Part = { kind: "source", n: 1, ...found };
const text: Part = { kind: "text", text: "so far" };

const ids = { run: "r", messageId: "m" };
const known = (parts: Parts): Snapshot => ({
  ...ids,
  owner: "o",
  n: 0,
  status: "queued",
  parts,
  from: 0,
  thinkingSince: null,
  place: null,
  progress: null,
  stopping: false,
});
const started = (parts: Parts): RunEvent => ({
  ...ids,
  conversation: "c",
  kind: "started",
  n: 1,
  answer: { id: "m", conversation: "c", parent: null, role: "assistant", parts, text: "", createdAt: 0 },
});
const partsAfter = (before: Parts, parts: Parts) => {
  const snapshots = new Snapshots([known(before)]);
  snapshots.take(started(parts));
  return snapshots.all[0]?.parts;
};

test("the passages that a Run has found come with its start", () => {
  expect(partsAfter([], [source])).toEqual([source]);
});

test("what is known already stays", () => {
  expect(partsAfter([source, text], [source])).toEqual([source, text]);
  expect(partsAfter([text], [])).toEqual([text]);
});

const queued = (n: number): RunEvent => ({
  ...(started([]) as RunEvent & { kind: "started" }),
  ...{ kind: "queued", owner: "o", question: null, n },
});
const piece = (n: number, at: number, words: string): RunEvent => ({
  ...{ ...ids, conversation: "c", kind: "part", n, at, from: 0, since: null },
  piece: { kind: "text", text: words },
});
const told = (events: readonly RunEvent[], snapshots: Snapshots) =>
  events.map((event) => {
    const fresh = snapshots.take(event);
    return fresh !== null && fresh !== "missing" && fresh.kind === "part" ? fresh.piece.text : fresh;
  });

test("a Run that another process takes over goes on where the reader is: nothing twice, nothing missing", () => {
  const snapshots = new Snapshots([{ ...known([text]), status: "running", n: 7 }]);
  const later = 2 ** 32;
  // the new process knows the text up to its last checkpoint, "so", and the old one is heard once more
  const events = [
    ...[queued(later), { ...started([]), n: later + 1 } as RunEvent],
    ...[
      piece(later + 2, 2, " f"),
      piece(8, 4, "ar,"),
      piece(later + 3, 4, "ar, so"),
      piece(later + 4, 10, " good"),
    ],
  ];
  expect(told(events, snapshots)).toEqual([null, null, null, ",", " so", " good"]);
  expect(snapshots.all[0]?.parts).toEqual([{ kind: "text", text: "so far, so good" }]);
});

test("a step that the new process does anew is read again", () => {
  const snapshots = new Snapshots([{ ...known([text]), status: "running", n: 7 }]);
  const later = 2 ** 32;
  // one number is left out when the step is begun anew
  expect(told([queued(later), { ...started([]), n: later + 2 } as RunEvent], snapshots)).toEqual([
    null,
    "missing",
  ]);
});
