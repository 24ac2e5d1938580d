// A conversation in a file, in parlor's own format: everything that the Store keeps of it. Written by
// exports, read by imports.

import type { Role } from "./conversation.ts";
import type { FileId } from "./file.ts";
import type { ConversationId, MessageId } from "./id.ts";
import type { Parts } from "./part.ts";
import type { Settings } from "./persona.ts";

export interface MessageRecord {
  readonly id: MessageId;
  readonly parent: MessageId | null;
  readonly role: Role;
  /** The plain text of its parts. */
  readonly text: string;
  /** Absent when the message is its text alone. */
  readonly parts?: Parts;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A file that an import brings. Its kind and its text are read from the bytes again. */
export interface FileRecord {
  /** The id by which parts of the conversation's messages name it. */
  readonly id: FileId;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface ConversationRecord {
  /** Version of the format. Version 1, in which messages had `reasoning` instead of parts, is still read. */
  readonly parlor: 2;
  readonly id: ConversationId;
  /** The owner's name, in an export of all people's conversations. */
  readonly owner?: string;
  readonly title: string;
  readonly head: MessageId | null;
  /** Absent in exports of other programs. */
  readonly settings?: Settings;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Parents before their children. */
  readonly messages: readonly MessageRecord[];
  /** The files of an import; exports write them piece by piece (transfer/record-json). */
  readonly files?: readonly FileRecord[];
}

export type ConversationHeader = Omit<ConversationRecord, "messages" | "files">;

/** Kinds of content that an import leaves out on purpose. Each kind is reported once, with its count. */
export type LeftOutKind =
  | "tools"
  | "hidden"
  | "system"
  | "files"
  | "citations"
  | "collections"
  | "long"
  | "other";

/** What an import did not take from a file. */
export interface Unread {
  /** Parts that could not be read: where, and why. */
  readonly faults: readonly string[];
  readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
}

/**
 * A piece of an import. Each conversation begins, has files, then messages, and ends; `unread` is the last
 * piece of all.
 */
export type ImportPart =
  | { readonly kind: "begin"; readonly conversation: ConversationHeader }
  | { readonly kind: "file"; readonly file: FileRecord }
  | { readonly kind: "messages"; readonly messages: readonly MessageRecord[] }
  | { readonly kind: "end" }
  | ({ readonly kind: "unread" } & Unread);

/** The path to the head, oldest first. */
export function pathOf(record: ConversationRecord): MessageRecord[] {
  const byId = new Map(record.messages.map((message) => [message.id, message]));
  const path: MessageRecord[] = [];
  for (let at = byId.get(record.head ?? ""); at; at = byId.get(at.parent ?? "")) path.unshift(at);
  return path;
}
