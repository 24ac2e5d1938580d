// A thin way to speak SQL to bun:sqlite: prepared statements by their text, rows of a type. Used by store/sqlite only.

import type { Database } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";

export type Value = string | number | null;

export class Queries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Runs `work` in one transaction that holds the write lock from its start. @throws Failure `store_unwritable` */
  transaction<T>(work: () => T): T {
    return writing(() => this.#db.transaction(work).immediate());
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#db.query<Row, Value[]>(sql).get(...values);
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#db.query<Row, Value[]>(sql).all(...values);
  }

  /** Rows changed. @throws Failure `store_unwritable` */
  run(sql: string, ...values: Value[]): number {
    return writing(() => this.#db.query<never, Value[]>(sql).run(...values).changes);
  }
}

/** What SQLite calls a disk that is full, read-only or broken (https://sqlite.org/rescode.html), as a Failure. */
function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && /^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(code)) throw new Failure("store_unwritable");
    throw error;
  }
}
