// Files of conversations, parlor's own and others'. If this fails, somebody's old conversations do not come
// in, or come in wrong.

import { describe, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { textIn } from "../../src/domain/part.ts";
import { noSettings } from "../../src/domain/persona.ts";
import { type ConversationRecord, pathOf } from "../../src/domain/record.ts";
import { partsOf } from "../../src/transfer/parts.ts";
import { type GivenFile, readConversations as readFiles } from "../../src/transfer/read.ts";
import { toMarkdown } from "../../src/transfer/write.ts";
import { parts } from "../contract/ending.ts";
import { threadMs } from "../processor.ts";

const bounds = { importUnpackedMaxBytes: 4 << 20, importTextMaxBytes: 100_000 };

/** Everything that is read of a file, or of several. */
async function readAll(files: readonly GivenFile[]) {
  const reading = readFiles(files, bounds);
  const records: ConversationRecord[] = [];
  for (let next = reading.next(); ; next = reading.next()) {
    if (next.done) return { records, ...next.value };
    records.push(next.value);
  }
}
const file = (name: string, text: string): GivenFile => ({ name, bytes: new TextEncoder().encode(text) });

async function readConversations(text: string) {
  const { records, faults } = await readAll([file("file", text)]);
  return { records, faults };
}

const [question, answer, other] = [newId(), newId(), newId()];
const own: ConversationRecord = {
  parlor: 2,
  id: newId(),
  title: "Grüße",
  head: answer,
  settings: { persona: "anna", sampling: { temperature: 0.5 } },
  createdAt: 1_790_000_000_000,
  updatedAt: 1_790_000_001_000,
  messages: [
    {
      id: question,
      parent: null,
      role: "user",
      text: "Wie geht's? 🦜\r\n",
      createdAt: 1_790_000_000_000,
    },
    {
      id: other,
      parent: question,
      role: "assistant",
      text: "Schlecht.",
      createdAt: 1_790_000_000_500,
    },
    {
      id: answer,
      parent: question,
      role: "assistant",
      text: "Gut.",
      parts: parts("Gut.", "Hm."),
      createdAt: 1_790_000_001_000,
    },
  ],
};

describe("parlor's own", () => {
  test("one as JSON and many as JSON Lines come back as they were", async () => {
    expect(await readConversations(JSON.stringify(own, null, 2))).toEqual({ records: [own], faults: [] });
    const second = { ...own, id: newId() };
    expect(await readConversations(`${JSON.stringify(own)}\n\n${JSON.stringify(second)}\n`)).toEqual({
      records: [own, second],
      faults: [],
    });
  });

  test("version 1 of the format, in which thoughts were a field, is read like version 2", async () => {
    const messages = own.messages.map(({ parts = [], ...message }) => ({
      ...message,
      reasoning: textIn(parts, "thought"),
    }));
    const old = JSON.stringify({ ...own, parlor: 1, messages });
    expect(old).toContain(`"reasoning":"Hm."`);
    expect(await readConversations(old)).toEqual({ records: [own], faults: [] });
  });

  test("parts of an unknown kind, and what are no parts, are left out; a text stays", async () => {
    const strange = [{ kind: "call", text: "x" }, 7, { kind: "text" }, null];
    const message = (parts: unknown) => ({ id: question, role: "user", text: "kept", parts });
    for (const parts of [strange, "text", {}, undefined]) {
      const { records } = await readConversations(
        JSON.stringify({ parlor: 2, id: own.id, messages: [message(parts)] }),
      );
      expect(records[0]?.messages[0]?.text).toBe("kept");
    }
  });

  test("an answer's passages count in the size of what is stored at once", async () => {
    const source = { kind: "source", n: 1, passage: "1", document: "d", page: 1, headings: [] } as const;
    const messages = [1, 2, 3].map((i) => ({
      ...{ id: newId(), parent: null, role: "assistant" as const, text: "[1]", createdAt: own.createdAt + i },
      parts: [{ ...source, text: "x".repeat(10_000) }, ...parts("[1]")],
    }));
    const given = JSON.stringify({ ...own, head: messages[2]?.id, messages });
    const pieces = [...partsOf([file("file", given)], bounds)];
    expect(pieces.map(({ kind }) => kind)).toEqual([
      "begin",
      "messages",
      "messages",
      "messages",
      "end",
      "unread",
    ]);
  });

  test("what can't be read is named line by line, the rest comes in", async () => {
    const { records, faults } = await readConversations(
      [
        JSON.stringify(own),
        "{broken",
        `{"parlor":1}`,
        `{"hello":1}`,
        "[1]",
        `{"parlor":1,"messages":[]}`,
      ].join("\n"),
    );
    expect(records).toEqual([own]);
    expect(faults).toEqual([
      "line 2: this is no JSON object",
      "line 3: it has no messages",
      "line 4: this is in no form that parlor knows (its own, llama-server's UI, ChatGPT, Claude, Open WebUI)",
      "line 5: this is no JSON object",
      "line 6: it has no message of a person or a model",
    ]);
  });

  test("as Markdown: the path that is shown, under who said it", async () => {
    expect(toMarkdown(own, { user: "You", assistant: "Answer" })).toBe(
      "# Grüße\n\n## You\n\nWie geht's? 🦜\n\n## Answer\n\nGut.\n",
    );
  });
});

/** After tools/ui of llama.cpp v0.5.0: a root message, a system message, branches, thoughts, tool calls. */
const llamaUi = {
  conv: {
    id: "8b3f0c1e-5a5e-4b5e-9a59-0c8f6d8f1a01",
    name: "Tea",
    currNode: "m5",
    lastModified: 1_780_000_009_000,
  },
  messages: [
    {
      id: "m0",
      convId: "8b3f0c1e",
      type: "root",
      timestamp: 1_780_000_000_000,
      role: "system",
      content: "",
      parent: null,
      children: ["m1"],
    },
    {
      id: "m1",
      convId: "8b3f0c1e",
      type: "system",
      timestamp: 1_780_000_000_000,
      role: "system",
      content: "Be brief.",
      parent: "m0",
      children: ["m2"],
    },
    {
      id: "m2",
      convId: "8b3f0c1e",
      type: "text",
      timestamp: 1_780_000_001_000,
      role: "user",
      content: "Which tea?",
      parent: "m1",
      children: ["m3", "m4"],
    },
    {
      id: "m3",
      convId: "8b3f0c1e",
      type: "text",
      timestamp: 1_780_000_002_000,
      role: "assistant",
      content: "Green.",
      parent: "m2",
      children: [],
    },
    {
      id: "m4",
      convId: "8b3f0c1e",
      type: "text",
      timestamp: 1_780_000_003_000,
      role: "tool",
      content: "{}",
      parent: "m2",
      children: ["m5"],
      toolCallId: "x",
    },
    {
      id: "m5",
      convId: "8b3f0c1e",
      type: "text",
      timestamp: 1_780_000_004_000,
      role: "assistant",
      content: "Black.",
      reasoningContent: "Or green?",
      parent: "m4",
      children: [],
    },
  ],
};

describe("nothing in a file is believed", () => {
  const read = async (change: Record<string, unknown>) =>
    readConversations(JSON.stringify({ ...own, ...change }));

  test("times that can't have been are not taken over", async () => {
    for (const updatedAt of [1.79e18, 1e300, -1, "yesterday", Number.MAX_SAFE_INTEGER]) {
      const { records } = await read({ updatedAt, createdAt: updatedAt });
      expect(records[0]?.updatedAt).toBe(1_790_000_001_000);
    }
  });

  test("an id of a temporary chat becomes one of a kept one", async () => {
    const { records } = await read({ id: `temporary-${newId()}` });
    expect(records[0]?.id).toMatch(/^[\w-]{22}$/);
  });

  test("settings come in as far as they can be chosen", async () => {
    const settings = { persona: "anna", sampling: { temperature: 9, topP: 0.5, maxTokens: "many", mood: 1 } };
    expect((await read({ settings })).records[0]?.settings).toEqual({
      persona: "anna",
      sampling: { topP: 0.5 },
    });
    for (const odd of [null, 7, "x", { persona: ["a"] }])
      expect((await read({ settings: odd })).records[0]?.settings).toEqual(noSettings);
  });

  test("messages that somebody would miss are named, those of the system are not", async () => {
    const { records, faults } = await read({
      messages: [
        ...own.messages,
        { id: 5, role: "user", text: "numbered" },
        { role: "user", text: "without an id" },
        { id: "m", role: "model", text: "of another" },
        { id: "s", role: "system", text: "Be kind." },
      ],
    });
    expect(records[0]?.messages.length).toBe(3);
    expect(faults).toEqual([
      "the file: message 4 has no id of its own",
      "the file: message 5 has no id of its own",
      'the file: message 6 is of an unknown role, "model"',
    ]);
  });

  test("a file of something else is named in few words, however long it is", async () => {
    const { faults } = await readConversations("a line of some log\n".repeat(10_000));
    expect(faults.length).toBe(51);
    expect(faults.at(-1)).toBe("and 9950 more");
  });

  test("a long chain that runs backwards is read in time", async () => {
    const messages = Array.from({ length: 20_000 }, (_, i) => ({
      id: `m${i}`,
      parent: i === 0 ? null : `m${i - 1}`,
      role: i % 3 === 0 ? "user" : "system",
      text: "x",
    }));
    const from = threadMs();
    expect((await read({ messages: messages.toReversed() })).records[0]?.messages.length).toBe(6_667);
    expect(threadMs() - from).toBeLessThan(2_000);
  });
});

describe("llama-server's own UI", () => {
  const expected = (records: readonly ConversationRecord[]) => {
    const [record] = records as [ConversationRecord];
    expect(record).toMatchObject({ id: llamaUi.conv.id, title: "Tea", updatedAt: 1_780_000_009_000 });
    expect(
      pathOf(record).map(({ role, text, parts = [] }) => [role, text, textIn(parts, "thought")]),
    ).toEqual([
      ["user", "Which tea?", ""],
      ["assistant", "Black.", "Or green?"],
    ]);
    expect(record.messages.map(({ text }) => text)).toEqual(["Which tea?", "Green.", "Black."]);
  };

  test("the JSON Lines of today, several sessions in one file", async () => {
    const session = [
      { harness: "llama.app", type: "session", ...llamaUi.conv },
      ...llamaUi.messages.map((message) => ({ message, type: "message" })),
    ];
    const second = [
      { type: "session", ...llamaUi.conv, id: newId() },
      { type: "message", message: llamaUi.messages[2] },
    ];
    const { records, faults } = await readConversations(
      [...session, ...second, { type: "later" }].map((line) => JSON.stringify(line)).join("\n"),
    );
    expect(records.length).toBe(2);
    expected(records);
    expect(faults.length).toBe(1);
  });

  test("the older JSON, one or an array", async () => {
    expected((await readConversations(JSON.stringify(llamaUi))).records);
    expected((await readConversations(JSON.stringify([llamaUi]))).records);
  });
});

/** After the conversations.json of ChatGPT's data export. */
const chatGpt = {
  title: "Bread",
  create_time: 1_700_000_000.5,
  update_time: 1_700_000_100.25,
  conversation_id: "c0ffee00-1111-2222-3333-444455556666",
  current_node: "aaaa3333-0000-0000-0000-000000000003",
  mapping: {
    root: { id: "root", message: null, parent: null, children: ["sys"] },
    sys: {
      id: "sys",
      parent: "root",
      children: ["aaaa1111-0000-0000-0000-000000000001"],
      message: { id: "sys", author: { role: "system" }, content: { content_type: "text", parts: [""] } },
    },
    "aaaa1111-0000-0000-0000-000000000001": {
      id: "aaaa1111-0000-0000-0000-000000000001",
      parent: "sys",
      children: [],
      message: {
        author: { role: "user" },
        create_time: 1_700_000_001,
        content: {
          content_type: "multimodal_text",
          parts: [{ asset_pointer: "file://x" }, "How do I bake", "bread?"],
        },
      },
    },
    t: {
      id: "t",
      parent: "aaaa1111-0000-0000-0000-000000000001",
      children: [],
      message: {
        author: { role: "tool", name: "browser" },
        content: { content_type: "tether_quote", text: "x" },
      },
    },
    "aaaa3333-0000-0000-0000-000000000003": {
      id: "aaaa3333-0000-0000-0000-000000000003",
      parent: "t",
      children: [],
      message: {
        author: { role: "assistant" },
        create_time: 1_700_000_002,
        content: { content_type: "text", parts: ["Slowly."] },
      },
    },
  },
};

describe("ChatGPT", () => {
  test("texts, times and the shown path come in; pictures and tools are left out", async () => {
    const { records, faults } = await readConversations(JSON.stringify([chatGpt, { title: "broken" }]));
    expect(faults).toEqual([
      "conversation 2: this is in no form that parlor knows (its own, llama-server's UI, ChatGPT, Claude, Open WebUI)",
    ]);
    const [record] = records as [ConversationRecord];
    expect(record).toMatchObject({
      id: chatGpt.conversation_id,
      title: "Bread",
      createdAt: 1_700_000_000_500,
      updatedAt: 1_700_000_100_250,
    });
    expect(pathOf(record).map(({ role, text, createdAt }) => [role, text, createdAt])).toEqual([
      ["user", "How do I bake\nbread?", 1_700_000_001_000],
      ["assistant", "Slowly.", 1_700_000_002_000],
    ]);
  });
});

test("a file that lies about itself harms nobody: circles, strangers as parents, odd types", async () => {
  const circle = { ...own, messages: [{ ...own.messages[0], parent: answer }, own.messages[2]] };
  const stranger = { ...own, messages: [{ ...own.messages[0], parent: newId() }] };
  const odd = {
    parlor: 1,
    id: 7,
    title: ["x"],
    head: 5,
    messages: [{ id: "short", role: "user", text: "a\ud800", parent: 3, createdAt: "x" }, 5, null, { id: 8 }],
  };
  for (const file of [circle, stranger, odd]) {
    const { records, faults } = await readConversations(JSON.stringify(file));
    expect([records.length, faults]).toEqual([1, []]);
    const ids = new Set((records[0] as ConversationRecord).messages.map(({ id }) => id));
    for (const { parent } of records[0]?.messages ?? [])
      expect(parent === null || ids.has(parent)).toBe(true);
    expect(pathOf(records[0] as ConversationRecord).length).toBeGreaterThan(0);
  }
});

test("whose a conversation was is kept, for a file of everybody's", async () => {
  const line = (owner: unknown) =>
    JSON.stringify({ parlor: 1, owner, messages: [{ id: "a", role: "user", text: "hello" }] });
  const { records } = await readConversations([line("Ada"), line(7), line(undefined)].join("\n"));
  expect(records.map(({ owner }) => owner)).toEqual(["Ada", undefined, undefined]);
});
