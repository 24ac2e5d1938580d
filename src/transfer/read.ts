// Files of conversations become ConversationRecords: parlor's own JSON and JSON Lines, the exports of llama-server's own UI (JSON Lines, and the older JSON),
// ChatGPT, Claude and Open WebUI; one file, several, or a ZIP archive. What can't be read is named with its line or number, what is left out once per kind;
// the rest comes in. Pure: nothing is stored here. Runs in a worker (transfer/worker): a file may take seconds.

import { titleFrom } from "../domain/conversation.ts";
import { isId, isTemporary, newId } from "../domain/id.ts";
import { isJsonObject, type JsonObject } from "../domain/json.ts";
import type { ConversationRecord, LeftOutKind, MessageRecord, Unread } from "../domain/record.ts";
import { settingsOf } from "../domain/settings.ts";
import { fromChatGpt } from "./chatgpt.ts";
import { documents } from "./documents.ts";
import { fromClaude, fromLlamaUi, fromOpenWebUi, type LeaveOut, type Loose } from "./foreign.ts";
import { filesOf, isZip } from "./zip.ts";

export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ReadBounds {
  /** All that is unpacked from archives. */
  readonly importUnpackedMaxBytes: number;
  /** A message's text, in UTF-8. */
  readonly importTextMaxBytes: number;
}

/** Faults that are named; of more only the number is said. */
const faultsMax = 50;

/** Each conversation in the files, whatever their names. */
export function* readConversations(
  files: readonly GivenFile[],
  bounds: ReadBounds,
): Generator<ConversationRecord, Unread> {
  const faults: string[] = [];
  let [faultsCount, recordsCount] = [0, 0];
  const leftOut: Partial<Record<LeftOutKind, number>> = {};
  const tell = (fault: string) => ++faultsCount <= faultsMax && faults.push(fault);
  const leaveOut: LeaveOut = (kind) => {
    leftOut[kind] = (leftOut[kind] ?? 0) + 1;
  };
  const unpacked = unpack(files, bounds.importUnpackedMaxBytes, tell, leaveOut);
  for (const { name, bytes } of unpacked) {
    const at = unpacked.length > 1 ? `${name}: ` : "";
    for (const { where, value } of sessions(bytes, (where, fault) => tell(`${at}${where}: ${fault}`))) {
      try {
        const unread = (fault: string) => tell(`${at}${where}: ${fault}`);
        yield settle(looseOf(value, leaveOut), { unread, leaveOut, textMaxBytes: bounds.importTextMaxBytes });
        recordsCount++;
      } catch (error) {
        tell(`${at}${where}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  if (recordsCount === 0 && faultsCount === 0) tell("there is no conversation in this file");
  if (faultsCount > faultsMax) faults.push(`and ${faultsCount - faultsMax} more`);
  return { faults, leftOut };
}

/** The files themselves, and those of archives: there the numbered `conversations.json` of exports, else whatever is JSON. */
function unpack(
  files: readonly GivenFile[],
  maxBytes: number,
  tell: (fault: string) => void,
  leaveOut: LeaveOut,
): GivenFile[] {
  let left = maxBytes;
  return files.flatMap((file) => {
    if (!isZip(file.bytes)) return [file];
    try {
      const all = filesOf(file.bytes).filter(({ name }) => !name.endsWith("/"));
      const exported = all.filter(({ name }) => /(?:^|\/)conversations[-_]?\d*\.json$/i.test(name));
      const chosen = exported.length > 0 ? exported : all.filter(({ name }) => /\.jsonl?$/i.test(name));
      const isChosen = new Set(chosen);
      for (const each of all)
        if (!isChosen.has(each) && !/\.(?:json|html)$/i.test(each.name)) leaveOut("files");
      if (chosen.length === 0) tell(`${file.name}: there is no file of conversations in this ZIP archive`);
      return chosen.flatMap((each) => {
        try {
          const bytes = each.unpack(left);
          left -= bytes.length;
          return [{ name: each.name, bytes }];
        } catch (error) {
          tell(`${each.name}: ${(error as Error).message}`);
          return [];
        }
      });
    } catch (error) {
      tell(`${file.name}: ${(error as Error).message}`);
      return [];
    }
  });
}

interface Found {
  readonly where: string;
  readonly value: unknown;
}

/** The conversations in a file as they stand there; of llama-server's UI's sessions the messages follow on lines of their own. */
function* sessions(bytes: Uint8Array, tell: (where: string, fault: string) => void): Generator<Found> {
  let session: { where: string; value: { conv: JsonObject; messages: unknown[] } } | null = null;
  for (const { where, value, fault } of documents(bytes)) {
    const type = isJsonObject(value) ? value["type"] : undefined;
    if (fault !== undefined) tell(where, fault);
    else if (!isJsonObject(value)) tell(where, "this is no JSON object");
    else if (type === "session") {
      if (session) yield session;
      session = { where, value: { conv: value, messages: [] } };
    } else if (type === "message" && session) session.value.messages.push(value["message"]);
    else if (type === "message") tell(where, "a message before any conversation");
    else yield { where, value };
  }
  if (session) yield session;
}

function looseOf(value: unknown, leaveOut: LeaveOut): Loose {
  if (!isJsonObject(value)) throw new Error("this is no JSON object");
  if (value["parlor"] === 1) return value as unknown as Loose;
  if (isJsonObject(value["conv"]) && Array.isArray(value["messages"]))
    return fromLlamaUi(value["conv"], value["messages"], leaveOut);
  if (isJsonObject(value["mapping"])) return fromChatGpt(value, value["mapping"], leaveOut);
  if (Array.isArray(value["chat_messages"])) return fromClaude(value, value["chat_messages"], leaveOut);
  if (isJsonObject(value["chat"])) return fromOpenWebUi(value, value["chat"], leaveOut);
  if (isJsonObject(value["history"]) && isJsonObject(value["history"]["messages"]))
    return fromOpenWebUi({}, value, leaveOut);
  throw new Error(
    "this is in no form that parlor knows (its own, llama-server's UI, ChatGPT, Claude, Open WebUI)",
  );
}

interface Settling {
  readonly unread: (fault: string) => void;
  readonly leaveOut: LeaveOut;
  readonly textMaxBytes: number;
}

/**
 * Makes a proper record of what a file says: known roles, texts, every parent there and before its children. `unread` hears of
 * messages that somebody would miss.
 */
function settle(loose: Loose, { unread, leaveOut, textMaxBytes }: Settling): ConversationRecord {
  if (!Array.isArray(loose.messages)) throw new Error("it has no messages");
  const given = new Map(
    loose.messages
      .filter((message) => isJsonObject(message) && typeof message.id === "string")
      .map((message) => [message.id, message]),
  );
  const isKept = (message: Loose["messages"][number]) =>
    (message.role === "user" || message.role === "assistant") && typeof message.text === "string";
  for (const [i, message] of loose.messages.entries()) {
    const isSaid =
      isJsonObject(message) &&
      typeof message["text"] === "string" &&
      message["text"] !== "" &&
      message["role"] !== null;
    const isOthers =
      isJsonObject(message) &&
      (message["role"] === "system" || message["role"] === "tool" || message["role"] === "developer");
    if (isSaid && isOthers) leaveOut(message["role"] === "tool" ? "tools" : "system");
    else if (isSaid && !isOthers && given.get(String(message["id"])) !== message)
      unread(`message ${i + 1} has no id of its own`);
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
  const clean = (value: unknown) => {
    const text = typeof value === "string" ? value.toWellFormed() : "";
    const cut = cutTo(text, textMaxBytes);
    if (cut.length < text.length) leaveOut("long");
    return cut;
  };
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
      const own = {
        id: ids.get(id) as string,
        parent: above !== null && placed.has(above) ? (ids.get(above) as string) : null,
      };
      const at = timeOf(createdAt) ?? timeOf(loose.createdAt) ?? Date.now();
      messages.push({
        ...own,
        role: role as MessageRecord["role"],
        text: clean(text),
        reasoning: clean(reasoning),
        createdAt: at,
      });
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
    settings: settingsOf(loose.settings, { nameMaxChars }),
    title: (typeof loose.title === "string" && loose.title.trim().slice(0, 200)) || titleFrom(first.text),
    head: head === null ? last.id : (ids.get(head) as string),
    createdAt: timeOf(loose.createdAt) ?? first.createdAt,
    updatedAt: timeOf(loose.updatedAt) ?? last.createdAt,
    messages,
  };
}

const encoder = new TextEncoder();

/** As much of a text's beginning as fits, in UTF-8. */
function cutTo(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return read < text.length ? text.slice(0, read) : text;
}

/** Longest name of a persona or a model: the longest name of a file. */
const nameMaxChars = 255;

const dayMs = 86_400_000;

/** A time that can have been: not in other units, not in the future. */
function timeOf(value: unknown): number | null {
  return typeof value === "number" && value > 0 && value <= Date.now() + dayMs ? Math.round(value) : null;
}
