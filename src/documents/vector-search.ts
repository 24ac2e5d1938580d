// Keeps the vectors of the documents that have all of theirs in a VectorThread, as the Store has them.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { VectorDocument, Vectors } from "../store/vectors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Near } from "./vector-memory.ts";
import { VectorThread } from "./vector-thread.ts";

/** What is read from the Store at once: about 3 ms. */
const [batchVectors, batchDocuments] = [128, 2_000];

interface VectorSearchOptions {
  readonly vectors: Vectors;
  /** Of all vectors in memory. */
  readonly vectorsMaxBytes: number;
  readonly log: Log;
}

/** A model that vectors are compared by. */
export interface IndexedModel {
  /** Its number in the Store. */
  readonly number: number;
  readonly dims: number;
}

export class VectorSearch {
  readonly #options: VectorSearchOptions;
  /** The documents whose vectors are in memory, by number. */
  readonly #loaded = new Map<number, VectorDocument>();
  #model: IndexedModel | null = null;
  #thread: VectorThread | null = null;
  /** What the Store said when the memory was like it. */
  #state = "";
  #isFull = false;

  constructor(options: VectorSearchOptions) {
    this.#options = options;
  }

  /** Brings the memory to the state of the Store, in small steps, until that or until `signal` is aborted. */
  async sync(model: IndexedModel, signal: AbortSignal): Promise<void> {
    const { vectors } = this.#options;
    if (this.#model?.number !== model.number || this.#thread === null) this.#open(model);
    const thread = this.#thread as VectorThread;
    const state = await vectors.state(model.number);
    if (state === this.#state) return;
    const there = await this.#documents(model);
    const marks = new Map(there.map(({ document, mark }) => [document, mark]));
    for (const { document, collection, mark } of this.#loaded.values()) {
      if (marks.get(document) === mark) continue;
      thread.remove(document, collection);
      this.#loaded.delete(document);
    }
    for (const each of there) {
      if (signal.aborted || this.#thread !== thread) return;
      if (!this.#loaded.has(each.document)) await this.#load(thread, each, model.dims);
    }
    this.#state = state;
  }

  /** Passages by number that are nearest to a question; null where another model's vectors are in memory. */
  async search(
    model: IndexedModel,
    question: Float32Array,
    collections: readonly number[],
    limit: number,
  ): Promise<Near | null> {
    if (this.#model?.number !== model.number) return null;
    return this.#thread?.search(question, collections, limit) ?? null;
  }

  close(): void {
    this.#thread?.close();
    this.#thread = null;
  }

  #open(model: IndexedModel): void {
    const { log, vectorsMaxBytes } = this.#options;
    const full = () => {
      if (!this.#isFull) log.warn("documents are left out of the search by meaning", { vectorsMaxBytes });
      this.#isFull = true;
    };
    const broken = (error: string) => {
      log.error("the thread that compares vectors has ended", { error });
      this.#thread = null; // the next sync begins anew
    };
    this.#loaded.clear();
    this.#state = "";
    this.#isFull = false;
    this.#model = model;
    this.#thread ??= new VectorThread({ full, broken });
    this.#thread.open(model.dims, vectorsMaxBytes);
  }

  /** All documents that have their vectors. */
  async #documents({ number }: IndexedModel): Promise<readonly VectorDocument[]> {
    const all: VectorDocument[] = [];
    for (;;) {
      const after = all.at(-1)?.document ?? 0;
      const some = await this.#options.vectors.documents(number, after, batchDocuments);
      all.push(...some);
      if (some.length < batchDocuments) return all;
      await nextTurn();
    }
  }

  async #load(thread: VectorThread, loaded: VectorDocument, dims: number): Promise<void> {
    const { document, collection } = loaded;
    this.#loaded.set(document, loaded);
    for (let after = 0; ; ) {
      const some = await this.#options.vectors.of(document, after, batchVectors);
      const usable = some.filter(({ values }) => values.length === dims);
      const values = new Int8Array(usable.length * dims);
      usable.forEach((each, i) => void values.set(each.values, i * dims));
      const passages = Uint32Array.from(usable, ({ passage }) => passage);
      const scales = Float32Array.from(usable, ({ scale }) => scale);
      if (usable.length > 0) thread.add(document, collection, { passages, scales, values });
      after = some.at(-1)?.passage ?? 0;
      await nextTurn();
      if (some.length < batchVectors) return;
    }
  }
}
