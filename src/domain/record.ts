// A conversation as a file holds it: everything that is kept of it, in parlor's own form. Written by export,
// read by import.

import type { Role } from "./conversation.ts";
import type { ConversationId, MessageId } from "./id.ts";
import type { Settings } from "./persona.ts";

export interface MessageRecord {
  readonly id: MessageId;
  readonly parent: MessageId | null;
  readonly role: Role;
  readonly text: string;
  readonly reasoning: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

export interface ConversationRecord {
  /** The form's version. */
  readonly parlor: 1;
  readonly id: ConversationId;
  /** Whose it was, by name, in a file of everybody's. */
  readonly owner?: string;
  readonly title: string;
  readonly head: MessageId | null;
  /** Absent in what others have written. */
  readonly settings?: Settings;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Parents before their children. */
  readonly messages: readonly MessageRecord[];
}

export type ConversationHeader = Omit<ConversationRecord, "messages">;

/** What is left out of a file on purpose, by kind: named once, with how often. */
export type LeftOutKind = "tools" | "hidden" | "system" | "files" | "citations" | "long" | "other";

/** What of a file was not brought in. */
export interface Unread {
  /** What could not be read: where, and why. */
  readonly faults: readonly string[];
  readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
}

/**
 * Conversations as they come out of a file, piece by piece: each begins, has messages, and ends; in the end
 * it is said what was not read.
 */
export type ImportPart =
  | { readonly kind: "begin"; readonly conversation: ConversationHeader }
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
