// A file of conversations becomes ConversationRecords: parlor's own JSON and JSON Lines, the exports of llama-server's own UI
// (JSON Lines, and the older JSON) and of ChatGPT (conversations.json). What can't be read is named with its line or number;
// the rest comes in. Pure: nothing is stored here.

import { isId, newId, titleFrom } from "../domain/conversation.ts";
import type { ConversationRecord, MessageRecord } from "../domain/record.ts";
import { type Dict, fromChatGpt, fromLlamaUi, isDict, type Loose } from "./foreign.ts";

export interface ReadFile {
  readonly records: readonly ConversationRecord[];
  /** What could not be read: where, and why. */
  readonly faults: readonly string[];
}

/** Reads the text of a file, whatever its name. */
export function readConversations(text: string): ReadFile {
  const faults: string[] = [];
  const records: ConversationRecord[] = [];
  for (const { where, value } of documents(text, faults)) {
    try {
      records.push(settle(looseOf(value)));
    } catch (error) {
      faults.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (records.length === 0 && faults.length === 0) faults.push("there is no conversation in this file");
  return { records, faults };
}

interface Document {
  readonly where: string;
  readonly value: unknown;
}

/** The conversations in a file as they stand there: one JSON value, an array of them, or one a line. */
function documents(text: string, faults: string[]): Document[] {
  if (text.startsWith("PK")) {
    faults.push("this is a ZIP archive: unpack it and take the files in it");
    return [];
  }
  const whole = parse(text);
  if (Array.isArray(whole)) return whole.map((value, i) => ({ where: `conversation ${i + 1}`, value }));
  if (whole !== undefined) return [{ where: "the file", value: whole }];
  return fromLines(text, faults);
}

/** JSON Lines: a record a line, or llama-server's UI's sessions, whose messages follow on lines of their own. */
function fromLines(text: string, faults: string[]): Document[] {
  const found: Document[] = [];
  let session: { conv: Dict; messages: unknown[] } | null = null;
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const where = `line ${i + 1}`;
    const value = parse(line);
    if (!isDict(value)) faults.push(`${where}: this is no JSON object`);
    else if (value["type"] === "session") {
      session = { conv: value, messages: [] };
      found.push({ where, value: session });
    } else if (value["type"] === "message" && session) session.messages.push(value["message"]);
    else if (value["type"] === "message") faults.push(`${where}: a message before any conversation`);
    else found.push({ where, value });
  });
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function looseOf(value: unknown): Loose {
  if (!isDict(value)) throw new Error("this is no JSON object");
  if (value["parlor"] === 1) return value as unknown as Loose;
  if (isDict(value["conv"]) && Array.isArray(value["messages"])) return fromLlamaUi(value["conv"], value["messages"]);
  if (isDict(value["mapping"])) return fromChatGpt(value, value["mapping"]);
  throw new Error("this is in no form that parlor knows (its own, llama-server's UI, ChatGPT)");
}

/** Makes a proper record of what a file says: known roles, texts, every parent there and before its children. */
function settle(loose: Loose): ConversationRecord {
  if (!Array.isArray(loose.messages)) throw new Error("it has no messages");
  const given = new Map(loose.messages.filter((message) => isDict(message) && typeof message.id === "string").map((message) => [message.id, message]));
  const isKept = (message: Loose["messages"][number]) => (message.role === "user" || message.role === "assistant") && typeof message.text === "string";
  const ids = new Map([...given.keys()].map((id) => [id, isId(id) ? id : newId()]));
  /** The nearest ancestor that is kept: system and tool messages are left out. */
  const keptAncestor = (id: string | null | undefined): string | null => {
    for (let [at, steps] = [given.get(id ?? ""), 0]; at && steps <= given.size; at = given.get(at.parent ?? ""), steps++) if (isKept(at)) return at.id;
    return null;
  };
  const messages: MessageRecord[] = [];
  const placed = new Set<string>();
  const clean = (value: unknown) => (typeof value === "string" ? value.toWellFormed() : "");
  /** Places a message behind its ancestors; one that is its own ancestor has none. */
  const place = (message: Loose["messages"][number]): void => {
    const line = [message];
    for (let parent = keptAncestor(message.parent); parent !== null && !placed.has(parent); ) {
      if (line.some(({ id }) => id === parent)) break;
      const found = given.get(parent) as Loose["messages"][number];
      line.push(found);
      parent = keptAncestor(found.parent);
    }
    for (const { id, parent, role, text, reasoning, createdAt } of line.reverse()) {
      if (placed.has(id)) continue;
      const above = keptAncestor(parent);
      const own = { id: ids.get(id) as string, parent: above !== null && placed.has(above) ? (ids.get(above) as string) : null };
      const at = timeOf(createdAt) ?? timeOf(loose.createdAt) ?? Date.now();
      messages.push({ ...own, role: role as MessageRecord["role"], text: clean(text), reasoning: clean(reasoning), createdAt: at });
      placed.add(id);
    }
  };
  for (const message of given.values()) if (isKept(message)) place(message);
  if (messages.length === 0) throw new Error("it has no message of a person or a model");
  const head = keptAncestor(loose.head);
  const [first, last] = [messages[0] as MessageRecord, messages.at(-1) as MessageRecord];
  return {
    parlor: 1,
    id: isId(loose.id) ? loose.id : newId(),
    title: (typeof loose.title === "string" && loose.title.trim().slice(0, 200)) || titleFrom(first.text),
    head: head === null ? last.id : (ids.get(head) as string),
    createdAt: timeOf(loose.createdAt) ?? first.createdAt,
    updatedAt: timeOf(loose.updatedAt) ?? last.createdAt,
    messages,
  };
}

function timeOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.round(value) : null;
}
