// A thin layer over bun:sqlite: prepared statements by their text, typed rows, errors as Failures.

import type { Database, Statement } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";
import { unusable } from "./file.ts";
import { Forgetting } from "./forgetting.ts";

export type Value = string | number | null | Uint8Array;

/** Listens to the state of the database. */
export interface ChangeListener {
  /** Duration of each transaction, in ms. */
  stored?(ms: number): void;
  /** Called once when the file is damaged, with one line for the operator. */
  damaged?(line: string): void;
}

export class Queries {
  readonly #db: Database;
  /**
   * All statements, by their SQL text. (Database.query keeps 20 at most and prepares the others again at each
   * call.)
   */
  readonly #statements = new Map<string, Statement<unknown, Value[]>>();

  readonly forgetting: Forgetting;

  readonly #listener: ChangeListener;
  #isDamaged = false;

  constructor(db: Database, listener: ChangeListener = {}) {
    this.#db = db;
    this.#listener = listener;
    this.forgetting = new Forgetting(db);
  }

  /**
   * Runs `work` in one transaction that holds the write lock from its start.
   * @throws Failure `store_unwritable`, `store_damaged`
   */
  transaction<T>(work: () => T): T {
    const startedAt = performance.now();
    try {
      return this.#guarded(() => this.#db.transaction(work).immediate());
    } finally {
      this.#listener.stored?.(performance.now() - startedAt);
    }
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#guarded(() => this.#prepared(sql).get(...values) as Row | null);
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#guarded(() => this.#prepared(sql).all(...values) as Row[]);
  }

  /** Returns the number of changed rows. @throws Failure `store_unwritable`, `store_damaged` */
  run(sql: string, ...values: Value[]): number {
    return this.#guarded(() => this.#prepared(sql).run(...values).changes);
  }

  /** Finalises the statements, so that the database can be closed. */
  close(isServing: boolean): void {
    this.forgetting.close(isServing);
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
  }

  /**
   * Translates SQLite's codes (https://sqlite.org/rescode.html) for a full, read-only or broken disk and for
   * a damaged file into Failures.
   */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      if (/^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(code)) throw new Failure("store_unwritable");
      if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) throw error;
      if (!this.#isDamaged) this.#listener.damaged?.((unusable(this.#db.filename, error) as Error).message);
      this.#isDamaged = true;
      throw new Failure("store_damaged");
    }
  }

  #prepared(sql: string): Statement<unknown, Value[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare<unknown, Value[]>(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
