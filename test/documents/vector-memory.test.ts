// The comparison of vectors: what it finds is what exact numbers find, only where it may look, also after documents
// came and went. If this fails, passages are found that mean something else, or those of other people.

import { describe, expect, test } from "bun:test";
import { fused, isNear } from "../../src/documents/fusion.ts";
import { quantized } from "../../src/documents/quantized.ts";
import { VectorMemory, type Vectors } from "../../src/documents/vector-memory.ts";
import type { PassageHit } from "../../src/domain/document.ts";
import { prefixesOf } from "../../src/upstream/prefixes.ts";
import { seeded } from "../seeded.ts";

const random = seeded(7);
const vector = (dims: number) =>
  Float32Array.from({ length: dims }, () => random.next() + random.next() + random.next() - 1.5);
const length = (v: Float32Array) => Math.hypot(...v);
const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, x, i) => sum + x * (b[i] as number), 0) / length(a) / length(b);

/** Vectors as they are stored. */
function packed(passages: readonly number[], vectors: readonly Float32Array[]): Vectors {
  const all = vectors.map(quantized);
  const dims = vectors[0]?.length ?? 0;
  const values = new Int8Array(all.length * dims);
  all.forEach((each, i) => void values.set(each.values, i * dims));
  const scales = Float32Array.from(all, ({ scale }) => scale);
  return { passages: Uint32Array.from(passages), scales, values };
}

interface Known {
  readonly passage: number;
  readonly document: number;
  readonly collection: number;
  readonly vector: Float32Array;
}

/** The nearest of some vectors by exact numbers. */
const exact = (question: Float32Array, known: readonly Known[], limit: number) =>
  known
    .map(({ passage, vector }) => ({ passage, score: cosine(question, vector) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, limit);

describe("vectors in memory", () => {
  for (const dims of [3, 16, 100, 384])
    test(`with ${dims} dimensions the nearest are found, with their cosines and the mean of the others`, () => {
      const memory = new VectorMemory(dims, 1 << 26);
      const known: Known[] = Array.from({ length: 1_000 }, (_, passage) => {
        const document = Math.floor(passage / 10);
        return { passage, document, collection: document % 3, vector: vector(dims) };
      });
      for (let document = 0; document < 100; document++) {
        const of = known.filter((each) => each.document === document);
        const vectors = packed(
          of.map(({ passage }) => passage),
          of.map((each) => each.vector),
        );
        expect(memory.add(document, document % 3, vectors)).toBe(true);
      }
      const question = vector(dims);
      const reach = known.filter(({ collection }) => collection !== 1);
      const best = exact(question, reach, 10);
      const near = memory.search(question, [0, 2, 9], 10);
      expect(
        near.passages.filter((each) => best.some(({ passage }) => passage === each)).length,
      ).toBeGreaterThan(8);
      for (const [i, score] of near.scores.entries())
        expect(Math.abs(score - (best[i]?.score as number))).toBeLessThan(0.02);
      const others = exact(question, reach, reach.length).slice(1);
      const mean = others.reduce((sum, { score }) => sum + score, 0) / others.length;
      expect(near.mean).toBeCloseTo(mean, 2);
    });

  test("documents come and go: only what is there is found, and its rows are used again", () => {
    const dims = 32;
    const memory = new VectorMemory(dims, 1 << 26);
    let known: Known[] = [];
    let passage = 0;
    for (let step = 0; step < 600; step++) {
      const document = random.below(40);
      const old = known.find((each) => each.document === document);
      if (old) memory.remove(document, old.collection);
      known = known.filter((each) => each.document !== document);
      const collection = random.below(4);
      const added = Array.from({ length: random.below(150) }, () => {
        return { passage: passage++, document, collection, vector: vector(dims) };
      });
      if (added.length > 0) {
        const numbers = added.map((each) => each.passage);
        const vectors = added.map((each) => each.vector);
        // in two parts, as a long document comes
        memory.add(document, collection, packed(numbers.slice(0, 70), vectors.slice(0, 70)));
        if (added.length > 70) memory.add(document, collection, packed(numbers.slice(70), vectors.slice(70)));
      }
      known.push(...added);
      if (step % 20 !== 0) continue;
      const question = vector(dims);
      const reach = [random.below(4), 3];
      const there = known.filter((each) => reach.includes(each.collection));
      const near = memory.search(question, [...new Set(reach)], there.length + 1);
      const positive = exact(question, there, there.length).filter(({ score }) => score > 0.01);
      for (const each of positive) expect(near.passages).toContain(each.passage);
      for (const each of near.passages) expect(there.some((other) => other.passage === each)).toBe(true);
    }
    const rows = 40 * 150;
    expect(memory.bytes).toBeLessThan(3 * rows * (dims + 8));
  });

  test("what exceeds the bound is left out, and the rest is found as before", () => {
    const memory = new VectorMemory(16, 200_000);
    const one = packed([1], [Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 1 : 0))]);
    expect(memory.add(1, 1, one)).toBe(true);
    const many = Array.from({ length: 20_000 }, () => vector(16));
    expect(memory.add(2, 1, packed([...many.keys()], many))).toBe(false);
    const question = Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 2 : 0));
    const near = memory.search(question, [1], 5);
    expect(near.passages).toEqual([1]);
    expect(near.scores[0]).toBeCloseTo(1, 2);
  });

  test("a vector without a direction, or of another length, finds nothing", () => {
    const memory = new VectorMemory(16, 1 << 20);
    memory.add(1, 1, packed([1], [vector(16)]));
    for (const question of [
      new Float32Array(16),
      new Float32Array(8).fill(1),
      new Float32Array(16).fill(Number.NaN),
    ])
      expect(memory.search(question, [1], 5)).toEqual({ passages: [], scores: [], mean: 0 });
    expect(quantized(new Float32Array(0))).toEqual({ scale: 0, values: new Int8Array(0) });
  });
});

describe("one list of two", () => {
  const hit = (document: string, score: number): PassageHit => ({
    ...{ collection: "c", document, path: document, title: null, page: 1, start: 0, end: 9, headings: [] },
    ...{ text: document, score },
  });
  const order = (hits: readonly PassageHit[]) => hits.map(({ document }) => document).join("");
  const words = [hit("a", 10), hit("b", 9.8), hit("c", 3)];

  test("a model that finds all about equally near moves little; one that is sure moves what is near to equal", () => {
    const flat = { hits: [hit("c", 0.81), hit("b", 0.8), hit("a", 0.8)], mean: 0.79 };
    expect(order(fused(words, flat, false))).toBe("abc");
    const sure = { hits: [hit("b", 0.9), hit("d", 0.3)], mean: 0.1 };
    expect(order(fused(words, sure, false))).toBe("bacd");
  });

  test("where words found no answer, the meaning comes first; what is far away is not shown", () => {
    const meaning = { hits: [hit("d", 0.9), hit("e", 0.15)], mean: 0.1 };
    expect(order(fused(words, meaning, true))).toBe("dabc");
    expect(order(fused([], meaning, true))).toBe("d");
  });

  test("near is what stands out from what is usual with a model", () => {
    expect(isNear(0.92, 0.75)).toBe(true);
    expect(isNear(0.8, 0.75)).toBe(false);
    expect(isNear(0.7, 0)).toBe(true);
    expect(isNear(undefined, 0)).toBe(false);
  });
});

test("families of models are known by their names, and others get no prefix", () => {
  for (const [name, question, passage] of [
    ["multilingual-e5-small-Q8_0.gguf", "query: ", "passage: "],
    ["e5-base.gguf", "query: ", "passage: "],
    ["nomic-embed-text-v2-moe.gguf", "search_query: ", "search_document: "],
    ["embeddinggemma-300M-Q8_0.gguf", "task: search result | query: ", "title: none | text: "],
    ["snowflake-arctic-embed-l-v2.0.gguf", "query: ", ""],
    ["bge-m3-Q8_0.gguf", "", ""],
    ["magpie.gguf", "", ""],
    ["we5t.gguf", "", ""],
  ] as const)
    expect({ name, ...prefixesOf(name) }).toEqual({ name, question, passage });
  for (const name of ["multilingual-e5-large-instruct.gguf", "Qwen3-Embedding-0.6B-Q8_0.gguf"])
    expect({ ...prefixesOf(name) }).toMatchObject({
      question: expect.stringMatching(/^Instruct: .*\nQuery: $/),
      passage: "",
    });
  expect(prefixesOf("bge-small-en-v1.5.gguf").question).toStartWith("Represent this sentence");
});
