// A file of conversations becomes ConversationRecords: parlor's own JSON and JSON Lines, the exports of llama-server's own UI
// (JSON Lines, and the older JSON) and of ChatGPT (conversations.json). What can't be read is named with its line or number;
// the rest comes in. Pure: nothing is stored here.

import { isId, isTemporary, newId, titleFrom } from "../domain/conversation.ts";
import { isWithin, noSettings, type Sampling, type Settings, samplingBounds } from "../domain/persona.ts";
import type { ConversationRecord, MessageRecord } from "../domain/record.ts";
import { type Dict, fromChatGpt, fromLlamaUi, isDict, type Loose } from "./foreign.ts";

export interface ReadFile {
  readonly records: readonly ConversationRecord[];
  /** What could not be read: where, and why. */
  readonly faults: readonly string[];
}

/** Faults that are named; of more only the number is said. */
const faultsMax = 50;

/** Conversations after which others get their turn. */
const readAtOnce = 20;

/** Reads the text of a file, whatever its name. Gives way to others in between: a file may be large. */
export async function readConversations(text: string): Promise<ReadFile> {
  const faults: string[] = [];
  const records: ConversationRecord[] = [];
  for (const [i, { where, value }] of documents(text, faults).entries()) {
    if (i % readAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    try {
      records.push(settle(looseOf(value), (fault) => faults.push(`${where}: ${fault}`)));
    } catch (error) {
      faults.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (records.length === 0 && faults.length === 0) faults.push("there is no conversation in this file");
  const more = faults.length - faultsMax;
  return { records, faults: more > 0 ? [...faults.slice(0, faultsMax), `and ${more} more`] : faults };
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

/**
 * Makes a proper record of what a file says: known roles, texts, every parent there and before its children. `unread` hears of
 * messages that somebody would miss.
 */
function settle(loose: Loose, unread: (fault: string) => void): ConversationRecord {
  if (!Array.isArray(loose.messages)) throw new Error("it has no messages");
  const given = new Map(loose.messages.filter((message) => isDict(message) && typeof message.id === "string").map((message) => [message.id, message]));
  const isKept = (message: Loose["messages"][number]) => (message.role === "user" || message.role === "assistant") && typeof message.text === "string";
  for (const [i, message] of loose.messages.entries()) {
    const isSaid = isDict(message) && typeof message["text"] === "string" && message["text"] !== "" && message["role"] !== null;
    const isOthers = isDict(message) && (message["role"] === "system" || message["role"] === "tool" || message["role"] === "developer");
    if (isSaid && !isOthers && given.get(String(message["id"])) !== message) unread(`message ${i + 1} has no id of its own`);
    else if (isSaid && !isOthers && !isKept(message as unknown as Loose["messages"][number]))
      unread(`message ${i + 1} is of an unknown role, ${JSON.stringify(message["role"])?.slice(0, 40)}`);
  }
  const ids = new Map([...given.keys()].map((id) => [id, isId(id) ? id : newId()]));
  /** The nearest ancestor that is kept: system and tool messages are left out. */
  const ancestors = new Map<string, string | null>();
  const keptAncestor = (id: string | null | undefined): string | null => {
    const passed: string[] = [];
    let found: string | null = null;
    for (let at = given.get(id ?? ""); at; at = given.get(at.parent ?? "")) {
      const known = isKept(at) ? at.id : ancestors.get(at.id);
      if (known !== undefined || passed.length > given.size) {
        found = known ?? null;
        break;
      }
      passed.push(at.id);
    }
    for (const each of passed) ancestors.set(each, found);
    return found;
  };
  const messages: MessageRecord[] = [];
  const placed = new Set<string>();
  const clean = (value: unknown) => (typeof value === "string" ? value.toWellFormed() : "");
  /** Places a message behind its ancestors; one that is its own ancestor has none. */
  const place = (message: Loose["messages"][number]): void => {
    const line = [message];
    const inLine = new Set([message.id]);
    for (let parent = keptAncestor(message.parent); parent !== null && !placed.has(parent); ) {
      if (inLine.has(parent)) break;
      const found = given.get(parent) as Loose["messages"][number];
      line.push(found);
      inLine.add(found.id);
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
    id: isId(loose.id) && !isTemporary(loose.id) ? loose.id : newId(), // what is brought in is kept
    ...(typeof loose.owner === "string" && { owner: loose.owner }),
    settings: settingsOf(loose.settings),
    title: (typeof loose.title === "string" && loose.title.trim().slice(0, 200)) || titleFrom(first.text),
    head: head === null ? last.id : (ids.get(head) as string),
    createdAt: timeOf(loose.createdAt) ?? first.createdAt,
    updatedAt: timeOf(loose.updatedAt) ?? last.createdAt,
    messages,
  };
}

/** What a conversation had chosen, as far as it can be chosen. */
function settingsOf(value: unknown): Settings {
  if (!isDict(value)) return noSettings;
  const { persona, sampling, model } = value;
  const names = Object.keys(samplingBounds) as (keyof Sampling)[];
  const chosen = names.flatMap((name) => {
    const number = isDict(sampling) ? sampling[name] : undefined;
    return typeof number === "number" && isWithin(name, number) ? [[name, number]] : [];
  });
  const isName = (name: unknown): name is string => typeof name === "string" && name !== "" && name.length <= nameMaxChars;
  return { persona: isName(persona) ? persona : null, sampling: Object.fromEntries(chosen) as Sampling, ...(isName(model) && { model }) };
}

/** Longest name of a persona or a model: the longest name of a file. */
const nameMaxChars = 255;

const dayMs = 86_400_000;

/** A time that can have been: not in other units, not in the future. */
function timeOf(value: unknown): number | null {
  return typeof value === "number" && value > 0 && value <= Date.now() + dayMs ? Math.round(value) : null;
}
