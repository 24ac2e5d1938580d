// What is said while no model answers. If this fails, people read commands and paths that are for those who run parlor, or these don't.

import { expect, test } from "bun:test";
import type { UpstreamState } from "../../src/domain/upstream.ts";
import { UpstreamBanner } from "../../views/status.tsx";
import { type Language, wordsOf } from "../../views/words.ts";

const absent: UpstreamState = {
  ...{ status: "absent", url: "http://10.0.0.5:8080", slots: 1, foreignSlots: 0, contextTokens: null },
  ...{ vision: null, hearing: null, model: null, models: [], ours: false, progress: null },
};
const shown = (state: Partial<UpstreamState>, isAdmin: boolean, language: Language = "en"): string =>
  String(<UpstreamBanner upstream={{ ...absent, ...state }} isAdmin={isAdmin} words={wordsOf(language)} />);

test("who runs parlor reads where it looks, how to start a model, and what llama-server said", () => {
  expect(shown({}, true)).toContain("http://10.0.0.5:8080");
  expect(shown({}, true)).toContain("llama-server -m MODEL.gguf --port 8080");
  const failed = { percent: null, line: "error: /home/ada/model.gguf", failure: "file" } as const;
  expect(shown({ ours: true, status: "loading", progress: failed }, true)).toContain("/home/ada/model.gguf");
});

test("everybody else reads what it means for them: no address, command, path or line", () => {
  const failed = { percent: null, line: "error: /home/ada/model.gguf", failure: "file" } as const;
  const states: Partial<UpstreamState>[] = [
    {},
    { ours: true },
    { status: "loading" },
    { ours: true, status: "loading", progress: { percent: 40, line: "load_tensors: /srv/x" } },
    { ours: true, status: "loading", progress: failed },
  ];
  for (const language of ["en", "de"] as const)
    for (const state of states)
      expect(shown(state, false, language)).not.toMatch(/http|llama|gguf|\/srv|\/home|--/);
  expect(shown({}, false)).toContain(
    "The model is not there yet. The person who runs this parlor can start it.",
  );
  expect(shown({ status: "loading" }, false)).toContain("being loaded");
  expect(shown({ ours: true, status: "loading", progress: failed }, false)).toContain("not there yet");
});
