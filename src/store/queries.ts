// A thin way to speak SQL to bun:sqlite: prepared statements by their text, rows of a type.

import type { Database, Statement } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";
import { unusable } from "./file.ts";
import { Forgetting } from "./forgetting.ts";

export type Value = string | number | null;

/** Who hears of what the file does. */
export interface ChangeListener {
  /** How long a transaction took, in ms. */
  stored?(ms: number): void;
  /** Once: it is damaged; one line for whoever runs parlor. */
  damaged?(line: string): void;
}

export class Queries {
  readonly #db: Database;
  /**
   * Every SQL text of ours, prepared once. (Database.query keeps 20 at most, and prepares the others anew at
   * each call.)
   */
  readonly #statements = new Map<string, Statement<unknown, Value[]>>();

  readonly forgetting: Forgetting;

  readonly #told: ChangeListener;
  #isDamaged = false;

  constructor(db: Database, told: ChangeListener = {}) {
    this.#db = db;
    this.#told = told;
    this.forgetting = new Forgetting(db);
  }

  /**
   * Runs `work` in one transaction that holds the write lock from its start. @throws Failure
   * `store_unwritable`, `store_damaged`
   */
  transaction<T>(work: () => T): T {
    const startedAt = performance.now();
    try {
      return this.#asked(() => this.#db.transaction(work).immediate());
    } finally {
      this.#told.stored?.(performance.now() - startedAt);
    }
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#asked(() => this.#prepared(sql).get(...values) as Row | null);
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#asked(() => this.#prepared(sql).all(...values) as Row[]);
  }

  /** Rows changed. @throws Failure `store_unwritable`, `store_damaged` */
  run(sql: string, ...values: Value[]): number {
    return this.#asked(() => this.#prepared(sql).run(...values).changes);
  }

  /** Lets go of the statements, so that the database can be closed. */
  close(isServing: boolean): void {
    this.forgetting.close(isServing);
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
  }

  /**
   * What SQLite calls a disk that is full, read-only or broken, or a file that is damaged
   * (https://sqlite.org/rescode.html), as a Failure.
   */
  #asked<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const code = String((error as { code?: unknown }).code);
      if (/^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(code)) throw new Failure("store_unwritable");
      if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) throw error;
      if (!this.#isDamaged) this.#told.damaged?.((unusable(this.#db.filename, error) as Error).message);
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
