// Vectors that the database compares, as its engine does.

import type { Database, VectorIndex } from "./database.ts";
import type { IndexedModel, Near, NearestVectors } from "./vectors.ts";

/** Vectors that are copied in one transaction: each takes about a millisecond, and others must wait. */
const stepVectors = 16;

export class ComparedVectors implements NearestVectors {
  readonly #db: Database;
  readonly #index: VectorIndex;

  constructor(db: Database, index: VectorIndex) {
    this.#db = db;
    this.#index = index;
  }

  get dimsMax(): number {
    return this.#index.dimsMax;
  }

  async prepare(model: IndexedModel, after: number): Promise<number | null> {
    if (after === 0) await this.#db.write(() => this.#index.open(model));
    const some = await this.#db.read(() => this.#index.lacking(model, after, stepVectors));
    if (some.length > 0) await this.#db.write(() => this.#index.add(model.number, some));
    return some.at(-1)?.passage ?? null;
  }

  search(
    model: IndexedModel,
    question: Int8Array,
    collections: readonly number[],
    limit: number,
  ): Promise<Near> {
    return this.#db.read(() => this.#index.near(model, question, collections, limit));
  }
}
