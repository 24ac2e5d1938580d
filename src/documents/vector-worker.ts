// Keeps the vectors of a model in a thread of its own and finds the nearest, so that answers go on meanwhile.
// documents/vector-thread is the other end.

import { VectorMemory } from "./vector-memory.ts";
import type { VectorOrder } from "./vector-thread.ts";

declare const self: Worker;

let memory: VectorMemory | null = null;
self.onmessage = ({ data: order }: MessageEvent<VectorOrder>) => {
  if (order.kind === "open") memory = new VectorMemory(order.dims, order.maxBytes);
  else if (order.kind === "remove") memory?.remove(order.document, order.collection);
  else if (order.kind === "add") {
    if (memory?.add(order.document, order.collection, order.vectors) === false) postMessage({ kind: "full" });
  } else {
    const near = memory?.search(order.question, order.collections, order.limit);
    postMessage({ kind: "near", id: order.id, near });
  }
};
