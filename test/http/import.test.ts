// Files of conversations that are brought in while people are being answered. If this fails, one file holds everybody up, or comes in twice, or half.
// Promises: L5.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { defaultBounds } from "../../src/config/config.ts";
import { localPerson } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import type { ConversationRecord } from "../../src/domain/record.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type House, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { threadMs } from "../processor.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
beforeAll(async () => {
  upstream = startScripted(async () => {});
  house = await startHouse({ llama: upstream.url });
});
afterAll(async () => {
  await house.stop();
  await upstream.stop();
});

async function bring(
  ...files: [name: string, content: string | Uint8Array<ArrayBuffer>][]
): Promise<{ status: number; text: string }> {
  const form = new FormData();
  for (const [name, content] of files) form.append("file", new File([content], name));
  const response = await fetch(`${house.url}/import`, {
    method: "POST",
    body: form,
    headers: { origin: house.url },
  });
  return { status: response.status, text: await response.text() };
}

const conversation = (messages: readonly string[], more: Record<string, unknown> = {}) => {
  const ids = messages.map(() => newId());
  return {
    parlor: 2,
    id: newId(),
    title: "brought in",
    messages: messages.map((text, i) => ({
      id: ids[i],
      parent: ids[i - 1] ?? null,
      role: i % 2 === 0 ? "user" : "assistant",
      text,
    })),
    ...more,
  };
};

/** The longest that this thread worked in one go while it did this: the thread that reads keeps nobody waiting. */
async function longestTurn(work: Promise<unknown>): Promise<number> {
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  let longestMs = 0;
  for (let from = threadMs(); !isOver; ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const to = threadMs();
    [longestMs, from] = [Math.max(longestMs, to - from), to];
  }
  return longestMs;
}

test("several files come in together; what is known already is not doubled", async () => {
  const [one, two] = [conversation(["a", "b"]), conversation(["c"])];
  expect((await bring(["1.json", JSON.stringify(one)], ["2.json", JSON.stringify(two)])).text).toContain(
    "2 conversations imported.",
  );
  expect((await bring(["1.json", JSON.stringify(one)])).text).toContain(
    "0 conversations imported, 1 already here.",
  );
  expect((await house.store.record(one.id))?.messages.map(({ text }) => text)).toEqual(["a", "b"]);
});

test("what is left out is said once, by kind", async () => {
  const more = [
    { id: newId(), role: "system", text: "s" },
    { id: newId(), role: "system", text: "t" },
  ];
  const given = conversation(["a"]);
  const { text } = await bring([
    "x.json",
    JSON.stringify({ ...given, messages: [...given.messages, ...more] }),
  ]);
  expect(text).toContain("Left out: system messages (2).");
});

test("a form without a file is refused; nothing is being read afterwards", async () => {
  const response = await fetch(`${house.url}/import`, {
    method: "POST",
    body: new URLSearchParams({ file: "x" }),
    headers: { origin: house.url },
  });
  expect(response.status).toBe(400);
  expect((await bring(["x.json", JSON.stringify(conversation(["a"]))])).status).toBe(200);
});

test("nobody sees a conversation before it is whole; a second file at once is refused in words", async () => {
  const long = conversation(Array.from({ length: 3_000 }, (_, i) => `message ${i}`));
  const first = bring(["long.json", JSON.stringify(long)]);
  await until(async () => (await house.store.ownerOf(long.id)) === localPerson, "it has begun");
  expect(await house.store.record(long.id)).toBeNull();
  const second = await bring(["x.json", JSON.stringify(conversation(["a"]))]);
  expect([second.status, second.text]).toEqual([409, expect.stringContaining("Another import is running")]);
  expect((await first).text).toContain("1 conversation imported.");
  expect((await house.store.record(long.id))?.messages.length).toBe(3_000);
});

const worst: Record<string, () => string> = {
  "brackets inside each other": () => "[".repeat(5_000_000),
  "one text of 20 MB": () => JSON.stringify(conversation([randomText(20_000_000)])),
  "Chinese, every three characters new": () =>
    JSON.stringify(conversation(Array.from({ length: 4 }, () => randomText(300_000, 0x4e00, 20_000)))),
  "a hundred thousand lines of nothing": () => "x\n".repeat(100_000),
  "many messages": () =>
    JSON.stringify(conversation(Array.from({ length: 5_000 }, (_, i) => `message ${i}`))),
};

function randomText(length: number, from = 0x61, kinds = 26): string {
  const codes = Uint16Array.from(
    { length: Math.min(length, 1_000_000) },
    () => from + Math.floor(Math.random() * kinds),
  );
  const piece = new TextDecoder("utf-16le").decode(codes);
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
}

/**
 * The least that one turn must be able to do: store the longest message, whose search index is made with it.
 * In processor time of this thread: measured here, since machines differ by a factor of three.
 */
async function longestMessageMs(): Promise<number> {
  const store = openSqlite(":memory:");
  const turns: number[] = [];
  for (let i = 0; i < 5; i++) {
    const text = randomText(defaultBounds.importTextMaxBytes);
    const from = threadMs();
    const times = { createdAt: 1, updatedAt: 1 };
    const message = { id: newId(), parent: null, role: "user", text, createdAt: 1 } as const;
    await store.add(localPerson, {
      ...{ parlor: 2, id: newId(), title: "", head: message.id, ...times, messages: [message] },
    } as ConversationRecord);
    turns.push(threadMs() - from);
  }
  await store.close();
  return turns.sort((a, b) => a - b)[2] as number;
}

for (const [what, make] of Object.entries(worst))
  test(`whoever is being answered goes on being answered: ${what}`, async () => {
    const content = make();
    const sent = Bun.spawn([process.execPath, "-e", sender, house.url], {
      stdin: new Blob([content]),
      stdout: "pipe",
      stderr: "inherit",
    });
    const answered = new Response(sent.stdout).text();
    const longestMs = await longestTurn(answered);
    expect(longestMs).toBeLessThan(Math.max(100, 3 * (await longestMessageMs())));
    expect(await answered).toStartWith("200");
  });

/** Sends from a process of its own, whose work is not the house's. */
const sender = `const form = new FormData(); form.append("file", new File([await Bun.stdin.bytes()], "x.json"));
  const at = process.argv.at(-1); const got = await fetch(at + "/import", { method: "POST", body: form, headers: { origin: at } }); console.log(got.status, await got.text());`;
