// A thin way to speak SQL to bun:sqlite: prepared statements by their text, rows of a type. Used by store/sqlite only.

import type { Database } from "bun:sqlite";

export type Value = string | number | null;

export class Queries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Runs `work` in one transaction that holds the write lock from its start. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work).immediate();
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#db.query<Row, Value[]>(sql).get(...values);
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#db.query<Row, Value[]>(sql).all(...values);
  }

  /** Rows changed. */
  run(sql: string, ...values: Value[]): number {
    return this.#db.query<never, Value[]>(sql).run(...values).changes;
  }
}
