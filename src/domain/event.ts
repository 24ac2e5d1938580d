// What the Bus carries: facts about Runs, and word that something is to be read again.

import type { PersonId } from "./account.ts";
import type { ConversationId } from "./conversation.ts";
import type { RunEvent } from "./run.ts";

/** The thread's shape has changed (another branch, a message gone, another attempt): read it again. */
export interface Reshaped {
  readonly kind: "reshaped";
  readonly conversation: ConversationId;
}

/** The conversation's entry in the list has changed, or is new, or is gone: read it again. */
export interface Listed {
  readonly kind: "listed";
  readonly conversation: ConversationId;
  /** Something was said in it: it belongs at the top now. Otherwise the list's order may be any other. */
  readonly isLatest: boolean;
}

export type HouseEvent = RunEvent | Reshaped | Listed;

/** The topic of a person's list; every other topic is a conversation's id. */
export const listTopic = (owner: PersonId): string => `list:${owner}`;
