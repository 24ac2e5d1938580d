// A question costs few statements: with a database across the network each is a round trip.

import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { localPerson } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { SqliteDatabase } from "../../src/store/sqlite-database.ts";
import type { QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding, draft } from "../contract/ending.ts";

/** With a limit of each kind, so that all are looked up. */
const by = {
  owner: localPerson,
  limits: { runsPerMinute: 100, tokensPerDay: 1_000, waitingRunsMax: 5 },
  queueMaxRuns: 10,
};

let store: Store;
const statements = spyOn(SqliteDatabase.prototype, "execute");
beforeEach(() => {
  store = openSqlite(":memory:");
});
afterEach(() => store.close());

/** Statements that `work` takes. */
async function countOf(work: () => Promise<unknown>): Promise<number> {
  statements.mockClear();
  await work();
  return statements.mock.calls.length;
}

const say = async (conversation: string, edits?: string): Promise<QueuedRun> => {
  const question = { ...by, conversation, message: newId(), text: "question", ...(edits && { edits }) };
  return (await store.say(question)) as QueuedRun;
};

/** Statements that `queue` takes; its Run has ended then. */
async function costOf(queue: () => Promise<QueuedRun>): Promise<{ queued: QueuedRun; statements: number }> {
  let queued: QueuedRun | undefined;
  const count = await countOf(async () => {
    queued = await queue();
  });
  await store.end(queued?.run.id as string, doneEnding);
  return { queued: queued as QueuedRun, statements: count };
}

test("a question takes seven statements, the one that makes the conversation one more", async () => {
  const conversation = newId();
  const first = await costOf(() => say(conversation));
  const next = await costOf(() => say(conversation));
  const edit = await costOf(() => say(conversation, next.queued.question?.id));
  expect([first.statements, next.statements, edit.statements]).toEqual([8, 7, 8]); // once 17, 16, 17
});

test("another attempt takes eight, going on six, an end eight", async () => {
  const conversation = newId();
  const { answer } = (await costOf(() => say(conversation))).queued;
  const about = { ...by, conversation, message: answer.id };
  const more = await costOf(() => store.continue(about));
  const other = await costOf(() => store.retry(about));
  const { run } = await say(conversation);
  const end = await countOf(() => store.end(run.id, doneEnding));
  expect([other.statements, more.statements, end]).toEqual([8, 6, 8]); // once 15, 12, 9
});

test("a checkpoint takes one, whatever the number of answers", async () => {
  const runs = await Promise.all([1, 2, 3].map(() => say(newId())));
  for (const { run } of runs) await store.start(run.id);
  const drafts = runs.map(({ run }) => draft(run.id, "text", "thought", 0));
  expect(await countOf(() => store.checkpoint(drafts))).toBe(1);
});

test("a message that is known already costs one statement", async () => {
  const question = { ...by, conversation: newId(), message: newId(), text: "question" };
  await store.say(question);
  expect(await countOf(() => store.say(question))).toBe(1);
});
