// The Bus of one process: a call per listener, in the order of the events. Made by main.

import type { ConversationId } from "../domain/conversation.ts";
import type { RunEvent } from "../domain/run.ts";
import type { Bus } from "./bus.ts";

/** A Bus that ends at this process. */
export function localBus(): Bus {
  const listeners = new Map<ConversationId, Set<(event: RunEvent) => void>>();
  return {
    publish(event) {
      for (const listener of [...(listeners.get(event.conversation) ?? [])]) listener(event);
    },
    subscribe(conversation, listener) {
      const set = listeners.get(conversation) ?? new Set();
      listeners.set(conversation, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(conversation) === set) listeners.delete(conversation);
      };
    },
    async close() {
      listeners.clear();
    },
  };
}
