// The two events that tell open pages of a changed conversation: one for its owner's list, one for its own
// pages.

import type { Bus } from "../bus/bus.ts";
import { listTopic } from "../domain/event.ts";
import { type ConversationId, isTemporary, type PersonId } from "../domain/id.ts";

/**
 * Tells the owner's list that an entry has changed. `isLatest` moves the entry to the top. Nothing is
 * published for temporary conversations, which are in no list.
 */
export function publishListed(
  bus: Bus,
  { owner, conversation }: { owner: PersonId; conversation: ConversationId },
  isLatest: boolean,
): void {
  if (!isTemporary(conversation)) bus.publish(listTopic(owner), { kind: "listed", conversation, isLatest });
}

/** Tells the conversation's own pages to load the thread again. */
export function publishReshaped(bus: Bus, conversation: ConversationId): void {
  bus.publish(conversation, { kind: "reshaped", conversation });
}
