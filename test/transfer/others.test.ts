// The exports of ChatGPT (its newer form), Claude and Open WebUI, as files, numbered files and ZIP archives,
// and files that were made to do harm. If this fails, somebody's old conversations come in with what programs
// said to each other, or not at all.

import { describe, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { type ConversationRecord, pathOf } from "../../src/domain/record.ts";
import { type GivenFile, readConversations } from "../../src/transfer/read.ts";

const bounds = { importUnpackedMaxBytes: 4 << 20, importTextMaxBytes: 1_000 };
const file = (name: string, content: unknown): GivenFile => ({
  name,
  bytes: new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content)),
});

function read(...files: GivenFile[]) {
  const reading = readConversations(files, bounds);
  const records: ConversationRecord[] = [];
  for (let next = reading.next(); ; next = reading.next()) {
    if (next.done) return { records, ...next.value };
    records.push(next.value);
  }
}
const talk = (record: ConversationRecord | undefined) =>
  pathOf(record as ConversationRecord).map(({ role, text, parts = [] }) => [
    role,
    text,
    ...parts.flatMap((part) => (part.kind === "thought" ? [part.text] : [])),
  ]);

/** A conversation of ChatGPT's whose messages follow each other. */
function chatGpt(
  messages: readonly Record<string, unknown>[],
  conversation = "c0ffee00-1111-2222-3333-444455556666",
) {
  const mapping: Record<string, unknown> = {
    root: { id: "root", message: null, parent: null, children: ["n0"] },
  };
  messages.forEach((message, i) => {
    mapping[`n${i}`] = {
      id: `n${i}`,
      parent: i === 0 ? "root" : `n${i - 1}`,
      children: [],
      message: { id: `n${i}`, ...message },
    };
  });
  return {
    title: "Tides",
    conversation_id: conversation,
    create_time: 1_750_000_000.5,
    current_node: `n${messages.length - 1}`,
    mapping,
  };
}
const said = (role: string, text: string, more: Record<string, unknown> = {}) => ({
  author: { role },
  content: { content_type: "text", parts: [text] },
  recipient: "all",
  ...more,
});

describe("ChatGPT's newer export", () => {
  const cite = "\ue200cite\ue202turn0search1\ue202turn0search4\ue201";
  const messages = [
    said("system", "", { metadata: { is_visually_hidden_from_conversation: true } }),
    said("user", "About me: I sail.", {
      content: { content_type: "user_editable_context", user_profile: "I sail." },
    }),
    said("user", "When is high tide?"),
    said("assistant", "", {
      content: {
        content_type: "thoughts",
        thoughts: [{ summary: "Looking it up", content: "I need the place." }],
      },
    }),
    said("assistant", "", { content: { content_type: "code", text: 'search("tide")' }, recipient: "web" }),
    said("tool", "results", {
      author: { role: "tool", name: "web" },
      content: { content_type: "tether_browsing_display", result: "x" },
    }),
    said("tool", "hidden results", { author: { role: "tool", name: "web" } }),
    said("assistant", "", { content: { content_type: "reasoning_recap", content: "Thought for 8s" } }),
    said(
      "assistant",
      `At ten. ${cite} In \ue200entity\ue202["city","Hamburg","in Germany"]\ue201 later, see \ue200url\ue202the table\ue202turn0view2\ue201.【3†source】`,
      {
        metadata: { content_references: [{ matched_text: cite, alt: "([Tides](https://tides.example/))" }] },
      },
    ),
    said("user", "Thanks", {
      content: {
        content_type: "multimodal_text",
        parts: [{ content_type: "image_asset_pointer", asset_pointer: "x" }, "Thanks"],
      },
    }),
  ];

  test("messages come in clean, thoughts with their answer; what is left out is counted by kind", () => {
    const { records, faults, leftOut } = read(file("conversations.json", [chatGpt(messages)]));
    expect(faults).toEqual([]);
    expect(talk(records[0])).toEqual([
      ["user", "When is high tide?"],
      [
        "assistant",
        "At ten. ([Tides](https://tides.example/)) In Hamburg later, see the table.",
        "**Looking it up**\n\nI need the place.",
      ],
      ["user", "Thanks"],
    ]);
    expect(leftOut).toEqual({ hidden: 1, tools: 3, citations: 1, files: 1 });
  });

  test("marks without an end, and very many of them, cost no time", () => {
    const texts = ["\ue200".repeat(200_000), "【1†".repeat(100_000), `${cite.slice(0, -1)} x`];
    const before = process.cpuUsage();
    for (const text of texts)
      expect(
        talk(read(file("x", chatGpt([said("user", "q"), said("assistant", `a${text}`)]))).records[0])[1]?.[1],
      ).toStartWith("a");
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});

test("Claude's export: blocks, thoughts, calls, pasted files, branches", () => {
  const message = (uuid: string, sender: string, content: unknown[], more: Record<string, unknown> = {}) => ({
    uuid,
    sender,
    text: "This block is not supported on your current device yet.",
    content,
    created_at: "2026-01-02T03:04:05.678901Z",
    ...more,
  });
  const conversation = {
    uuid: "5d0c2b1e-aaaa-4bbb-8ccc-0123456789ab",
    name: "Bread",
    created_at: "2026-01-02T03:04:05.678901Z",
    updated_at: "2026-01-03T03:04:05Z",
    chat_messages: [
      message("a0000000-0000-4000-8000-000000000001", "human", [{ type: "text", text: "How?" }], {
        attachments: [{ file_name: "recipe.txt", extracted_content: "flour ```" }, { file_name: "x.pdf" }],
        files: [{ file_name: "photo.jpg" }],
        parent_message_uuid: "00000000-0000-4000-8000-000000000000",
      }),
      message("a0000000-0000-4000-8000-000000000002", "assistant", [
        { type: "thinking", thinking: "Yeast or not?" },
        { type: "text", text: "Let me look." },
        { type: "tool_use", name: "web_search", input: {} },
        { type: "tool_result", content: [] },
        { type: "text", text: "Slowly." },
      ]),
    ],
  };
  const { records, faults, leftOut } = read(file("conversations.json", [conversation]));
  expect(faults).toEqual([]);
  expect(records[0]).toMatchObject({
    id: conversation.uuid,
    title: "Bread",
    createdAt: Date.parse(conversation.created_at),
  });
  expect(talk(records[0])).toEqual([
    ["user", "How?\n\n````\nflour ```\n````"],
    ["assistant", "Let me look.\n\nSlowly.", "Yeast or not?"],
  ]);
  expect(leftOut).toEqual({ files: 2, tools: 1 });
  const branched = structuredClone(conversation);
  const [first, second] = branched.chat_messages;
  branched.chat_messages.push({
    ...(second as never as typeof first),
    uuid: "a0000000-0000-4000-8000-000000000003",
    parent_message_uuid: first?.uuid,
  } as never);
  const tree = read(file("x", branched)).records[0] as ConversationRecord;
  expect(tree.messages.map(({ parent }) => parent)).toEqual([null, first?.uuid, first?.uuid] as never);
});

test("Open WebUI's export: the tree, thoughts and calls from its text", () => {
  const details = `<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds</summary>\n&gt; It&#x27;s a &lt;b&gt; question\n&gt; of taste.\n</details>\n`;
  const call = `<details type="tool_calls" done="true" name="x" arguments="{}" result="y">\n<summary>Tool Executed</summary>\n</details>\n`;
  const message = (id: string, parentId: string | null, role: string, content: string) => ({
    id,
    parentId,
    role,
    content,
    timestamp: 1_760_000_000,
  });
  const messages = [
    message("b0000000-0000-4000-8000-000000000001", null, "user", "Tea?"),
    message(
      "b0000000-0000-4000-8000-000000000002",
      "b0000000-0000-4000-8000-000000000001",
      "assistant",
      `${details}${call}Green.`,
    ),
    message(
      "b0000000-0000-4000-8000-000000000003",
      "b0000000-0000-4000-8000-000000000001",
      "assistant",
      "Black.",
    ),
  ];
  const history = {
    currentId: messages[1]?.id,
    messages: Object.fromEntries(messages.map((each) => [each.id, each])),
  };
  const entry = {
    id: "9e107d9d-3722-4b6b-9f5b-1f2e3d4c5b6a",
    title: "Tea",
    created_at: 1_760_000_000,
    updated_at: 1_760_000_100,
    chat: { title: "Tea", history },
  };
  const { records, faults, leftOut } = read(file("chat-export.json", [entry]));
  expect(faults).toEqual([]);
  expect(records[0]).toMatchObject({
    title: "Tea",
    createdAt: 1_760_000_000_000,
    updatedAt: 1_760_000_100_000,
  });
  expect(records[0]?.messages.length).toBe(3);
  expect(talk(records[0])).toEqual([
    ["user", "Tea?"],
    ["assistant", "Green.", "It's a <b> question\nof taste."],
  ]);
  expect(leftOut).toEqual({ tools: 1 });
});

/** A ZIP archive of files, deflated or stored. */
function zip(files: Record<string, string>, { method = 8, claims = 0 } = {}): Uint8Array {
  const chunks: Uint8Array[] = [];
  const list: Uint8Array[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [nameBytes, plain] = [Buffer.from(name), Buffer.from(text)];
    const packed = method === 8 ? deflateRawSync(plain) : plain;
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(method, 8);
    head.writeUInt16LE(nameBytes.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(claims || plain.length, 24);
    entry.writeUInt16LE(nameBytes.length, 28);
    entry.writeUInt32LE(offset, 42);
    chunks.push(head, nameBytes, packed);
    list.push(entry, nameBytes);
    offset += 30 + nameBytes.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...chunks, ...list, end]));
}

describe("archives and several files", () => {
  const one = (n: number) =>
    JSON.stringify([chatGpt([said("user", `question ${n}`)], `c0ffee00-1111-2222-3333-00000000000${n}`)]);
  const questions = (records: readonly ConversationRecord[]) =>
    records.map(({ messages }) => messages[0]?.text);

  test("a ZIP archive with numbered files: those are read, the others are left out", () => {
    for (const method of [0, 8]) {
      const bytes = zip(
        {
          "conversations-000.json": one(1),
          "conversations-001.json": one(2),
          "user.json": "{}",
          "chat.html": "",
          "a.png": "x",
        },
        { method },
      );
      const { records, faults, leftOut } = read({ name: "export.zip", bytes });
      expect([questions(records), faults, leftOut]).toEqual([["question 1", "question 2"], [], { files: 1 }]);
    }
    expect(
      questions(read({ name: "own.zip", bytes: zip({ "folder/parlor.jsonl": one(3) }) }).records),
    ).toEqual(["question 3"]);
  });

  test("several files that were chosen together", () => {
    const { records, faults } = read(
      file("conversations-000.json", one(1)),
      file("conversations-001.json", "{"),
      file("conversations-002.json", one(2)),
    );
    expect([questions(records), faults]).toEqual([
      ["question 1", "question 2"],
      ["conversations-001.json: line 1: this is no JSON object"],
    ]);
  });

  test("an archive that becomes too large, lies about its size, is locked, cut or empty is named", () => {
    const bomb = zip({ "conversations.json": `[${" ".repeat(8 << 20)}]` });
    expect(bomb.length).toBeLessThan(10_000);
    expect(read({ name: "x.zip", bytes: bomb }).faults).toEqual([
      "conversations.json: it is larger than 4 MB when it is unpacked",
    ]);
    const liar = zip({ "conversations.json": `[${" ".repeat(8 << 20)}]` }, { claims: 10 });
    expect(read({ name: "x.zip", bytes: liar }).faults.length).toBe(1);
    const many = zip(
      Object.fromEntries(
        Array.from({ length: 9 }, (_, i) => [`conversations-${i}.json`, `[${" ".repeat(1 << 20)}]`]),
      ),
    );
    expect(read({ name: "x.zip", bytes: many }).faults.length).toBeGreaterThan(4);
    const locked = zip({ "conversations.json": one(1) });
    locked[locked.length - 22 - 46 - "conversations.json".length + 8] = 1;
    expect(read({ name: "x.zip", bytes: locked }).faults).toEqual([
      "conversations.json: it is locked by a password",
    ]);
    const whole = zip({ "conversations.json": one(1) });
    for (let at = 4; at < whole.length; at += 7)
      expect(read({ name: "x.zip", bytes: whole.slice(0, at) }).records).toEqual([]);
    for (let at = 4; at < whole.length; at++)
      read({ name: "x.zip", bytes: whole.with(at, (whole[at] as number) ^ 0xff) }); // none of them throws
    expect(read({ name: "x.zip", bytes: zip({ "a.txt": "x" }) }).faults).toEqual([
      "x.zip: there is no file of conversations in this ZIP archive",
    ]);
  });
});

describe("files that were made to do harm", () => {
  test("brackets without end are refused before they are parsed; what stands beside them comes in", () => {
    const before = process.cpuUsage();
    const fine = JSON.stringify(chatGpt([said("user", "fine")]));
    for (const deep of [
      "[".repeat(5_000_000),
      '{"a":'.repeat(1_000_000),
      `[${'{"a":'.repeat(300)}1${"}".repeat(300)},${fine}]`,
      `${'{"a":'.repeat(100_000)}\n${fine}`,
    ]) {
      const { faults, records } = read(file("x", deep));
      expect(faults.length).toBeGreaterThan(0);
      expect(records.length).toBe(deep.includes("fine") ? 1 : 0);
    }
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(2_000);
  });

  test("a file that is cut off gives what it still has", () => {
    const conversations = JSON.stringify([
      chatGpt([said("user", "first")]),
      chatGpt([said("user", "second")], "c0ffee00-1111-2222-3333-000000000009"),
    ]);
    const { records, faults } = read(file("x", conversations.slice(0, -40)));
    expect([records.length, faults]).toEqual([1, ["conversation 2: the file ends in the middle of it"]]);
  });

  test("a text has a longest length, on the edge of a character, and it is said", () => {
    const { records, leftOut } = read(
      file("x", chatGpt([said("user", "q"), said("assistant", "ä🦜".repeat(10_000))])),
    );
    const text = records[0]?.messages[1]?.text as string;
    expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(bounds.importTextMaxBytes);
    expect(text).toMatch(/^(?:ä🦜)+ä?$/u);
    expect(leftOut).toEqual({ long: 1 });
  });
});
