// A thin way to speak SQL to bun:sqlite: prepared statements by their text, rows of a type. Used by store/sqlite only.

import type { Database, Statement } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";
import { Forgetting } from "./forgetting.ts";

export type Value = string | number | null;

export class Queries {
  readonly #db: Database;
  /** Every SQL text of ours, prepared once. (Database.query keeps 20 at most, and prepares the others anew at each call.) */
  readonly #statements = new Map<string, Statement<unknown, Value[]>>();

  readonly forgetting: Forgetting;

  /** Told how long each transaction took, in ms. */
  readonly #stored: ((ms: number) => void) | undefined;

  constructor(db: Database, stored?: (ms: number) => void) {
    this.#db = db;
    this.#stored = stored;
    this.forgetting = new Forgetting(db);
  }

  /** Runs `work` in one transaction that holds the write lock from its start. @throws Failure `store_unwritable` */
  transaction<T>(work: () => T): T {
    const startedAt = performance.now();
    try {
      return writing(() => this.#db.transaction(work).immediate());
    } finally {
      this.#stored?.(performance.now() - startedAt);
    }
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#prepared(sql).get(...values) as Row | null;
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** Rows changed. @throws Failure `store_unwritable` */
  run(sql: string, ...values: Value[]): number {
    return writing(() => this.#prepared(sql).run(...values).changes);
  }

  /** Lets go of the statements, so that the database can be closed. */
  close(isServing: boolean): void {
    this.forgetting.close(isServing);
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
  }

  #prepared(sql: string): Statement<unknown, Value[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare<unknown, Value[]>(sql);
    this.#statements.set(sql, statement);
    return statement;
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
