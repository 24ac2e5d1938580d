// The suite that every Store must pass. An adapter's test file is six lines that call this.
// Promises: R2, R3, R4, Q9.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import type { ListPlace } from "../../src/domain/conversation.ts";
import { Failure } from "../../src/domain/failure.ts";
import { newId } from "../../src/domain/id.ts";
import type { ConversationRecord } from "../../src/domain/record.ts";
import type { Ending, QueuedRun, Store } from "../../src/store/store.ts";
import { until } from "../llama/server.ts";
import { seeded } from "../seeded.ts";
import { doneEnding, draft, parts } from "./ending.ts";

/** Who asks in these tests, within no limits. */
const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };

const done: Ending = {
  ...doneEnding,
  parts: parts("answer", "thought"),
  stats: { outputTokens: 3 },
  tokens: 3,
};

/** Tests a Store that `open` makes empty. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`Store: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const say = async (conversation: string, text = "question", message = newId()): Promise<QueuedRun> =>
      (await store.say({ conversation, message, text, ...by })) as QueuedRun;
    const answered = async (conversation: string, text: string): Promise<QueuedRun> => {
      const said = await say(conversation, text);
      await store.end(said.run.id, done);
      return said;
    };
    const keep = (alive: Map<string, string | null>, { question, answer }: QueuedRun): void => {
      for (const message of [question, answer]) if (message) alive.set(message.id, message.parent);
    };
    const threadOf = async (id: string) => (await store.thread(id, { limit: 1000 })).thread;
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => "none",
        (error: unknown) => (error instanceof Failure ? error.code : String(error)),
      );

    test("the first message makes the conversation, its answer and a queued Run", async () => {
      const conversation = newId();
      expect(await store.conversation(conversation)).toBeNull();
      expect(await threadOf(conversation)).toEqual([]);
      const { question, answer, run } = await say(conversation, "Grüße 🦜");
      expect(question).toMatchObject({ conversation, parent: null, role: "user", text: "Grüße 🦜" });
      expect(answer).toMatchObject({ conversation, parent: question?.id ?? "", role: "assistant", text: "" });
      expect(run).toMatchObject({
        conversation,
        message: answer.id,
        status: "queued",
        failure: null,
        stats: {},
        slotFreed: true,
      });
      expect(await store.conversation(conversation)).toMatchObject({
        id: conversation,
        head: answer.id,
        title: "Grüße 🦜",
        pinned: false,
      });
      expect(await threadOf(conversation)).toEqual([
        { message: question as never, run: null, siblings: [question?.id as string] },
        { message: answer, run, siblings: [answer.id] },
      ]);
    });

    test("the same message id twice changes nothing, even when the Run is long over", async () => {
      const conversation = newId();
      const { question, run } = await say(conversation);
      const before = await threadOf(conversation);
      expect(
        await store.say({ conversation, message: question?.id as string, text: "other", ...by }),
      ).toBeNull();
      expect(await threadOf(conversation)).toEqual(before);
      await store.end(run.id, done);
      expect(
        await store.say({ conversation, message: question?.id as string, text: "other", ...by }),
      ).toBeNull();
      expect(await threadOf(conversation)).toHaveLength(2);
    });

    test("a conversation has one Run at a time", async () => {
      const conversation = newId();
      const { run, answer } = await say(conversation);
      expect(await codeOf(say(conversation))).toBe("conversation_busy");
      expect(await codeOf(store.retry({ conversation, message: answer.id, ...by }))).toBe(
        "conversation_busy",
      );
      await store.start(run.id);
      expect(await codeOf(say(conversation))).toBe("conversation_busy");
      expect(await threadOf(conversation)).toHaveLength(2);
      await store.end(run.id, done);
      await say(conversation);
      expect(await threadOf(conversation)).toHaveLength(4);
    });

    test("a full queue refuses, and stores nothing", async () => {
      for (let i = 0; i < 3; i++)
        await store.say({ conversation: newId(), message: newId(), text: "x", ...by, queueMaxRuns: 3 });
      const conversation = newId();
      expect(
        await codeOf(store.say({ conversation, message: newId(), text: "x", ...by, queueMaxRuns: 3 })),
      ).toBe("queue_full");
      expect(await store.conversation(conversation)).toBeNull();
    });

    test("a Run starts once and ends once", async () => {
      const { run, answer } = await say(newId());
      expect([await store.start(run.id), await store.start(run.id)]).toEqual([true, false]);
      const ended = await store.end(run.id, {
        ...done,
        failure: { code: "upstream_cut", facts: { a: 1 } },
        slotFreed: false,
        status: "failed",
      });
      expect(ended?.message).toEqual({ ...answer, text: "answer", parts: parts("answer", "thought") });
      expect(ended?.run).toEqual({
        ...run,
        status: "failed",
        finish: "stop",
        failure: { code: "upstream_cut", facts: { a: 1 } },
        stats: { outputTokens: 3 },
        slotFreed: false,
      });
      expect(await store.end(run.id, { ...done, parts: parts("later") })).toBeNull();
      expect(await store.start(run.id)).toBe(false);
      expect((await threadOf(run.conversation)).at(-1)?.message.text).toBe("answer");
    });

    test("another attempt is a sibling that becomes the head; what is sent is the path to it", async () => {
      const conversation = newId();
      const first = await say(conversation, "one");
      await store.end(first.run.id, done);
      const second = await say(conversation, "two");
      await store.end(second.run.id, { ...done, status: "failed", parts: parts("half") });
      const again = await store.retry({ conversation, message: second.answer.id, ...by });
      expect(again.question).toBeNull();
      expect(again.answer.parent).toBe(second.question?.id as string);
      expect((await threadOf(conversation)).map(({ message }) => message.text)).toEqual([
        "one",
        "answer",
        "two",
        "",
      ]);
      expect((await store.history(again.answer.id)).map(({ role, text }) => [role, text])).toEqual([
        ["user", "one"],
        ["assistant", "answer"],
        ["user", "two"],
      ]);
    });

    test("only an answer can be tried again, and only in its own conversation", async () => {
      const conversation = newId();
      const first = await say(conversation);
      await store.end(first.run.id, done);
      for (const message of [first.question?.id as string, newId()])
        expect(await codeOf(store.retry({ conversation, message, ...by }))).toBe("not_found");
      expect(await codeOf(store.retry({ conversation: newId(), message: first.answer.id, ...by }))).toBe(
        "not_found",
      );
    });

    test("an edit is a branch beside the question; a branch is shown down to its newest leaf", async () => {
      const conversation = newId();
      const one = await answered(conversation, "one");
      const two = await answered(conversation, "two");
      const edited = (await store.say({
        conversation,
        message: newId(),
        text: "one, better",
        edits: one.question?.id as string,
        ...by,
      })) as QueuedRun;
      await store.end(edited.run.id, done);
      expect((await threadOf(conversation)).map(({ message }) => message.text)).toEqual([
        "one, better",
        "answer",
      ]);
      const siblings = [one.question?.id as string, edited.question?.id as string];
      expect((await threadOf(conversation))[0]?.siblings).toEqual(siblings);
      await store.select(conversation, siblings[0] as string);
      expect((await threadOf(conversation)).map(({ message }) => message.id)).toEqual([
        one.question?.id,
        one.answer.id,
        two.question?.id,
        two.answer.id,
      ] as string[]);
      expect(
        await codeOf(store.say({ conversation, message: newId(), text: "x", edits: one.answer.id, ...by })),
      ).toBe("not_found");
      expect(await codeOf(store.select(newId(), siblings[0] as string))).toBe("not_found");
    });

    test("continue goes on with the text of the last answer", async () => {
      const conversation = newId();
      const { run, answer } = await say(conversation);
      await store.end(run.id, { ...done, status: "interrupted", parts: parts("half") });
      const more = await store.continue({ conversation, message: answer.id, ...by });
      expect(more.answer).toMatchObject({ id: answer.id, text: "half" });
      expect(more.run.id).not.toBe(run.id);
      await store.end(more.run.id, { ...done, parts: parts("half and half") });
      expect((await threadOf(conversation)).map(({ message }) => message.text)).toEqual([
        "question",
        "half and half",
      ]);
      const empty = await say(conversation);
      await store.end(empty.run.id, { ...done, parts: [] });
      for (const message of [answer.id, empty.answer.id])
        expect(await codeOf(store.continue({ conversation, message, ...by }))).toBe("not_found");
    });

    test("deleting a message deletes all below it, and shows the nearest branch", async () => {
      const conversation = newId();
      const one = await answered(conversation, "one");
      const two = await answered(conversation, "two");
      const again = await store.retry({ conversation, message: two.answer.id, ...by });
      expect(await codeOf(store.prune(conversation, one.answer.id))).toBe("conversation_busy");
      await store.end(again.run.id, done);
      await store.prune(conversation, again.answer.id);
      expect((await threadOf(conversation)).at(-1)?.message.id).toBe(two.answer.id);
      await store.prune(conversation, two.question?.id as string);
      expect((await threadOf(conversation)).map(({ message }) => message.text)).toEqual(["one", "answer"]);
      await store.prune(conversation, one.question?.id as string);
      expect(await threadOf(conversation)).toEqual([]);
      expect(await codeOf(store.prune(conversation, one.answer.id))).toBe("not_found");
      await say(conversation, "afresh");
      expect(await threadOf(conversation)).toHaveLength(2);
    });

    test("a tree that people have worked on at random stays a tree, and shows a path of it", async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const random = seeded(seed);
        const conversation = newId();
        const alive = new Map<string, string | null>();
        for (let step = 0; step < 40; step++) {
          const shown = (await threadOf(conversation)).map(({ message }) => message);
          const some = random.pick(shown);
          const wish = random.below(5);
          if (wish === 0 || some === undefined) keep(alive, await answered(conversation, `s${step}`));
          else if (wish === 1 && some.role === "user") {
            const said = (await store.say({
              conversation,
              message: newId(),
              text: `e${step}`,
              edits: some.id,
              ...by,
            })) as QueuedRun;
            await store.end(said.run.id, done);
            keep(alive, said);
          } else if (wish === 2 && some.role === "assistant") {
            const said = await store.retry({ conversation, message: some.id, ...by });
            await store.end(said.run.id, done);
            keep(alive, said);
          } else if (wish === 3) await store.select(conversation, random.pick([...alive.keys()]) as string);
          else if (wish === 4 && random.below(3) === 0) {
            await store.prune(conversation, some.id);
            const gone = [some.id];
            for (const id of gone) for (const [child, parent] of alive) if (parent === id) gone.push(child);
            for (const id of gone) alive.delete(id);
          }
          const path = await threadOf(conversation);
          path.forEach(({ message, siblings }, i) => {
            expect(message.parent).toBe(path[i - 1]?.message.id ?? null);
            expect(siblings).toEqual(
              [...alive].filter(([, parent]) => parent === message.parent).map(([id]) => id),
            );
          });
          expect((await store.conversation(conversation))?.head ?? null).toBe(
            path.at(-1)?.message.id ?? null,
          );
        }
      }
    });

    test("a long path is given from its end, and then piece by piece", async () => {
      const conversation = newId();
      for (let i = 0; i < 6; i++) await answered(conversation, `q${i}`);
      const end = await store.thread(conversation, { limit: 5 });
      expect([end.thread.map(({ message }) => message.text), end.hasEarlier]).toEqual([
        ["answer", "q4", "answer", "q5", "answer"],
        true,
      ]);
      const before = end.thread[0]?.message.id as string;
      const middle = await store.thread(conversation, { limit: 5, before });
      expect([middle.thread.map(({ message }) => message.text), middle.hasEarlier]).toEqual([
        ["q1", "answer", "q2", "answer", "q3"],
        true,
      ]);
      expect(middle.thread.at(-1)?.message.id).toBe(end.thread[0]?.message.parent as string);
      const all = await store.thread(conversation, { limit: 12 });
      expect([all.thread.length, all.hasEarlier]).toEqual([12, false]);
    });

    test("a checkpoint is what a reader finds, and what is left for the next process", async () => {
      const waiting = await say(newId());
      const running = await say(newId());
      await store.checkpoint([draft(running.run.id, "too early", "", 0)]);
      await store.start(running.run.id);
      await store.checkpoint([draft(running.run.id, "ha", "thou", 0)]);
      await store.checkpoint([draft(running.run.id, "lf", "ght", 812)]);
      expect((await threadOf(running.run.conversation)).at(-1)?.message).toMatchObject({
        text: "half",
        parts: parts("half", "thought"),
      });
      expect(await store.unfinishedRuns()).toMatchObject([
        {
          run: { id: waiting.run.id, status: "queued" },
          draft: { parts: [], streamBytes: 0 },
          answer: { text: "" },
        },
        {
          run: { id: running.run.id, status: "running" },
          draft: { parts: parts("half", "thought"), step: 0, from: 0, streamBytes: 812 },
          answer: { text: "" },
        },
      ]);
      await store.end(running.run.id, done);
      await store.checkpoint([draft(running.run.id, "too late", "", 0)]);
      expect((await threadOf(running.run.conversation)).at(-1)?.message.text).toBe("answer");
      expect((await store.unfinishedRuns()).map(({ run }) => run.id)).toEqual([waiting.run.id]);
    });

    test("a wish to stop stays with the Runs that it is for, as long as they wait or run", async () => {
      const [first, second] = [await say(newId()), await say(newId())];
      await store.start(first.run.id);
      expect(await store.wishStop({ conversation: second.run.conversation })).toBe(1);
      expect(await store.activeRuns()).toEqual([
        { id: first.run.id, status: "running", isStopWished: false },
        { id: second.run.id, status: "queued", isStopWished: true },
      ]);
      expect(await store.activeRuns(first.run.conversation)).toHaveLength(1);
      expect(await store.unfinishedRuns(second.run.id)).toMatchObject([{ run: { id: second.run.id } }]);
      expect(await store.wishStop({ owner: first.run.owner, id: first.run.id })).toBe(1);
      expect(await store.wishStop({ owner: "somebody-else" })).toBe(0);
      await store.end(first.run.id, { ...done, status: "stopped" });
      expect(await store.activeRuns(first.run.conversation)).toEqual([]);
    });

    test("the list: pinned first, then the latest, in pages; a name that a person gave stays", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push((await answered(newId(), `question ${i}`)).run.conversation);
      await store.pin(ids[1] as string, true);
      await store.rename(ids[3] as string, "My own name");
      const now = Date.now();
      await until(() => Date.now() > now, "the clock has moved on");
      await answered(ids[0] as string, "again");
      const titles = async (page: { limit: number; after?: ListPlace }) =>
        (await store.list({ owner: localPerson, ...page })).map(({ title }) => title);
      expect(await titles({ limit: 10 })).toEqual([
        "question 1",
        "question 0",
        "question 4",
        "My own name",
        "question 2",
      ]);
      const [, second] = await store.list({ owner: localPerson, limit: 2 });
      expect(await titles({ limit: 2, after: second as ListPlace })).toEqual(["question 4", "My own name"]);
      const { run } = await say(ids[2] as string);
      expect((await store.list({ owner: localPerson, limit: 2 })).map(({ active }) => active)).toEqual([
        false,
        true,
      ]);
      await store.end(run.id, done);
      expect((await store.list({ owner: localPerson, limit: 2 })).every(({ active }) => !active)).toBe(true);
      for (const work of [
        () => store.rename(newId(), "x"),
        () => store.pin(newId(), true),
        () => store.remove(newId()),
        () => store.restore(newId()),
      ])
        expect(await codeOf(work())).toBe("not_found");
    });

    test("collections of a conversation are those of the last question that named some", async () => {
      const [conversation, first, second] = [newId(), newId(), newId()];
      const ask = async (documents?: string[]) => {
        const asked = { conversation, message: newId(), text: "one", ...(documents && { documents }), ...by };
        const said = await store.say(asked);
        await store.start(said?.run.id ?? "");
        await store.end(said?.run.id ?? "", done);
        return (await store.conversation(conversation))?.settings.documents;
      };
      expect(await ask([first])).toEqual([first]);
      expect(await ask()).toEqual([first]);
      expect(await ask([second, first])).toEqual([second, first]);
      const settings = { persona: null, sampling: {}, documents: [first] };
      await store.setSettings(conversation, settings);
      expect((await store.conversation(conversation))?.settings).toEqual(settings);
      expect(await ask([])).toBeUndefined();
    });

    test("settings come with the first question; no later question changes them", async () => {
      const conversation = newId();
      const settings = { persona: "anna", sampling: { temperature: 0.5, maxTokens: 20 } };
      const first = await store.say({ conversation, message: newId(), text: "one", settings, ...by });
      await store.end(first?.run.id as string, done);
      expect((await store.conversation(conversation))?.settings).toEqual(settings);
      const other = { persona: null, sampling: { topP: 0.1 } };
      await store.say({ conversation, message: newId(), text: "two", settings: other, ...by });
      expect((await store.thread(conversation, { limit: 1 })).settings).toEqual(settings);
      await store.setSettings(conversation, other);
      expect((await store.conversation(conversation))?.settings).toEqual(other);
      const plain = newId();
      await say(plain);
      expect((await store.thread(plain, { limit: 1 })).settings).toEqual({ persona: null, sampling: {} });
      expect(await codeOf(store.setSettings(newId(), other))).toBe("not_found");
    });

    test("a title that the model made is found and shown, but never replaces a person's", async () => {
      const conversation = newId();
      await answered(conversation, "question");
      await store.setGeneratedTitle(conversation, "Von Vögeln");
      expect((await store.listed(conversation))?.title).toBe("Von Vögeln");
      expect((await store.search(localPerson, "vogeln", 10)).map(({ message }) => message)).toEqual([null]);
      await store.rename(conversation, "Mine");
      await store.setGeneratedTitle(conversation, "Theirs");
      expect((await store.listed(conversation))?.title).toBe("Mine");
    });

    test("the next page of the list begins in the right place when its entry has moved or is gone", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.push((await answered(newId(), `question ${i}`)).run.conversation);
      const [, , last] = await store.list({ owner: localPerson, limit: 3 });
      const rest = async () =>
        (await store.list({ owner: localPerson, limit: 10, after: last as ListPlace })).map(({ id }) => id);
      const before = await rest();
      expect(before).toEqual([ids[1], ids[0]] as string[]);
      const now = Date.now();
      await until(() => Date.now() > now, "the clock has moved on");
      await answered(last?.id as string, "again");
      expect(await rest()).toEqual(before);
    });

    test("a path of thousands of messages can be deleted, forgotten and purged", async () => {
      const deep = (id: string): ConversationRecord => {
        const messages = Array.from({ length: 2_500 }, (_, i) => ({
          role: i % 2 === 0 ? ("user" as const) : ("assistant" as const),
          text: `m${i}`,
          createdAt: 1,
        }));
        const named = messages.map((message, i) => ({
          ...message,
          id: `${id}-${i}`.padEnd(24, "x"),
          parent: i === 0 ? null : `${id}-${i - 1}`.padEnd(24, "x"),
        }));
        return {
          parlor: 2,
          id,
          title: "deep",
          head: named.at(-1)?.id as string,
          createdAt: 1,
          updatedAt: 1,
          messages: named,
        };
      };
      const [pruned, forgotten, purged] = [newId(), newId(), newId()];
      for (const id of [pruned, forgotten, purged]) await store.add(localPerson, deep(id));
      await store.prune(pruned, `${pruned}-1`.padEnd(24, "x"));
      expect((await threadOf(pruned)).map(({ message }) => message.text)).toEqual(["m0"]);
      await store.forget(forgotten);
      expect(await store.conversation(forgotten)).toBeNull();
      await store.remove(purged);
      await store.purge(Date.now() + 1);
      expect(await codeOf(store.restore(purged))).toBe("not_found");
      expect((await store.search(localPerson, "m2", 10)).length).toBe(0);
    });

    test("a deleted message comes back with all that followed it, and is nowhere until then", async () => {
      const conversation = newId();
      const one = await answered(conversation, "a remarkable question");
      const two = await answered(conversation, "a second one");
      const shown = async () => (await threadOf(conversation)).map(({ message }) => message.text);
      const whole = await shown();
      await store.prune(conversation, two.answer.id);
      await store.prune(conversation, one.question?.id as string);
      expect(await shown()).toEqual([]);
      expect((await store.search(localPerson, "remarkable", 10)).map(({ message }) => message)).toEqual([
        null,
      ]); // the title
      expect((await store.search(localPerson, "arkabl", 10)).map(({ message }) => message)).toEqual([null]);
      expect((await store.record(conversation))?.messages).toEqual([]);
      expect(await store.message(conversation, one.answer.id)).toBeNull();
      const ask = { conversation, message: one.answer.id, ...by };
      for (const work of [
        () => store.retry(ask),
        () => store.select(conversation, one.answer.id),
        () => store.unprune(newId(), one.question?.id as string),
      ])
        expect(await codeOf(work())).toBe("not_found");
      // what is above it is deleted, too
      expect(await codeOf(store.unprune(conversation, two.answer.id))).toBe("not_found");
      const between = await answered(conversation, "said in between");
      await store.unprune(conversation, one.question?.id as string);
      expect(await shown()).toEqual(whole.slice(0, -1));
      await store.unprune(conversation, two.answer.id);
      expect(await shown()).toEqual(whole);
      expect((await threadOf(conversation))[0]?.siblings).toEqual([
        one.question?.id as string,
        between.question?.id as string,
      ]);
      expect(await codeOf(store.unprune(conversation, two.answer.id))).toBe("not_found");
      await store.prune(conversation, two.answer.id);
      await store.purge(Date.now() + 1_000);
      expect(await codeOf(store.unprune(conversation, two.answer.id))).toBe("not_found");
      expect(await shown()).toEqual(whole.slice(0, -1));
    });

    test("in a removed conversation nothing is said or changed, until it is brought back", async () => {
      const conversation = newId();
      const { answer, question } = await answered(conversation, "question");
      await store.remove(conversation);
      const ask = { conversation, message: answer.id, ...by };
      const works = [
        () => say(conversation),
        () => store.retry(ask),
        () => store.continue(ask),
        () => store.select(conversation, answer.id),
        () => store.prune(conversation, question?.id as string),
      ];
      for (const work of works) expect(await codeOf(work())).toBe("conversation_removed");
      await store.restore(conversation);
      expect((await threadOf(conversation)).map(({ message }) => message.text)).toEqual([
        "question",
        "answer",
      ]);
      expect(await codeOf(say(conversation))).toBe("none");
    });

    test("those in which nothing was said for a while are told apart", async () => {
      const [old, young] = [newId(), newId()];
      await say(old);
      const between = (await store.conversation(old))?.updatedAt as number;
      await until(() => Date.now() > between, "time passes");
      await say(young);
      expect(await store.ids({ idleSince: between })).toEqual([old]);
      expect(await store.ids()).toEqual([old, young]);
    });

    test("a removed conversation is gone until it is restored, and for good once purged", async () => {
      const { run } = await answered(newId(), "a remarkable question");
      const id = run.conversation;
      await store.remove(id);
      expect([
        await store.conversation(id),
        await threadOf(id),
        await store.list({ owner: localPerson, limit: 10 }),
        await store.search(localPerson, "remarkable", 10),
      ]).toEqual([null, [], [], []]);
      await store.purge(Date.now() - 60_000);
      await store.restore(id);
      expect(await threadOf(id)).toHaveLength(2);
      await store.remove(id);
      await store.purge(Date.now() + 1);
      expect(await codeOf(store.restore(id))).toBe("not_found");
    });

    test("search ignores case and diacritics; the last word may be unfinished; no operators", async () => {
      const { run, question } = await say(newId(), "Über die Gärten von Łódź");
      await store.end(run.id, {
        ...done,
        parts: parts("In the gardens there grow quinces, and by the wall a fig."),
      });
      const found = async (query: string) =>
        (await store.search(localPerson, query, 10)).map(({ message, excerpt }) => [
          message === null ? "title" : message === question?.id ? "question" : "answer",
          excerpt[1],
        ]);
      expect(await found("gärten")).toEqual([
        ["title", "Gärten"],
        ["question", "Gärten"],
      ]);
      expect(await found("GARTEN uber")).toEqual([
        ["title", "Über"],
        ["question", "Über"],
      ]);
      expect(await found("quin")).toEqual([["answer", "quinces"]]);
      expect(await found("fig wall")).toEqual([["answer", "wall"]]);
      for (const odd of ['"', "quinces OR", "NEAR(", "text:fig", "*", "", "   ", "fig AND", "-fig", "(fig"])
        await store.search(localPerson, odd, 10);
      expect(await found("quinces pears")).toEqual([]);
    });

    test("search finds parts of words from three letters; two in Chinese, Japanese and Korean", async () => {
      const texts = [
        "今年は京都の紅葉が美しい、紅葉",
        "使用Docker部署数据库",
        "Die Krankenversicherung zahlt. Öffentliche Büchereiordnung.",
        "대한민국 헌법",
        "秋の紅葉",
      ];
      for (const text of texts)
        await store.end((await say(newId(), "?")).run.id, { ...done, parts: parts(text) });
      await say(newId(), "Straßenverkehrsordnung");
      const found = async (query: string) =>
        (await store.search(localPerson, query, 10)).map(
          ({ message, excerpt }) => `${message === null ? "title: " : ""}${excerpt.join("|")}`,
        );
      expect(await found("紅葉")).toEqual(["今年は京都の紅葉が美しい、|紅葉|", "秋の|紅葉|"]);
      expect(await found("紅葉 京都")).toEqual(["今年は|京都|の|紅葉|が美しい、|紅葉|"]);
      for (const [query, wished] of [
        ["数据库", "使用Docker部署|数据库|"],
        ["docker", "使用|Docker|部署数据库"],
        ["部署", "使用Docker|部署|数据库"],
        ["민국", "대한|민국| 헌법"],
        ["versicherung", "Die Kranken|versicherung| zahlt. Öffentliche Büchereiordnung."],
        ["VERSICHERUNG zahl", "Die Kranken|versicherung| |zahl|t. Öffentliche Büchereiordnung."],
        ["ÜCHER", "…zahlt. Öffentliche B|ücher|eiordnung."],
        ["u\u0308cherei die", "|Die| Krankenversicherung zahlt. Öffentliche B|ücherei|ordnung."],
        ["ücherei ie", undefined],
        ["紅花", undefined],
        ["versicherungen", undefined],
      ] as const)
        expect(await found(query)).toEqual(wished === undefined ? [] : [wished]);
      expect(await found("verkehr")).toEqual(["title: Straßen|verkehr|sordnung", "Straßen|verkehr|sordnung"]);
      const [last] = await store.list({ owner: localPerson, limit: 1 });
      await store.forget(last?.id as string);
      expect(await found("verkehr")).toEqual([]);
    });

    test("a part of a word in a long text is shown where it stands", async () => {
      const before = "eins zwei drei ".repeat(500);
      await store.end((await say(newId(), "?")).run.id, {
        ...done,
        parts: parts(`${before}die Haftpflichtversicherung ${before}`),
      });
      const [hit] = await store.search(localPerson, "pflicht", 10);
      expect(hit?.excerpt).toEqual([
        expect.stringMatching(/^….{20,40}die Haft$/),
        "pflicht",
        expect.stringMatching(/^versicherung eins zwei.*…$/),
      ]);
    });

    test("what is forgotten is gone, and only that", async () => {
      const kept = await say(newId());
      const { run } = await say(newId());
      await store.forget(run.conversation);
      await store.forget(newId());
      expect(await threadOf(run.conversation)).toEqual([]);
      expect(await store.conversation(run.conversation)).toBeNull();
      expect(await threadOf(kept.run.conversation)).toHaveLength(2);
    });

    test("any text comes back as it went in", async () => {
      const text = `'; drop table messages; -- \u2028\ufeff\r\n\t"{}" ${"long ".repeat(10_000)}🦜`;
      const { run } = await say(newId(), text);
      expect((await threadOf(run.conversation))[0]?.message.text).toBe(text);
    });

    test("a whole conversation goes out into a record and comes in elsewhere, once", async () => {
      const conversation = newId();
      const one = await answered(conversation, "a remarkable question");
      const again = await store.retry({ conversation, message: one.answer.id, ...by });
      await store.end(again.run.id, done);
      const record = (await store.record(conversation)) as ConversationRecord;
      expect(await store.ids()).toEqual([conversation]);
      const elsewhere = await open();
      expect([await elsewhere.add(localPerson, record), await elsewhere.add(localPerson, record)]).toEqual([
        true,
        false,
      ]);
      expect(await elsewhere.record(conversation)).toEqual(record);
      expect(
        (await elsewhere.thread(conversation, { limit: 10 })).thread.map(({ message, siblings }) => [
          message.text,
          siblings.length,
        ]),
      ).toEqual([
        ["a remarkable question", 1],
        ["answer", 2],
      ]);
      expect((await elsewhere.search(localPerson, "remarkable", 5)).length).toBe(2);
      expect(await elsewhere.record(newId())).toBeNull();
      await elsewhere.close();
    });

    test("a record imported again changes nothing; a removed one comes back; ids stay unique", async () => {
      const { run } = await answered(newId(), "question");
      const id = run.conversation;
      const record = (await store.record(id)) as ConversationRecord;
      expect(await store.add(localPerson, record)).toBe(false);
      const copy = { ...record, id: newId() };
      expect(await store.add(localPerson, copy)).toBe(true);
      expect((await threadOf(copy.id)).map(({ message }) => message.text)).toEqual(["question", "answer"]);
      expect((await threadOf(id)).length).toBe(2);
      await store.remove(id);
      expect(await store.add(localPerson, record)).toBe(true);
      expect((await threadOf(id)).map(({ message }) => message.text)).toEqual(["question", "answer"]);
    });

    test("a record holds what has been written so far of an answer that is being written", async () => {
      const { run, answer } = await say(newId());
      await store.start(run.id);
      await store.checkpoint([draft(run.id, "so far", "thought", 0)]);
      expect(
        (await store.record(run.conversation))?.messages.find(({ id }) => id === answer.id),
      ).toMatchObject({ text: "so far", parts: parts("so far", "thought") });
    });

    test("another attempt at an answer below an answer answers the question above", async () => {
      const message = (id: string, parent: string | null, role: "user" | "assistant") => ({
        id,
        parent,
        role,
        text: id,
        createdAt: 1,
      });
      const [question, first, second] = [newId(), newId(), newId()];
      const messages = [
        message(question, null, "user"),
        message(first, question, "assistant"),
        message(second, first, "assistant"),
      ];
      const conversation = newId();
      await store.add(localPerson, {
        parlor: 2,
        id: conversation,
        title: "t",
        head: second,
        createdAt: 1,
        updatedAt: 1,
        messages,
      });
      const said = await store.retry({ conversation, message: second, ...by });
      expect(said.answer.parent).toBe(question);
    });

    test("it says that it can be written", async () => {
      await store.probe();
    });
  });
}
