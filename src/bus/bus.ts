// Contract of live events: what happens in a Conversation is told to whoever watches it, in order. Nothing
// is remembered: who comes later reads the Store. Implemented by bus/local; test/contract/bus.ts is its
// suite.

import type { HouseEvent } from "../domain/event.ts";

export interface Bus {
  /** `topic` is a conversation's id, or a `listTopic`. */
  publish(topic: string, event: HouseEvent): void;
  /** Calls `listener` for each later event of the topic, in order. Returns the function that ends it. */
  subscribe(topic: string, listener: (event: HouseEvent) => void): () => void;
  close(): Promise<void>;
}
