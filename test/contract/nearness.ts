// The suite of what finds the vectors near a question, whoever compares them: the Store, or a thread.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { quantized } from "../../src/documents/quantized.ts";
import { VectorSearch } from "../../src/documents/vector-search.ts";
import type { CollectionId } from "../../src/domain/id.ts";
import type { Store } from "../../src/store/store.ts";
import type { IndexedModel } from "../../src/store/vectors.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { putDocument } from "../documents/put.ts";
import { until } from "../llama/server.ts";
import { seeded } from "../seeded.ts";

const dims = 16;
const log = openLog({ level: "error", format: "json", write() {} });

/** Tests a search over a Store that `open` makes empty. */
export function nearnessContract(name: string, open: () => Promise<Store>): void {
  describe(`nearness: ${name}`, () => {
    let store: Store;
    let search: VectorSearch;
    let model: IndexedModel;
    /** The vector of each text. */
    const made = new Map<string, Float32Array>();
    const random = seeded(3);
    const vector = (length = dims) => Float32Array.from({ length }, () => random.next() + random.next() - 1);
    const none = new AbortController().signal;

    beforeEach(async () => {
      store = await open();
      const { vectors } = store.documents;
      search = new VectorSearch({ vectors, vectorsMaxBytes: 1 << 24, log });
      model = { number: await vectors.model({ name: "one", prefix: "", dims }), dims };
    });
    afterEach(async () => {
      search.close();
      made.clear();
      await store.close();
    });

    const collection = async (called: string) => (await store.collections.add(null, called, null)).id;
    const put = (within: CollectionId, path: string, texts: readonly string[]) =>
      putDocument(
        store,
        within,
        { path, hash: path },
        texts.map((text) => ({
          ...{ page: 1, start: 0, end: text.length, headings: [], text },
          ...{ words: [text], compounds: [] },
        })),
      );
    /** Makes the vectors that lack, and makes them comparable. */
    const fill = async (by = model) => {
      const { vectors } = store.documents;
      for (;;) {
        const some = await vectors.lacking(by.number, 32);
        if (some.length === 0) break;
        const rows = some.map(({ passage, text }) => {
          if (made.get(text)?.length !== by.dims) made.set(text, vector(by.dims));
          return { passage, ...quantized(made.get(text) as Float32Array) };
        });
        await vectors.add(by.number, rows);
      }
      await search.sync(by, none);
    };
    /** The texts that are nearest to a vector, with the cosines and the mean. */
    const near = async (to: Float32Array, within: readonly CollectionId[], limit = 5, by = model) => {
      const { vectors } = store.documents;
      const numbers = await vectors.collections(within);
      const found = await search.search(by, to, numbers, limit);
      if (found === null) return null;
      const passages = await vectors.passages(found.passages, numbers);
      const texts = found.passages.flatMap((passage) => passages.get(passage)?.text ?? []);
      return { texts, scores: found.scores, mean: found.mean };
    };
    const cosine = (a: Float32Array, b: Float32Array) => {
      const product = (x: Float32Array, y: Float32Array) =>
        x.reduce((sum, each, i) => sum + each * (y[i] as number), 0);
      return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
    };
    const texts = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

    test("the nearest come first, with their cosines, and the mean of the others", async () => {
      const lease = await collection("lease");
      await put(lease, "a", texts("a", 60));
      await put(lease, "b", texts("b", 40));
      await fill();
      for (let round = 0; round < 5; round++) {
        const question = vector();
        const exact = [...made].map(([text, of]) => ({ text, score: cosine(of, question) }));
        exact.sort((a, b) => b.score - a.score);
        const found = await near(question, [lease], 10);
        expect(found?.scores).toHaveLength(10);
        for (const [i, score] of (found?.scores ?? []).entries()) {
          expect(score).toBeCloseTo(exact[i]?.score as number, 1);
          const { score: own } = exact.find(({ text }) => text === found?.texts[i]) as { score: number };
          expect(score).toBeCloseTo(own, 1);
        }
        const others = exact.slice(1).reduce((sum, { score }) => sum + score, 0) / 99;
        expect(found?.mean).toBeCloseTo(others, 1);
      }
    });

    test("only the collections in reach are looked at; what points the other way is not near", async () => {
      const [mine, theirs, empty] = await Promise.all(["mine", "theirs", "empty"].map(collection));
      await put(mine as string, "a", ["like", "unlike"]);
      await put(theirs as string, "a", ["same"]);
      const question = vector();
      made.set("same", question);
      made.set(
        "like",
        question.map((each, i) => each + (i === 0 ? 0.3 : 0)),
      );
      made.set(
        "unlike",
        question.map((each) => -each),
      );
      await fill();
      expect((await near(question, [mine as string]))?.texts).toEqual(["like"]);
      expect((await near(question, [mine as string, theirs as string]))?.texts).toEqual(["same", "like"]);
      expect((await near(question, [mine as string, theirs as string], 1))?.texts).toEqual(["same"]);
      expect((await near(question, [empty as string]))?.texts).toEqual([]);
      expect((await near(question, []))?.texts).toEqual([]);
    });

    test("what was replaced or removed is not found, what came later is", async () => {
      const lease = await collection("lease");
      await put(lease, "a", ["old"]);
      await put(lease, "b", ["other"]);
      const question = vector();
      for (const text of ["old", "other", "new"]) made.set(text, question);
      await fill();
      expect((await near(question, [lease]))?.texts.sort()).toEqual(["old", "other"]);
      await put(lease, "a", ["new"]);
      await store.documents.forget(lease, "b");
      await fill();
      await until(
        async () => (await near(question, [lease]))?.texts.join() === "new",
        "the new one is found",
      );
    });

    test("another model compares by its own vectors, of another length; the one before is kept until then", async () => {
      const lease = await collection("lease");
      await put(lease, "a", ["first", "second"]);
      await fill();
      const before = made.get("first") as Float32Array;
      const number = await store.documents.vectors.model({ name: "two", prefix: "", dims: 8 });
      expect((await near(before, [lease], 1))?.texts).toEqual(["first"]);
      const other = { number, dims: 8 };
      await search.sync(other, none);
      expect((await near(vector(8), [lease], 5, other))?.texts).toEqual([]);
      await fill(other);
      expect((await near(made.get("second") as Float32Array, [lease], 1, other))?.texts).toEqual(["second"]);
      await fill(model);
      expect((await near(made.get("first") as Float32Array, [lease], 1))?.texts).toEqual(["first"]);
    });

    test("a passage without a vector is not found, nor anything by a vector without a direction", async () => {
      const lease = await collection("lease");
      await put(lease, "a", ["first", "refused"]);
      made.set("refused", new Float32Array(dims));
      await fill();
      const found = await near(made.get("first") as Float32Array, [lease]);
      expect(found?.texts).toEqual(["first"]);
      for (const question of [new Float32Array(dims), vector(8)])
        expect(await near(question, [lease])).toEqual({ texts: [], scores: [], mean: 0 });
    });
  });
}
