// Finds the vectors near a question: in the Store, where it compares them itself; else in a VectorThread,
// which is kept as the Store is, with the vectors of the documents that have all of theirs.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { IndexedModel, Near, NearestVectors, VectorDocument, Vectors } from "../store/vectors.ts";
import type { Log } from "../telemetry/log.ts";
import { quantized } from "./quantized.ts";
import { VectorThread } from "./vector-thread.ts";

/** What is read from the Store at once: about 3 ms. */
const [batchVectors, batchDocuments] = [128, 2_000];

interface VectorSearchOptions {
  readonly vectors: Vectors;
  /** Of all vectors in memory. */
  readonly vectorsMaxBytes: number;
  readonly log: Log;
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
  /** The model whose vectors the Store compares. */
  #prepared: number | null = null;

  constructor(options: VectorSearchOptions) {
    this.#options = options;
  }

  /** Makes all vectors in the Store comparable, in small steps, until that or until `signal` is aborted. */
  async sync(model: IndexedModel, signal: AbortSignal): Promise<void> {
    const { vectors } = this.#options;
    const nearest = this.#nearest(model);
    if (nearest) return this.#prepare(nearest, model, signal);
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
    const nearest = this.#nearest(model);
    if (nearest) {
      const { values } = quantized(question);
      if (values.length !== model.dims) return { passages: [], scores: [], mean: 0 };
      return nearest.search(model, values, collections, limit);
    }
    if (this.#model?.number !== model.number) return null;
    return this.#thread?.search(question, collections, limit) ?? null;
  }

  close(): void {
    this.#thread?.close();
    this.#thread = null;
  }

  #nearest({ dims }: IndexedModel): NearestVectors | null {
    const { nearest } = this.#options.vectors;
    return nearest && dims <= nearest.dimsMax ? nearest : null;
  }

  async #prepare(nearest: NearestVectors, model: IndexedModel, signal: AbortSignal): Promise<void> {
    if (this.#prepared === model.number) return; // from then on the Store does it with each vector
    let after: number | null = 0;
    while (after !== null && !signal.aborted) after = await nearest.prepare(model, after);
    if (after === null) this.#prepared = model.number;
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
