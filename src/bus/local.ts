// The Bus of one process: calls each listener synchronously, in the order of the events.

import type { HouseEvent } from "../domain/event.ts";
import type { Bus } from "./bus.ts";

/** A Bus that reaches only this process. */
export function localBus(): Bus {
  const listeners = new Map<string, Set<(event: HouseEvent) => void>>();
  return {
    publish(topic, event) {
      for (const listener of [...(listeners.get(topic) ?? [])]) listener(event);
    },
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
      };
    },
    async close() {
      listeners.clear();
    },
  };
}
