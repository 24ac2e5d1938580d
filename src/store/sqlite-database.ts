// The database port over bun:sqlite, which is synchronous: all of a work runs in one turn, within a
// transaction.

import type { Database as Connection, Statement as Prepared } from "bun:sqlite";
import { Failure } from "../domain/failure.ts";
import type { ChangeListener, Columns, Database, Statement, Value, Work } from "./database.ts";
import { type FileLock, openDatabase, unusable } from "./file.ts";
import { migrate } from "./migrate.ts";
import { SqliteChanges } from "./sqlite-changes.ts";
import { SqliteForgetting } from "./sqlite-forgetting.ts";
import { sqlitePassages } from "./sqlite-passages.ts";
import { sqliteConversations } from "./sqlite-search.ts";

export class SqliteDatabase implements Database {
  readonly #connection: Connection;
  /** Null when other processes may write to the file, too. */
  readonly #lock: FileLock | null;
  /**
   * All statements, by their SQL text. (Database.query keeps 20 at most and prepares the others again at each
   * call.)
   */
  readonly #statements = new Map<string, Prepared<unknown, Value[]>>();
  readonly #changes: SqliteChanges;
  readonly forgetting: SqliteForgetting;
  readonly conversationIndex = sqliteConversations;
  readonly passageIndex = sqlitePassages;
  readonly vectorIndex = null;
  readonly #listener: ChangeListener;
  #isDamaged = false;
  /** True when the transaction that runs has made an announcement. */
  #isAnnounced = false;

  /** Opens the database in `file`, and brings it to the newest schema. @throws StoreUnusable, SQLite's errors */
  constructor(file: string, lock: FileLock | null, listener: ChangeListener = {}) {
    const connection = openDatabase(file);
    migrate(connection, file);
    this.#connection = connection;
    this.#lock = lock;
    this.#listener = listener;
    this.#changes = new SqliteChanges(connection);
    this.forgetting = new SqliteForgetting(connection, (work) => this.#run(work));
    if (lock) this.#run(this.forgetting.resume());
  }

  async read<T>(work: () => Work<T>): Promise<T> {
    return this.#transaction("begin", work);
  }

  async write<T>(work: () => Work<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      const result = this.#transaction("begin immediate", work); // waits for other processes here, not later
      if (this.#isAnnounced) this.#changes.tell();
      return result;
    } finally {
      this.#isAnnounced = false;
      this.#listener.stored?.(performance.now() - startedAt);
    }
  }

  /** Runs one statement. Throws SQLite's errors as they are. */
  execute({ kind, sql, values }: Statement): unknown {
    if (kind === "announce") {
      this.#isAnnounced = true;
      return undefined;
    }
    const statement = this.#prepared(sql);
    if (kind === "one") return statement.get(...values);
    if (kind === "perform") return void statement.run(...values);
    return kind === "all" ? statement.all(...values) : statement.run(...values).changes;
  }

  watch(listener: () => void): () => void {
    return this.#changes.watch(listener);
  }

  within(column: string, values: readonly string[]): { condition: string; list: Value } {
    return { condition: `${column} in (select value from json_each(?))`, list: JSON.stringify(values) };
  }

  rows(columns: Columns, rows: readonly (readonly (string | number)[])[]): { table: string; list: Value } {
    const values = Object.keys(columns).map((name, i) => `value ->> ${i} as ${name}`);
    return {
      table: `(select key as n, ${values.join(", ")} from json_each(?))`,
      list: JSON.stringify(rows),
    };
  }

  async close(): Promise<void> {
    this.#changes.close();
    this.forgetting.close(this.#lock !== null);
    for (const statement of this.#statements.values()) statement.finalize(); // else it stays open
    this.#connection.close();
    this.#lock?.release();
  }

  #transaction<T>(begin: "begin" | "begin immediate", work: () => Work<T>): T {
    try {
      this.#prepared(begin).run();
      const result = this.#run(work());
      this.#prepared("commit").run();
      return result;
    } catch (error) {
      if (this.#connection.inTransaction) this.#prepared("rollback").run();
      throw this.#failure(error);
    }
  }

  #run<T>(work: Work<T>): T {
    let step = work.next();
    while (!step.done) step = work.next(this.execute(step.value));
    return step.value;
  }

  /**
   * Translates SQLite's codes (https://sqlite.org/rescode.html) for a full, read-only or broken disk and for
   * a damaged file into Failures. Other errors stay as they are.
   */
  #failure(error: unknown): unknown {
    const code = String((error as { code?: unknown }).code);
    if (/^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(code)) return new Failure("store_unwritable");
    if (!/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return error;
    if (!this.#isDamaged)
      this.#listener.damaged?.((unusable(this.#connection.filename, error) as Error).message);
    this.#isDamaged = true;
    return new Failure("store_damaged");
  }

  #prepared(sql: string): Prepared<unknown, Value[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#connection.prepare<unknown, Value[]>(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
