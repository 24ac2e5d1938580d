// What tests of a Store write into it: answers, drafts, and the end of a Run that went well.

import type { RunId } from "../../src/domain/id.ts";
import type { WrittenPart } from "../../src/domain/part.ts";
import type { Draft, Ending } from "../../src/store/store.ts";

/** An answer of a thought and a text; what is empty is no part. */
export const parts = (text: string, thought = ""): WrittenPart[] =>
  [{ kind: "thought", text: thought } as const, { kind: "text", text } as const].filter(
    (part) => part.text !== "",
  );

/** What a Run's first step has written since its last checkpoint. */
export const draft = (run: RunId, text: string, thought = "", streamBytes = 0): Draft => ({
  ...{ run, step: 0, pieces: parts(text, thought), streamBytes },
});

export const doneEnding: Ending = {
  status: "done",
  parts: parts("answer"),
  finish: "stop",
  failure: null,
  stats: {},
  tokens: 1,
  slotFreed: true,
};
