// Which part of what is stored is asked for. Types only, of the contract in store/store.

import type { ListPlace } from "../domain/conversation.ts";
import type { MessageId, PersonId } from "../domain/id.ts";

/** All conversations, or those of one person, or those in which nothing was said since a time. */
export interface ConversationFilter {
  readonly owner?: PersonId;
  /** Milliseconds since 1970. */
  readonly idleSince?: number;
}

/** A page of a person's list of conversations. */
export interface ListRange {
  readonly owner: PersonId;
  /** Entries at most. */
  readonly limit: number;
  /** The last entry of the page before, as it was shown there. */
  readonly after?: ListPlace;
}

/** The last `limit` messages of a path; more where they are needed to reach back to `through`. */
export interface ThreadRange {
  readonly limit: number;
  /** The path to this message, which is excluded; absent: the path to the head. */
  readonly before?: MessageId;
  readonly through?: MessageId;
}
