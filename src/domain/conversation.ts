// The thread: a Conversation is a tree of Messages, `head` is the leaf whose path is shown and sent.
// No storage, no HTML: store/ keeps these, views/ draws them.

import type { ConversationId, MessageId, PersonId } from "./id.ts";
import type { Settings } from "./persona.ts";

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

/** Characters of a title that is made of the first question. */
const titleMaxChars = 60;

/**
 * A title for a conversation that begins with `question`: its first line, cut at a word. No generation, so
 * the slot's prompt cache stays.
 */
export function titleFrom(question: string): string {
  const line = question.trim().split("\n", 1)[0]?.replace(/\s+/g, " ").trim() ?? "";
  if (line.length <= titleMaxChars) return line;
  const cut = line.slice(0, titleMaxChars).replace(/[\ud800-\udbff]$/, "");
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), titleMaxChars / 2)).trim()}…`;
}
