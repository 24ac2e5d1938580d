// The suite that every Store must pass. An adapter's test file is six lines that call this.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { newId } from "../../src/domain/conversation.ts";
import { Failure } from "../../src/domain/failure.ts";
import type { Ending, Said, Store } from "../../src/store/store.ts";

const done: Ending = { status: "done", text: "answer", reasoning: "thought", finish: "stop", failure: null, stats: { outputTokens: 3 }, slotFreed: true };

/** Tests a Store that `open` makes empty. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`Store: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const say = async (conversation: string, text = "question", message = newId()): Promise<Said> =>
      (await store.say({ conversation, message, text, queueMaxRuns: 10 })) as Said;
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => "none",
        (error: unknown) => (error instanceof Failure ? error.code : String(error)),
      );

    test("the first message makes the conversation, its answer and a queued Run", async () => {
      const conversation = newId();
      expect(await store.conversation(conversation)).toBeNull();
      expect(await store.thread(conversation)).toEqual([]);
      const { question, answer, run } = await say(conversation, "Grüße 🦜");
      expect(question).toMatchObject({ conversation, parent: null, role: "user", text: "Grüße 🦜" });
      expect(answer).toMatchObject({ conversation, parent: question?.id ?? "", role: "assistant", text: "" });
      expect(run).toMatchObject({ conversation, message: answer.id, status: "queued", failure: null, stats: {}, slotFreed: true });
      expect(await store.conversation(conversation)).toMatchObject({ id: conversation, head: answer.id });
      expect(await store.thread(conversation)).toEqual([
        { message: question as never, run: null },
        { message: answer, run },
      ]);
    });

    test("the same message id twice changes nothing, even when the Run is long over", async () => {
      const conversation = newId();
      const { question, run } = await say(conversation);
      const before = await store.thread(conversation);
      expect(await store.say({ conversation, message: question?.id as string, text: "other", queueMaxRuns: 10 })).toBeNull();
      expect(await store.thread(conversation)).toEqual(before);
      await store.end(run.id, done);
      expect(await store.say({ conversation, message: question?.id as string, text: "other", queueMaxRuns: 10 })).toBeNull();
      expect(await store.thread(conversation)).toHaveLength(2);
    });

    test("a conversation has one Run at a time", async () => {
      const conversation = newId();
      const { run, answer } = await say(conversation);
      expect(await codeOf(say(conversation))).toBe("conversation_busy");
      expect(await codeOf(store.retry({ conversation, message: answer.id, queueMaxRuns: 10 }))).toBe("conversation_busy");
      await store.start(run.id);
      expect(await codeOf(say(conversation))).toBe("conversation_busy");
      expect(await store.thread(conversation)).toHaveLength(2);
      await store.end(run.id, done);
      await say(conversation);
      expect(await store.thread(conversation)).toHaveLength(4);
    });

    test("a full queue refuses, and stores nothing", async () => {
      for (let i = 0; i < 3; i++) await store.say({ conversation: newId(), message: newId(), text: "x", queueMaxRuns: 3 });
      const conversation = newId();
      expect(await codeOf(store.say({ conversation, message: newId(), text: "x", queueMaxRuns: 3 }))).toBe("queue_full");
      expect(await store.conversation(conversation)).toBeNull();
    });

    test("a Run starts once and ends once", async () => {
      const { run, answer } = await say(newId());
      expect([await store.start(run.id), await store.start(run.id)]).toEqual([true, false]);
      const ended = await store.end(run.id, { ...done, failure: { code: "upstream_cut", facts: { a: 1 } }, slotFreed: false, status: "failed" });
      expect(ended?.message).toEqual({ ...answer, text: "answer", reasoning: "thought" });
      expect(ended?.run).toEqual({
        ...run,
        status: "failed",
        finish: "stop",
        failure: { code: "upstream_cut", facts: { a: 1 } },
        stats: { outputTokens: 3 },
        slotFreed: false,
      });
      expect(await store.end(run.id, { ...done, text: "later" })).toBeNull();
      expect(await store.start(run.id)).toBe(false);
      expect((await store.thread(run.conversation)).at(-1)?.message.text).toBe("answer");
    });

    test("another attempt is a sibling that becomes the head; what is sent is the path to it", async () => {
      const conversation = newId();
      const first = await say(conversation, "one");
      await store.end(first.run.id, done);
      const second = await say(conversation, "two");
      await store.end(second.run.id, { ...done, status: "failed", text: "half" });
      const again = await store.retry({ conversation, message: second.answer.id, queueMaxRuns: 10 });
      expect(again.question).toBeNull();
      expect(again.answer.parent).toBe(second.question?.id as string);
      expect((await store.thread(conversation)).map(({ message }) => message.text)).toEqual(["one", "answer", "two", ""]);
      expect((await store.history(again.answer.id)).map(({ role, text }) => [role, text])).toEqual([
        ["user", "one"],
        ["assistant", "answer"],
        ["user", "two"],
      ]);
    });

    test("only the head can be tried again, and only in its own conversation", async () => {
      const conversation = newId();
      const first = await say(conversation);
      await store.end(first.run.id, done);
      const second = await say(conversation);
      await store.end(second.run.id, done);
      for (const message of [first.answer.id, first.question?.id as string, newId()])
        expect(await codeOf(store.retry({ conversation, message, queueMaxRuns: 10 }))).toBe("not_found");
      expect(await codeOf(store.retry({ conversation: newId(), message: second.answer.id, queueMaxRuns: 10 }))).toBe("not_found");
    });

    test("what is forgotten is gone, and only that", async () => {
      const kept = await say(newId());
      const { run } = await say(newId());
      await store.forget(run.conversation);
      await store.forget(newId());
      expect(await store.thread(run.conversation)).toEqual([]);
      expect(await store.conversation(run.conversation)).toBeNull();
      expect(await store.thread(kept.run.conversation)).toHaveLength(2);
    });

    test("any text comes back as it went in", async () => {
      const text = `'; drop table messages; -- \u2028\ufeff\r\n\t"{}" ${"long ".repeat(10_000)}🦜`;
      const { run } = await say(newId(), text);
      expect((await store.thread(run.conversation))[0]?.message.text).toBe(text);
    });

    test("it says that it can be written", async () => {
      await store.probe();
    });
  });
}
