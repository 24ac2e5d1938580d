// The suite that the vectors of every Store must pass.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { IndexedPassage } from "../../src/domain/document.ts";
import type { CollectionId } from "../../src/domain/id.ts";
import type { Store } from "../../src/store/store.ts";
import type { Vectors } from "../../src/store/vectors.ts";
import { putDocument } from "../documents/put.ts";
import { until } from "../llama/server.ts";

const passage = (text: string): IndexedPassage => ({
  ...{ page: 1, start: 0, end: text.length, headings: ["Lease"], text },
  ...{ words: text.split(" "), compounds: [] },
});
const values = Int8Array.of(1, -2, 127);

/** Tests a Store that `open` makes empty. */
export function vectorsContract(name: string, open: () => Promise<Store>): void {
  describe(`vectors: ${name}`, () => {
    let store: Store;
    let vectors: Vectors;
    let lease: CollectionId;
    let model: number;
    beforeEach(async () => {
      store = await open();
      vectors = store.documents.vectors;
      lease = (await store.collections.add(null, "lease", null)).id;
      model = await vectors.model({ name: "one", prefix: "", dims: 3 });
    });
    afterEach(() => store.close());

    const put = (path: string, ...texts: string[]) =>
      putDocument(store, lease, { path, hash: path }, texts.map(passage));
    /** Makes the vectors of all passages, `limit` at a time. */
    const fill = async (by = model, limit = 2) => {
      const done: string[] = [];
      for (;;) {
        const some = await vectors.lacking(by, limit);
        if (some.length === 0) return done;
        expect(some.length).toBeLessThanOrEqual(limit);
        done.push(...some.map(({ text }) => text));
        const rows = some.map((each) => ({ passage: each.passage, scale: 0.5, values }));
        await vectors.add(by, rows);
      }
    };
    const textsOf = async (by = model) => {
      const documents = await vectors.documents(by, 0, 100);
      const all = await Promise.all(documents.map(({ document }) => vectors.of(document, 0, 100)));
      const numbers = all.flat().map((each) => each.passage);
      const [collection] = await vectors.collections([lease]);
      const found = await vectors.passages(numbers, [collection as number]);
      return [...found.values()].map(({ text }) => text).sort();
    };

    test("a model has one number; another prefix or length is another model", async () => {
      const same = await vectors.model({ name: "one", prefix: "", dims: 3 });
      const others = [
        await vectors.model({ name: "one", prefix: "passage: ", dims: 3 }),
        await vectors.model({ name: "one", prefix: "", dims: 4 }),
        await vectors.model({ name: "two", prefix: "", dims: 3 }),
      ];
      expect(same).toBe(model);
      expect(new Set([model, ...others]).size).toBe(4);
    });

    test("each passage lacks a vector until it has one, with what a model reads of it", async () => {
      await put("a", "first", "second", "third");
      await put("b", "fourth");
      const [first] = await vectors.lacking(model, 1);
      expect(first).toMatchObject({ path: "a", title: null, headings: ["Lease"], text: "first" });
      expect(await vectors.progress(model)).toEqual({ done: 0, total: 4 });
      expect(await fill()).toEqual(["first", "second", "third", "fourth"]);
      expect(await vectors.progress(model)).toEqual({ done: 4, total: 4 });
    });

    test("a document is shown when all of it has vectors, which come back as they were stored", async () => {
      await put("a", "first", "second", "third");
      const before = await vectors.state(model);
      const [first] = await vectors.lacking(model, 1);
      await vectors.add(model, [{ passage: first?.passage as number, scale: 0.25, values }]);
      expect(await vectors.documents(model, 0, 10)).toEqual([]);
      expect(await vectors.state(model)).toBe(before);
      await fill();
      const [document] = await vectors.documents(model, 0, 10);
      expect(await vectors.documents(model, document?.document as number, 10)).toEqual([]);
      expect(await vectors.state(model)).not.toBe(before);
      const stored = await vectors.of(document?.document as number, 0, 2);
      expect(stored[0]).toEqual({ passage: first?.passage as number, scale: 0.25, values });
      const rest = await vectors.of(document?.document as number, stored[1]?.passage as number, 9);
      expect([stored.length, rest.length]).toEqual([2, 1]);
    });

    test("another model makes all vectors anew, in place of the earlier ones", async () => {
      await put("a", "first", "second");
      await fill();
      const other = await vectors.model({ name: "two", prefix: "", dims: 3 });
      expect(await vectors.progress(other)).toEqual({ done: 0, total: 2 });
      expect(await fill(other)).toEqual(["first", "second"]);
      expect(await vectors.documents(model, 0, 9)).toEqual([]);
      expect(await textsOf(other)).toEqual(["first", "second"]);
      expect(await vectors.lacking(model, 9)).toHaveLength(2);
    });

    test("a replaced document lacks its vectors; what is gone is not shown, and takes none", async () => {
      await put("a", "old");
      await fill();
      const state = await vectors.state(model);
      await put("a", "new");
      expect(await textsOf()).toEqual([]);
      const lacking = await vectors.lacking(model, 9);
      expect(lacking.map(({ text }) => text)).toEqual(["new"]);
      await store.documents.forget(lease, "a");
      expect(await vectors.lacking(model, 9)).toEqual([]);
      const gone = lacking.map((each) => ({ passage: each.passage, scale: 1, values }));
      await until(async () => {
        await vectors.add(model, gone);
        const [collection] = await vectors.collections([lease]);
        return (await vectors.passages([lacking[0]?.passage as number], [collection as number])).size === 0;
      }, "it is erased");
      expect(await vectors.state(model)).not.toBe(state);
      expect(await vectors.progress(model)).toEqual({ done: 0, total: 0 });
    });

    test("passages are told only of collections that are named; unknown and removed ones have no number", async () => {
      const other = (await store.collections.add(null, "other", null)).id;
      await put("a", "first");
      await fill();
      const [mine, others] = await vectors.collections([lease, other, "unknown"]);
      const [document] = await vectors.documents(model, 0, 9);
      const [row] = await vectors.of(document?.document as number, 0, 9);
      const at = (...collections: (number | undefined)[]) =>
        vectors.passages([row?.passage as number, 999], collections as number[]);
      expect((await at(others)).size).toBe(0);
      expect((await at()).size).toBe(0);
      expect([...(await at(others, mine)).values()]).toMatchObject([{ path: "a", text: "first" }]);
      await store.collections.remove(lease);
      expect(await vectors.collections([lease])).toEqual([]);
      expect((await at(mine)).size).toBe(0);
    });
  });
}
