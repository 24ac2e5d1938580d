// Rooms: a page that joins at any moment shows the same as all others. If this fails, tokens are lost or
// shown twice.
// Promises: C1, C3, C4.

import { expect, test } from "bun:test";
import { localBus } from "../../src/bus/local.ts";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import type { Message } from "../../src/domain/conversation.ts";
import type { RunEvent, RunFact, Snapshot } from "../../src/domain/event.ts";
import { Failure } from "../../src/domain/failure.ts";
import { newId } from "../../src/domain/id.ts";
import { textParts } from "../../src/domain/part.ts";
import { noSettings } from "../../src/domain/persona.ts";
import type { Run } from "../../src/domain/run.ts";
import type { Thread } from "../../src/domain/thread.ts";
import { Hub } from "../../src/live/hub.ts";
import { viewOf } from "../../src/live/view.ts";
import { Traffic } from "../../src/telemetry/metrics.ts";
import { applyFrame, emptyPage, readable } from "../house.ts";
import { until } from "../llama/server.ts";

const page = (conversation: string) => ({ conversation, view: viewOf("en"), person: localPerson });

/** A house of one conversation whose store answers only when told to. */
function house() {
  const bus = localBus();
  const conversation = newId();
  const message: Message = {
    id: "answer-aaaaaaaaaaaaa",
    conversation,
    parent: null,
    role: "assistant",
    parts: [],
    text: "",
    createdAt: 0,
  };
  const run: Run = {
    id: "run",
    owner: localPerson,
    conversation,
    message: message.id,
    status: "running",
    createdAt: 0,
    finish: null,
    failure: null,
    stats: {},
    slotFreed: true,
  };
  let n = 0;
  let text = "";
  let asked: PromiseWithResolvers<void>[] = [];
  const failures: string[] = [];
  const live = async (): Promise<Snapshot[]> => [
    {
      run: run.id,
      owner: run.owner,
      messageId: message.id,
      n,
      status: "running",
      parts: textParts(text),
      from: 0,
      thinkingSince: null,
      place: null,
      progress: null,
      stopping: false,
    },
  ];
  const hub = new Hub({
    bus,
    traffic: new Traffic(),
    join: () => () => {},
    allowance: async () => ({ usage: { tokens: 0, runs: 0 }, limits: standardLimits.admin, runsLeft: null }),
    upstream: () => ({
      status: "ready",
      url: "http://x",
      foreignSlots: 0,
      models: [],
      slots: 1,
      contextTokens: null,
      vision: null,
      hearing: null,
      model: null,
      ours: false,
      progress: null,
    }),
    live,
    async thread() {
      const asking = Promise.withResolvers<void>();
      asked.push(asking);
      await asking.promise;
      return {
        title: "",
        settings: noSettings,
        effective: { persona: null, missing: null, isEnforced: false, own: {}, model: null },
        thread: [{ message, run, siblings: [message.id] }] as Thread,
        hasEarlier: false,
      };
    },
    listed: async () => null,
    list: async () => [],
    onError: (error) => {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.code);
    },
  });
  const publish = (fact: RunFact) =>
    bus.publish(conversation, { ...fact, run: run.id, conversation, messageId: message.id, n } as RunEvent);
  return {
    hub,
    conversation,
    say(piece: string) {
      n++;
      const at = text.length;
      text += piece;
      publish({ kind: "part", piece: { kind: "text", text: piece }, at, from: 0, since: null });
    },
    async answer() {
      await until(() => asked.length > 0, "the store was asked");
      for (const asking of asked) asking.resolve();
      asked = [];
      await Promise.resolve();
    },
    /** The store can't be read. */
    async fail() {
      await until(() => asked.length > 0, "the store was asked");
      for (const asking of asked.splice(0)) asking.reject(new Failure("store_unwritable"));
    },
    failures,
    asked: () => asked.length,
  };
}

const watcher = () => {
  const frames: string[] = [];
  return { frames, send: (frame: string) => frames.push(frame), close() {} };
};
/** The running text as a page that got these frames shows it. */
function shown(frames: string[]): string {
  const page = emptyPage();
  for (const frame of frames) applyFrame(page, frame);
  return readable(page.querySelector("article > .text") ?? undefined);
}

test("events during the fetch of a snapshot are neither lost nor doubled", async () => {
  const { hub, conversation, say, answer } = house();
  say("before\n");
  const first = watcher();
  hub.join(page(conversation), first);
  say("one\n");
  say("two ");
  expect(first.frames).toEqual([]);
  await answer();
  await until(() => first.frames.length > 0, "the snapshot has come");
  say("three");
  expect(shown(first.frames)).toBe("before one two three");

  const second = watcher();
  hub.join(page(conversation), second);
  say("\nfour");
  await answer();
  await until(() => second.frames.length > 0, "the second snapshot has come");
  say(" five");
  expect(shown(second.frames)).toBe("before one two three four five");
  expect(shown(first.frames)).toBe(shown(second.frames));
});

test("a page whose thread can't be read gets it as soon as it can be, and that is reported once", async () => {
  const { hub, conversation, say, answer, fail, failures } = house();
  const reader = watcher();
  const { leave } = hub.join(page(conversation), reader);
  say("one ");
  await fail();
  await fail();
  say("two");
  expect(reader.frames.join("")).not.toContain("article");
  await answer();
  await until(() => shown(reader.frames) === "one two", "the snapshot has come");
  say(" three");
  expect(shown(reader.frames)).toBe("one two three");
  expect(failures).toEqual(["store_unwritable"]);
  leave();
});

test("each event is rendered once: all sockets get the same string", async () => {
  const { hub, conversation, say, answer } = house();
  const watchers = Array.from({ length: 5 }, watcher);
  for (const each of watchers) hub.join(page(conversation), each);
  await answer();
  await until(() => watchers.every(({ frames }) => frames.length === 1), "all are seated");
  say("a <b> c");
  expect(new Set(watchers.map(({ frames }) => frames[1]))).toEqual(
    new Set(["<hx-partial id=run></hx-partial><hx-partial id=t><p>a &lt;b&gt; c</p></hx-partial>"]),
  );
});

test("a socket that closes during the fetch gets nothing, and an empty Room unsubscribes", async () => {
  const { hub, conversation, say, answer } = house();
  const gone = watcher();
  const member = hub.join(page(conversation), gone);
  member.leave();
  say("x");
  await answer();
  expect(gone.frames).toEqual([]);
});

test("a slow reader delays nobody and gets one snapshot when it has caught up", async () => {
  const { hub, conversation, say, answer, asked } = house();
  const quick = watcher();
  const slow = {
    ...watcher(),
    pace: 10,
    send(frame: string): number {
      slow.frames.push(frame);
      return slow.pace;
    },
  };
  hub.join(page(conversation), quick);
  const member = hub.join(page(conversation), slow);
  await answer();
  await until(() => slow.frames.length === 1 && quick.frames.length === 1, "both are seated");
  slow.pace = -1;
  for (let i = 0; i < 500; i++) say(`line ${i}\n\n`);
  expect(slow.frames.length).toBe(2);
  expect(quick.frames.length).toBe(501);
  slow.pace = 10;
  member.outbox.drain();
  await until(() => asked() === 1, "a snapshot is asked for");
  say("the end");
  await answer();
  await until(() => slow.frames.length > 2, "the snapshot has come");
  expect(slow.frames.length).toBe(3);
  expect(shown(slow.frames)).toBe(shown(quick.frames));
});
