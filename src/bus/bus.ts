// Contract of live events: what happens in a Conversation is told to whoever watches it, in order.
// Nothing is remembered: who comes later reads the Store. Implemented by bus/local; test/contract/bus.ts is its suite.

import type { ConversationId } from "../domain/conversation.ts";
import type { RunEvent } from "../domain/run.ts";

export interface Bus {
  publish(event: RunEvent): void;
  /** Calls `listener` for each later event of the conversation, in order. Returns the function that ends it. */
  subscribe(conversation: ConversationId, listener: (event: RunEvent) => void): () => void;
  close(): Promise<void>;
}
