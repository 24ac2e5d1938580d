// The thread in which vectors are kept and compared.

import type { Near } from "../store/vectors.ts";
import type { Vectors } from "./vector-memory.ts";

export type VectorOrder =
  /** Begins anew, with an empty memory. */
  | { readonly kind: "open"; readonly dims: number; readonly maxBytes: number }
  | {
      readonly kind: "add";
      readonly document: number;
      readonly collection: number;
      readonly vectors: Vectors;
    }
  | { readonly kind: "remove"; readonly document: number; readonly collection: number }
  | {
      readonly kind: "search";
      readonly id: number;
      readonly question: Float32Array;
      readonly collections: readonly number[];
      readonly limit: number;
    };

type Told = { readonly kind: "full" } | { readonly kind: "near"; readonly id: number; readonly near: Near };

/** The worker's code: beside this file, or in the executable under its path from src. */
const code =
  import.meta.url.includes("/$bunfs/") || import.meta.url.includes("/~BUN/")
    ? "./documents/vector-worker.ts"
    : new URL("./vector-worker.ts", import.meta.url).href;

export class VectorThread {
  readonly #worker = new Worker(code);
  readonly #asked = new Map<number, PromiseWithResolvers<Near | null>>();
  #last = 0;

  /**
   * @param full called when vectors were left out because there is no room
   * @param broken called when the thread has ended by itself, with its error
   */
  constructor({ full, broken }: { full(): void; broken(message: string): void }) {
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.kind === "full") return full();
      this.#asked.get(data.id)?.resolve(data.near ?? null);
      this.#asked.delete(data.id);
    };
    this.#worker.onerror = ({ message }) => {
      this.close();
      broken(message);
    };
  }

  /** Begins anew, with no vectors. */
  open(dims: number, maxBytes: number): void {
    this.#send({ kind: "open", dims, maxBytes });
  }

  /** Adds vectors, which can't be used here afterwards. */
  add(document: number, collection: number, vectors: Vectors): void {
    this.#send({ kind: "add", document, collection, vectors }, [
      vectors.passages.buffer,
      vectors.scales.buffer,
      vectors.values.buffer,
    ]);
  }

  remove(document: number, collection: number): void {
    this.#send({ kind: "remove", document, collection });
  }

  /** The passages of some collections that are nearest to a question. Null when the thread has ended. */
  search(question: Float32Array, collections: readonly number[], limit: number): Promise<Near | null> {
    const id = ++this.#last;
    const asked = Promise.withResolvers<Near | null>();
    this.#asked.set(id, asked);
    this.#send({ kind: "search", id, question, collections, limit });
    return asked.promise;
  }

  close(): void {
    this.#worker.terminate();
    for (const asked of this.#asked.values()) asked.resolve(null);
    this.#asked.clear();
  }

  #send(order: VectorOrder, moved: ArrayBufferLike[] = []): void {
    this.#worker.postMessage(order, moved as ArrayBuffer[]);
  }
}
