// The thread: a Conversation is a tree of Messages, `head` is the leaf whose path is shown and sent.
// No storage, no HTML: store/ keeps these, views/ draws them.

import type { Run } from "./run.ts";

export type ConversationId = string;
export type MessageId = string;
export type Role = "user" | "assistant";

export interface Conversation {
  readonly id: ConversationId;
  /** The leaf of the path shown; null while nothing has been said. */
  readonly head: MessageId | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** One utterance. */
export interface Message {
  readonly id: MessageId;
  readonly conversation: ConversationId;
  /** The message it answers; null for the first. */
  readonly parent: MessageId | null;
  readonly role: Role;
  readonly text: string;
  /** What the model thought before it answered; empty for most. */
  readonly reasoning: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A Message with the latest Run that wrote it (none for what people wrote). */
export interface Utterance {
  readonly message: Message;
  readonly run: Run | null;
}

/** The path from the first message to `head`, oldest first. */
export type Thread = readonly Utterance[];

/** 128 random bits in 22 characters that are safe in addresses and in element ids. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}

/** True for what `newId` could have made: anything else from outside is refused before it is looked up. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{16,64}$/.test(value);
}
