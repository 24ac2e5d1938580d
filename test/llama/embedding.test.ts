// Magpie, the test model that embeds, on the real llama-server; and what llama-server does with texts to embed that
// search by meaning relies on. If this fails, tests of search test nothing.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { lease, leaseQuestions } from "./lease.ts";
import { type Llama, startLlama } from "./server.ts";

let llama: Llama;
beforeAll(async () => {
  llama = await startLlama({ model: "magpie" });
});
afterAll(() => llama.stop());

interface Embedded {
  readonly data: readonly { readonly embedding: readonly number[] | string; readonly index: number }[];
  readonly usage: { readonly prompt_tokens: number };
}

const request = (input: unknown, more: object = {}): Promise<Response> =>
  fetch(`${llama.url}/v1/embeddings`, { method: "POST", body: JSON.stringify({ input, ...more }) });

/** The vectors of these texts, from one request. */
async function embed(...texts: string[]): Promise<Float32Array[]> {
  const { data } = (await (await request(texts, { encoding_format: "base64" })).json()) as Embedded;
  expect(data.map(({ index }) => index)).toEqual(texts.map((_, i) => i));
  return data.map(({ embedding }) => {
    const { buffer } = Uint8Array.from(Buffer.from(embedding as string, "base64"));
    return new Float32Array(buffer); // little-endian, as every machine that this runs on
  });
}

/** Of vectors of length 1 the cosine of their angle. */
const likeness = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

test("texts of one meaning are near each other, across words and languages; others are not", async () => {
  const [wagen, auto, car, hund] = (await embed(
    "Mein Wagen steht vor dem Gebäude",
    "Das Auto parkt am Haus",
    "Where is the car?",
    "Der Hund bellt im Garten",
  )) as [Float32Array, Float32Array, Float32Array, Float32Array];
  expect(likeness(wagen, auto)).toBeGreaterThan(0.6);
  expect(likeness(wagen, car)).toBeGreaterThan(0.4);
  expect(likeness(wagen, hund)).toBeLessThan(0.3);
});

test("each question is nearest to the passage that answers it", async () => {
  const passages = await embed(...lease);
  const questions = await embed(...leaseQuestions.map(([question]) => question));
  const nearest = questions.map((question) => {
    const all = passages.map((passage) => likeness(question, passage));
    return all.indexOf(Math.max(...all));
  });
  expect(nearest).toEqual(leaseQuestions.map(([, passage]) => passage));
});

test("vectors have length 1 and all their dimensions, whichever are asked for; as numbers they are the same", async () => {
  const [packed] = (await embed(lease[0])) as [Float32Array];
  expect(Math.hypot(...packed)).toBeCloseTo(1, 5);
  const { data, usage } = (await (await request(lease[0], { dimensions: 8 })).json()) as Embedded;
  const numbers = data[0]?.embedding as number[];
  expect(numbers.length).toBe(packed.length);
  for (const [i, x] of numbers.entries()) expect(x).toBeCloseTo(packed[i] as number, 5);
  expect(usage.prompt_tokens).toBeGreaterThan(10);
});

test("a text that is longer than a batch fails its whole request, as an error of the server; the next is answered", async () => {
  const response = await request([lease[0], "Hund ".repeat(600), lease[1]]);
  const { error } = (await response.json()) as { error: { type: string; message: string } };
  expect({ status: response.status, type: error.type }).toEqual({ status: 500, type: "server_error" });
  expect(error.message).toMatch(
    /^input \(602 tokens\) is too large to process\. increase the physical batch size \(current batch size: 512\)/,
  );
  expect((await request(lease[0])).status).toBe(200);
});

test("an empty text gets a vector like any other, which says nothing", async () => {
  const [empty] = (await embed("", lease[0])) as [Float32Array];
  expect(Math.hypot(...empty)).toBeCloseTo(1, 5);
});

test("it can't chat, but neither that error nor its capabilities say what it is for", async () => {
  const body = JSON.stringify({ messages: [{ role: "user", content: "Hallo" }] });
  const chat = await fetch(`${llama.url}/v1/chat/completions`, { method: "POST", body });
  expect(await chat.json()).toMatchObject({ error: { code: 500, type: "server_error" } });
  const models = await (await fetch(`${llama.url}/v1/models`)).json();
  expect(models).toMatchObject({ models: [{ capabilities: ["completion"] }] });
});
