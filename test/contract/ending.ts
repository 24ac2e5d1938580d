// The end of a Run that went well, as tests of a Store write it: each changes what it is about.

import type { Ending } from "../../src/store/store.ts";

export const doneEnding: Ending = {
  status: "done",
  text: "answer",
  reasoning: "",
  finish: "stop",
  failure: null,
  stats: {},
  tokens: 1,
  slotFreed: true,
};
