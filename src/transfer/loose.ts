// A conversation as a file describes it, and the valid record that is made of it. Nothing in a
// LooseConversation is checked; everything in a ConversationRecord is.

import { titleFrom } from "../domain/conversation.ts";
import type { FileId } from "../domain/file.ts";
import { isId, isTemporary, newId } from "../domain/id.ts";
import { isJsonObject, isString } from "../domain/json.ts";
import { type FilePart, type Parts, partsOf, plainText, textParts } from "../domain/part.ts";
import type { ConversationRecord, FileRecord, LeftOutKind, MessageRecord } from "../domain/record.ts";
import { settingsOf } from "../domain/settings.ts";

/** Counts something that is left out of a file on purpose. */
export type LeaveOut = (kind: LeftOutKind) => void;

export interface LooseConversation {
  readonly id?: unknown;
  readonly owner?: unknown;
  readonly title?: unknown;
  readonly head?: string | null;
  readonly settings?: unknown;
  readonly createdAt?: unknown;
  readonly updatedAt?: unknown;
  readonly messages: readonly LooseMessage[];
  /** Content of files; in files of parlor alone. */
  readonly files?: unknown;
}

export interface LooseMessage {
  readonly id: string;
  readonly parent?: string | null;
  readonly role?: unknown;
  readonly text?: unknown;
  /** The model's thoughts; in files of other programs, and of version 1. */
  readonly reasoning?: unknown;
  /** In files of version 2; they count instead of the text. */
  readonly parts?: unknown;
  readonly createdAt?: unknown;
}

interface RecordRules {
  /** Is told of each message that is lost and that a person would miss. */
  readonly unread: (fault: string) => void;
  readonly leaveOut: LeaveOut;
  /** Longest text of a message, in UTF-8. */
  readonly textMaxBytes: number;
}

/** Longest name of a persona or a model: the longest name of a file. In UTF-16 units. */
const nameMaxChars = 255;
/** Longest title, in UTF-16 units. */
const titleMaxChars = 200;
/** A clock may be wrong by this much. */
const dayMs = 86_400_000;

/**
 * Makes a valid record: known roles only, every parent present and before its children, times that are
 * possible.
 * @throws Error with one line for the person who imports, where nothing can be kept
 */
export function recordOf(loose: LooseConversation, rules: RecordRules): ConversationRecord {
  if (!Array.isArray(loose.messages)) throw new Error("it has no messages");
  const tree = new LooseTree(loose.messages);
  tellUnread(loose.messages, tree, rules);
  const files = filesOf(loose.files);
  const { messages, ids } = placed(tree, loose, {
    ...rules,
    hasFile: (id) => files.some((file) => file.id === id),
  });
  const [first, last] = [messages[0], messages.at(-1)];
  if (!first || !last) throw new Error("it has no message of a person or a model");
  const head = tree.keptAncestor(loose.head);
  return {
    parlor: 2,
    // an imported conversation is kept, so it can't have the id of a temporary one
    id: isId(loose.id) && !isTemporary(loose.id) ? loose.id : newId(),
    ...(typeof loose.owner === "string" && { owner: loose.owner }),
    settings: settingsOf(loose.settings, { nameMaxChars }),
    title:
      (typeof loose.title === "string" && loose.title.trim().slice(0, titleMaxChars)) ||
      titleFrom(first.text),
    head: head === null ? last.id : (ids.get(head) as string),
    createdAt: timeOf(loose.createdAt) ?? first.createdAt,
    updatedAt: timeOf(loose.updatedAt) ?? last.createdAt,
    messages,
    ...(files.length > 0 && { files }),
  };
}

/** Messages of a person or a model are kept; system and tool messages are not. */
const isKept = ({ role, text }: LooseMessage): boolean =>
  (role === "user" || role === "assistant") && typeof text === "string";

/** The messages by id, and which of them stands above which. */
class LooseTree {
  readonly byId: ReadonlyMap<string, LooseMessage>;
  /** Kept ancestors that are known already, by the id of a message that is not kept. */
  readonly #ancestors = new Map<string, string | null>();

  constructor(messages: readonly LooseMessage[]) {
    const usable = messages.filter((message) => isJsonObject(message) && typeof message.id === "string");
    this.byId = new Map(usable.map((message) => [message.id, message]));
  }

  /** Id of the nearest kept message from `id` upwards, `id` itself included; null where there is none. */
  keptAncestor(id: string | null | undefined): string | null {
    const passed: string[] = [];
    let found: string | null = null;
    for (let at = this.byId.get(id ?? ""); at; at = this.byId.get(at.parent ?? "")) {
      const known = isKept(at) ? at.id : this.#ancestors.get(at.id);
      if (known !== undefined || passed.length > this.byId.size) {
        found = known ?? null;
        break;
      }
      passed.push(at.id);
    }
    for (const each of passed) this.#ancestors.set(each, found);
    return found;
  }

  /** A message and its ancestors, oldest first, down from the first that `isPlaced`. A circle is cut open. */
  lineTo(message: LooseMessage, isPlaced: (id: string) => boolean): LooseMessage[] {
    const line = [message];
    const inLine = new Set([message.id]);
    let parent = this.keptAncestor(message.parent);
    while (parent !== null && !isPlaced(parent) && !inLine.has(parent)) {
      const found = this.byId.get(parent) as LooseMessage;
      line.push(found);
      inLine.add(found.id);
      parent = this.keptAncestor(found.parent);
    }
    return line.reverse();
  }
}

/** Tells of messages that have a text and are not kept. */
function tellUnread(
  messages: readonly unknown[],
  { byId }: LooseTree,
  { unread, leaveOut }: Pick<RecordRules, "unread" | "leaveOut">,
): void {
  for (const [i, message] of messages.entries()) {
    if (!isJsonObject(message)) continue;
    const { id, role, text } = message;
    if (typeof text !== "string" || text === "" || role === null) continue;
    if (role === "tool") leaveOut("tools");
    else if (role === "system" || role === "developer") leaveOut("system");
    else if (byId.get(String(id)) !== (message as unknown)) unread(`message ${i + 1} has no id of its own`);
    else if (role !== "user" && role !== "assistant")
      unread(`message ${i + 1} is of an unknown role, ${JSON.stringify(role)?.slice(0, 40)}`);
  }
}

/** The kept messages, parents before their children, and their new ids by those of the file. */
function placed(
  tree: LooseTree,
  { createdAt: begunAt }: LooseConversation,
  { leaveOut, textMaxBytes, hasFile }: RecordRules & { hasFile: (id: FileId) => boolean },
): { messages: MessageRecord[]; ids: ReadonlyMap<string, string> } {
  const ids = new Map([...tree.byId.keys()].map((id) => [id, isId(id) ? id : newId()]));
  const messages: MessageRecord[] = [];
  const isPlaced = new Set<string>();
  const filePart = (part: FilePart): FilePart => {
    if (part.file !== null && hasFile(part.file)) return part;
    leaveOut("files");
    return { ...part, file: null };
  };
  const clean = (value: unknown): string => {
    const text = typeof value === "string" ? value.toWellFormed() : "";
    const cut = cutTo(text, textMaxBytes);
    if (cut.length < text.length) leaveOut("long");
    return cut;
  };
  for (const kept of tree.byId.values()) {
    if (!isKept(kept) || isPlaced.has(kept.id)) continue;
    for (const message of tree.lineTo(kept, (id) => isPlaced.has(id))) {
      const above = tree.keptAncestor(message.parent);
      messages.push({
        id: ids.get(message.id) as string,
        parent: above !== null && isPlaced.has(above) ? (ids.get(above) as string) : null,
        role: message.role as MessageRecord["role"],
        ...contentOf(message, clean, filePart),
        createdAt: timeOf(message.createdAt) ?? timeOf(begunAt) ?? Date.now(),
      });
      isPlaced.add(message.id);
    }
  }
  return { messages, ids };
}

/** The text, and the parts of a message that has more than a text. */
function contentOf(
  { text, reasoning, parts }: LooseMessage,
  clean: (value: unknown) => string,
  filePart: (part: FilePart) => FilePart,
): Pick<MessageRecord, "text" | "parts"> {
  const cleaned = partsOf(parts).map((part) => {
    if (part.kind === "file") return filePart(part);
    if (part.kind === "text" || part.kind === "thought") return { ...part, text: clean(part.text) };
    const names = { document: clean(part.document), headings: part.headings.map(clean) };
    return { ...part, ...names, text: clean(part.text) };
  });
  const thought = clean(reasoning);
  const all: Parts =
    cleaned.length > 0
      ? cleaned
      : [...(thought === "" ? [] : [{ kind: "thought" as const, text: thought }]), ...textParts(clean(text))];
  const isText = all.every(({ kind }) => kind === "text");
  return { text: plainText(all), ...(!isText && { parts: all }) };
}

/** The files whose content is there. */
function filesOf(value: unknown): FileRecord[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    if (!isJsonObject(each)) return [];
    const { id, name, data } = each;
    if (!isId(id) || !isString(name) || !isString(data)) return [];
    return [{ id, name, bytes: new Uint8Array(Buffer.from(data, "base64")) }];
  });
}

const encoder = new TextEncoder();

/** As much of a text's beginning as fits into `maxBytes` of UTF-8. */
function cutTo(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return read < text.length ? text.slice(0, read) : text;
}

/** A time in milliseconds since 1970, rounded; null for one in the future, and for other units. */
function timeOf(value: unknown): number | null {
  return typeof value === "number" && value > 0 && value <= Date.now() + dayMs ? Math.round(value) : null;
}
