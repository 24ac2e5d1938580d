// The database port over bun:sqlite, which is synchronous: all of a work runs in one turn, within a
// transaction.

import type { Database as Connection, Statement as Prepared } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";
import { Changes } from "./changes.ts";
import {
  all,
  type ChangeListener,
  type Database,
  one,
  run,
  type Statement,
  type Value,
  type Work,
} from "./database.ts";
import { unusable } from "./file.ts";
import { SqliteForgetting } from "./forgetting.ts";

export class Queries implements Database {
  readonly #db: Connection;
  /**
   * All statements, by their SQL text. (Database.query keeps 20 at most and prepares the others again at each
   * call.)
   */
  readonly #statements = new Map<string, Prepared<unknown, Value[]>>();
  readonly changes: Changes;
  readonly forgetting: SqliteForgetting;
  readonly #listener: ChangeListener;
  #isDamaged = false;
  /** True when the transaction that runs has made an announcement. */
  #isAnnounced = false;

  constructor(db: Connection, listener: ChangeListener = {}) {
    this.#db = db;
    this.#listener = listener;
    this.changes = new Changes(db);
    this.forgetting = new SqliteForgetting(db);
  }

  async read<T>(work: () => Work<T>): Promise<T> {
    return this.#within("begin", () => this.now(work()));
  }

  async write<T>(work: () => Work<T>): Promise<T> {
    return this.transaction(() => this.now(work()));
  }

  /** For code that is no Work yet. */
  transaction<T>(body: () => T): T {
    const startedAt = performance.now();
    try {
      const result = this.#within("begin immediate", body); // waits for other processes here, not later
      if (this.#isAnnounced) this.changes.tell();
      return result;
    } finally {
      this.#isAnnounced = false;
      this.#listener.stored?.(performance.now() - startedAt);
    }
  }

  /** Runs work in this turn, without a transaction of its own. */
  now<T>(work: Work<T>): T {
    let step = work.next();
    while (!step.done) step = work.next(this.execute(step.value));
    return step.value;
  }

  one<Row>(sql: string, ...values: Value[]): Row | null {
    return this.#guarded(() => this.now(one<Row>(sql, ...values)));
  }

  all<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#guarded(() => this.now(all<Row>(sql, ...values)));
  }

  run(sql: string, ...values: Value[]): number {
    return this.#guarded(() => this.now(run(sql, ...values)));
  }

  /** Runs one statement. Throws SQLite's errors as they are. */
  execute({ kind, sql, values }: Statement): unknown {
    if (kind === "announce") {
      this.#isAnnounced = true;
      return undefined;
    }
    const statement = this.#prepared(sql);
    if (kind === "one") return statement.get(...values);
    return kind === "all" ? statement.all(...values) : statement.run(...values).changes;
  }

  #guarded<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  watch(listener: () => void): () => void {
    return this.changes.watch(listener);
  }

  /** Finalises the statements, so that the database can be closed. */
  close(isServing: boolean): void {
    this.changes.close();
    this.forgetting.close(isServing);
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
  }

  #within<T>(begin: "begin" | "begin immediate", body: () => T): T {
    try {
      this.#prepared(begin).run();
      const result = body();
      this.#prepared("commit").run();
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#prepared("rollback").run();
      throw this.#failure(error);
    }
  }

  /**
   * Translates SQLite's codes (https://sqlite.org/rescode.html) for a full, read-only or broken disk and for
   * a damaged file into Failures. Other errors stay as they are.
   */
  #failure(error: unknown): unknown {
    const code = String((error as { code?: unknown }).code);
    if (/^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(code)) return new Failure("store_unwritable");
    if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return error;
    if (!this.#isDamaged) this.#listener.damaged?.((unusable(this.#db.filename, error) as Error).message);
    this.#isDamaged = true;
    return new Failure("store_damaged");
  }

  #prepared(sql: string): Prepared<unknown, Value[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare<unknown, Value[]>(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
