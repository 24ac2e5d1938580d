// What `parlor doctor` makes of what it finds, for machines that are not here as well. If this fails, somebody is sent the wrong way.

import { describe, expect, test } from "bun:test";
import {
  ofProgram,
  ofServer,
  ofSlots,
  readDevices,
  readLog,
  type ServerFindings,
} from "../../src/commands/diagnosis.ts";

const well: ServerFindings = {
  url: "http://x:1",
  health: 200,
  version: "b1",
  model: "m",
  isRouter: false,
  slots: 4,
  contextTokens: 8192,
  hasMetrics: true,
  hasSlotsEndpoint: true,
  isRefusing: false,
  proxy: null,
  isUnified: false,
  offloaded: [33, 33],
};
const advice = (found: Partial<ServerFindings>) =>
  ofServer({ ...well, ...found }).filter(({ kind }) => kind !== "fine");

describe("a llama-server", () => {
  test("that is well gets no advice", () => {
    expect(advice({})).toEqual([]);
  });

  const cases: [string, Partial<ServerFindings>, "better" | "wrong", RegExp][] = [
    ["that is not there", { health: null }, "wrong", /no llama-server answers.*--port 1/],
    [
      "behind a proxy that does not reach it",
      { health: 503, proxy: "HTTP_PROXY" },
      "wrong",
      /HTTP_PROXY.*NO_PROXY/,
    ],
    ["that wants a key", { isRefusing: true }, "wrong", /--llama-api-key/],
    ["that loads", { health: 503 }, "better", /loading/],
    ["that is something else", { health: 404 }, "wrong", /\(404\)/],
    ["with one slot", { slots: 1 }, "better", /-np 4/],
    ["with little context", { contextTokens: 2048 }, "better", /-c 16384/],
    ["whose slots share one context", { isUnified: true }, "better", /-np 4 -c 32768/],
    ["with half a GPU", { offloaded: [20, 33] }, "better", /20 of 33/],
    ["without --metrics", { hasMetrics: false }, "better", /--metrics/],
    ["with --no-slots", { hasSlotsEndpoint: false }, "better", /--no-slots/],
  ];
  for (const [name, found, kind, text] of cases)
    test(name, () => {
      expect(advice(found)).toEqual([{ kind, text: expect.stringMatching(text) }]);
    });
});

describe("the program", () => {
  const program = { path: "/x/llama-server", version: "version: 1", build: null, cpus: 8 };
  const listed = (text: string) =>
    ofProgram({ ...program, devices: readDevices(text) }).map((line) => line.text);

  test("by what it lists as its devices: CUDA, Metal, Vulkan, none", () => {
    const cuda = listed("Available devices:\n  CUDA0: NVIDIA GeForce RTX 4090 (24217 MiB, 23654 MiB free)\n");
    expect(cuda.some((text) => text.includes("RTX 4090"))).toBe(true);
    expect(cuda.at(-1)).toMatch(/^CUDA: .*-ngl/);
    expect(listed("Available devices:\n  Metal: Apple M2 (16384 MiB, 16383 MiB free)\n").at(-1)).toMatch(
      /^Metal/,
    );
    expect(listed("Available devices:\n  Vulkan0: AMD Radeon (8192 MiB, 8000 MiB free)\n").at(-1)).toMatch(
      /^Vulkan/,
    );
    expect(listed("some log\nAvailable devices:\n  (none)\n").at(-1)).toMatch(/no GPU.*8 processors/);
    expect(listed("nothing of the kind").at(-1)).toContain("--list-devices");
    expect(ofProgram({ ...program, path: null, devices: null })[0]?.kind).toBe("better");
  });
});

test("what it prints at its start says whether slots share a context and what is on the GPU", () => {
  expect(
    readLog([
      "srv: initializing, n_slots = 4, n_ctx_slot = 4096, kv_unified = 'true'",
      "load_tensors: offloaded 20/33 layers to GPU",
    ]),
  ).toEqual({
    isUnified: true,
    offloaded: [20, 33],
  });
  expect(readLog([])).toEqual({ isUnified: null, offloaded: null });
});

describe("all slots together", () => {
  const texts = (slots: number, slotsMax: number, fetchesMax: number) =>
    ofSlots([{ slots }, { slots: null }], { slotsMax, fetchesMax }).map(
      ({ kind, text }) => `${kind} ${text}`,
    );

  test("that can be used get no advice", () => {
    expect(texts(200, 200, 256)).toEqual([]);
  });

  test("that can't all be used are named, with what would let them", () => {
    expect(texts(400, 200, 256)).toEqual([expect.stringMatching(/^better 400 slots.*--slots-max 200/)]);
    expect(texts(400, 400, 256)).toEqual([
      expect.stringMatching(/^wrong 256 .*BUN_CONFIG_MAX_HTTP_REQUESTS=800/),
    ]);
    expect(texts(400, 400, 800)).toEqual([]);
  });
});
