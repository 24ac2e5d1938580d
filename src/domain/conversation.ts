// The thread: a Conversation is a tree of Messages, `head` is the leaf whose path is shown and sent.
// No storage, no HTML: store/ keeps these, views/ draws them.

import type { PersonId } from "./account.ts";
import type { Settings } from "./persona.ts";
import type { Run } from "./run.ts";

export type ConversationId = string;
export type MessageId = string;
export type Role = "user" | "assistant";

export interface Conversation {
  readonly id: ConversationId;
  /** Whose it is: nobody else finds it. */
  readonly owner: PersonId;
  /** The leaf of the path shown; null while nothing has been said. */
  readonly head: MessageId | null;
  /** Derived from the first question until a person gives it a name. */
  readonly title: string;
  readonly pinned: boolean;
  readonly settings: Settings;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When something was last said in it, in milliseconds since 1970. */
  readonly updatedAt: number;
}

/** A Conversation in the list. */
export interface ListedConversation extends Conversation {
  /** A Run of it waits or runs. */
  readonly active: boolean;
}

/** Where a page of the list ended. */
export type ListPlace = Pick<Conversation, "id" | "pinned" | "updatedAt">;

/** A title or a message that a search has found. */
export interface FoundPassage {
  readonly conversation: ConversationId;
  readonly title: string;
  /** null when the title was found. */
  readonly message: MessageId | null;
  /** The passage, in parts that alternate: before the first match, the match, between, the match … */
  readonly excerpt: readonly string[];
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
  /** The messages that could stand in its place, itself included, oldest first. */
  readonly siblings: readonly MessageId[];
}

/** A path through the conversation, oldest first. */
export type Thread = readonly Utterance[];

/** The end of the path that leads to `head`, or of the part of it before some message. */
export interface ThreadPage {
  /** The conversation's; empty while nothing has been said. */
  readonly title: string;
  readonly settings: Settings;
  readonly thread: Thread;
  /** Older messages are there that this page does not hold. */
  readonly hasEarlier: boolean;
}

/** Characters of a title that is made of the first question. */
const titleMaxChars = 60;

/** A title for a conversation that begins with `question`: its first line, cut at a word. No generation, so the slot's prompt cache stays. */
export function titleFrom(question: string): string {
  const line = question.trim().split("\n", 1)[0]?.replace(/\s+/g, " ").trim() ?? "";
  if (line.length <= titleMaxChars) return line;
  const cut = line.slice(0, titleMaxChars).replace(/[\ud800-\udbff]$/, "");
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), titleMaxChars / 2)).trim()}…`;
}

/** 128 random bits in 22 characters that are safe in addresses and in element ids. */
export function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}

const temporaryPrefix = "temporary-";

/** An id for a conversation that is never written to disk. */
export function newTemporaryId(): ConversationId {
  return temporaryPrefix + newId();
}

export function isTemporary(conversation: ConversationId): boolean {
  return conversation.startsWith(temporaryPrefix);
}

/** True for what `newId` could have made: anything else from outside is refused before it is looked up. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{16,64}$/.test(value);
}
