// Contract of live events: subscribers of a conversation receive its events in order. No event is stored: a
// later subscriber reads the Store. Implemented in bus/local; test/contract/bus.ts is the test suite of the
// contract.

import type { HouseEvent } from "../domain/event.ts";

export interface Bus {
  /** `topic` is the id of a conversation, or a `listTopic`. */
  publish(topic: string, event: HouseEvent): void;
  /** Calls `listener` for each later event of the topic, in order. Returns a function that unsubscribes. */
  subscribe(topic: string, listener: (event: HouseEvent) => void): () => void;
  close(): Promise<void>;
}
