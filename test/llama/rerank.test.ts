// Judge, the test model that reranks, on the real llama-server; and the form of its answers. If this fails, tests of
// reranking test nothing.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { lease, leaseQuestions } from "./lease.ts";
import { type Llama, startLlama } from "./server.ts";

let llama: Llama;
beforeAll(async () => {
  llama = await startLlama({ model: "judge" });
});
afterAll(() => llama.stop());

interface Ranked {
  readonly results: readonly { readonly index: number; readonly relevance_score: number }[];
}

const post = (path: string, body: object): Promise<Response> =>
  fetch(llama.url + path, { method: "POST", body: JSON.stringify(body) });

async function rerank(query: string, more: object = {}): Promise<Ranked["results"]> {
  const response = await post("/v1/rerank", { query, documents: lease, ...more });
  return ((await response.json()) as Ranked).results;
}

for (const [question, passage] of leaseQuestions)
  test(`"${question}" is answered by passage ${passage + 1}`, async () => {
    const [first, second] = await rerank(question);
    expect(first?.index).toBe(passage);
    expect(first?.relevance_score as number).toBeGreaterThan((second?.relevance_score as number) + 0.1);
  });

test("the best come first, as many as are asked for; scores are no probabilities", async () => {
  const all = await rerank("Are dogs allowed?");
  expect(all.length).toBe(lease.length);
  const scores = all.map(({ relevance_score }) => relevance_score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(scores.at(-1)).toBeLessThan(0);
  expect(await rerank("Are dogs allowed?", { top_n: 2 })).toEqual(all.slice(0, 2));
});

test("a document that is longer than a batch fails the whole request, as an error of the server", async () => {
  const response = await post("/v1/rerank", { query: "Hund", documents: [lease[0], "Hund ".repeat(600)] });
  expect(await response.json()).toMatchObject({
    error: { code: 500, type: "server_error", message: expect.stringContaining("is too large to process") },
  });
});

test("asked to embed, it answers 200 all the same: that says nothing about what a model is for", async () => {
  expect((await post("/v1/embeddings", { input: "Hund" })).status).toBe(200);
});
