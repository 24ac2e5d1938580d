// The suite that the sources of every Store must pass.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { passagesIn, sourcesIn } from "../../src/domain/part.ts";
import type { FoundSource } from "../../src/store/sources.ts";
import type { QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding } from "./ending.ts";

const found = (passage: string): FoundSource => ({
  ...{ passage, document: "lease.md", page: 2, headings: ["Notice"], text: `text of ${passage}` },
});

/** Tests a Store that `open` makes empty. */
export function sourcesContract(name: string, open: () => Promise<Store>): void {
  describe(`sources: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const said = async (conversation: string): Promise<QueuedRun> => {
      const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };
      return (await store.say({ ...by, conversation, message: newId(), text: "question" })) as QueuedRun;
    };
    /** The numbers that these passages get for a new answer, which has ended then. */
    const numbered = async (conversation: string, ...passages: string[]) => {
      const { run } = await said(conversation);
      await store.start(run.id);
      const parts = (await store.sources.add(run.id, passages.map(found))) ?? [];
      await store.end(run.id, { ...doneEnding, parts: [...parts, { kind: "text", text: "answer" }] });
      return sourcesIn(parts).map(({ n }) => n);
    };

    test("a passage keeps its number in its conversation, and no other gets it", async () => {
      const [one, two] = [newId(), newId()];
      expect(await numbered(one, "a", "b")).toEqual([1, 2]);
      expect(await numbered(one, "c", "b", "d")).toEqual([3, 2, 4]);
      expect(await numbered(two, "c")).toEqual([1]);
      expect(await store.sources.find(one, 3)).toEqual({ kind: "source", n: 3, ...found("c") });
      expect(await store.sources.find(two, 1)).toEqual({ kind: "source", n: 1, ...found("c") });
      expect(await store.sources.find(two, 2)).toBeNull();
      expect(await store.sources.find("unknown", 1)).toBeNull();
    });

    test("a number is not given again when its answer is deleted, and comes back with it", async () => {
      const conversation = newId();
      await numbered(conversation, "a");
      const { thread } = await store.thread(conversation, { limit: 9 });
      const question = thread[0]?.message.id as string;
      await store.prune(conversation, question);
      expect(await store.sources.find(conversation, 1)).toBeNull();
      await store.unprune(conversation, question);
      expect(await store.sources.find(conversation, 1)).toMatchObject({ passage: "a" });
      await store.prune(conversation, question);
      await store.purge(Date.now() + 60_000);
      expect(await numbered(conversation, "b")).toEqual([2]);
    });

    test("an imported conversation goes on from the numbers that it brings", async () => {
      const conversation = newId();
      await numbered(conversation, "a", "b");
      const record = await store.record(conversation);
      const other = await open();
      await other.add(localPerson, record as NonNullable<typeof record>);
      const [id = ""] = await other.ids();
      expect(await other.sources.find(id, 2)).toMatchObject({ passage: "b" });
      await other.close();
      store = await reopened(store, record as NonNullable<typeof record>);
      const [again = ""] = await store.ids();
      expect(await numbered(again, "c", "b")).toEqual([3, 2]);
    });

    /** An empty Store that has imported a record, in the place of another one. */
    const reopened = async (before: Store, record: Parameters<Store["add"]>[1]) => {
      await before.close();
      const next = await open();
      await next.add(localPerson, record);
      return next;
    };

    test("sources are part of an answer in progress, before what it says", async () => {
      const conversation = newId();
      const { run, answer } = await said(conversation);
      expect(await store.sources.add(run.id, [found("a")])).toBeNull(); // it does not run yet
      await store.start(run.id);
      await store.sources.add(run.id, [found("a")]);
      await store.checkpoint([
        { run: run.id, step: 0, pieces: [{ kind: "text", text: "so far" }], streamBytes: 9 },
      ]);
      const [unfinished] = await store.unfinishedRuns();
      expect(unfinished?.draft.parts.map(({ kind }) => kind)).toEqual(["source", "text"]);
      const { thread } = await store.thread(conversation, { limit: 9 });
      expect(thread.at(-1)?.message).toMatchObject({ id: answer.id, text: "so far" });
    });

    test("passages that only come near have numbers, and are no sources", async () => {
      const conversation = newId();
      const { run } = await said(conversation);
      await store.start(run.id);
      const near = { ...found("a"), isNear: true } as const;
      const parts = (await store.sources.add(run.id, [near])) ?? [];
      expect(sourcesIn(parts)).toEqual([]);
      expect(passagesIn(parts)).toEqual([{ kind: "source", n: 1, ...near }]);
      await store.end(run.id, { ...doneEnding, parts });
      expect(await store.sources.find(conversation, 1)).toMatchObject({ passage: "a", isNear: true });
      expect(await numbered(conversation, "a", "b")).toEqual([1, 2]);
    });

    test("a Run without documents is one until it has ended", async () => {
      const conversation = newId();
      const { run, answer } = await said(conversation);
      expect(run.withoutDocuments).toBeUndefined();
      await store.start(run.id);
      await store.end(run.id, doneEnding);
      const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };
      const again = await store.retry({ ...by, conversation, message: answer.id, withoutDocuments: true });
      expect(again.run.withoutDocuments).toBe(true);
      expect((await store.unfinishedRuns()).map(({ run: { withoutDocuments } }) => withoutDocuments)).toEqual(
        [true],
      );
    });
  });
}
