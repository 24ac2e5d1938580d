// Contract of live events: subscribers of a conversation receive its events in order. No event is stored: a
// later subscriber reads the Store. Implemented in bus/local, bus/postgres and bus/redis;
// test/contract/bus.ts is the test suite of the contract.

import { type HouseEvent, listTopic } from "../domain/event.ts";
import { type ConversationId, isTemporary, type PersonId } from "../domain/id.ts";

export interface Bus {
  /** `topic` is the id of a conversation, a `listTopic`, or that of the processes. */
  publish(topic: string, event: HouseEvent): void;
  /**
   * Calls `listener` for each later event of the topic, in order, none twice. Calls `missed` when events of
   * the topic may be lost, or were too large to be carried to another process: what they said must be read
   * from the Store. Returns a function that unsubscribes.
   */
  subscribe(topic: string, listener: (event: HouseEvent) => void, missed?: () => void): () => void;
  close(): Promise<void>;
}

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
