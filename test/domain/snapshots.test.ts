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
