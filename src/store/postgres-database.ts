// The database port over PostgreSQL. Writes take one lock of the whole database from their start, so that
// they see what they saw with SQLite: nobody else's writes between their statements, whatever they count.

import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";
import type { Connection } from "../postgres/connection.ts";
import { PostgresError } from "../postgres/connection.ts";
import { Listener } from "../postgres/listener.ts";
import { Pool, type PoolBounds } from "../postgres/pool.ts";
import type {
  ChangeListener,
  Columns,
  Database,
  PassageIndex,
  Value,
  VectorIndex,
  Work,
} from "./database.ts";
import { PostgresForgetting } from "./postgres-forgetting.ts";
import { postgresPassages } from "./postgres-passages.ts";
import { postgresConversations } from "./postgres-search.ts";
import { inlined, numbered } from "./postgres-sql.ts";
import { CommitUnknown, resultOf, transact } from "./postgres-transaction.ts";

/** Bounds that hold where nothing else is said. */
export const standardBounds: PoolBounds = {
  connectionsMax: 10,
  waitMs: 5_000,
  connectMs: 3_000,
  statementMs: 10_000,
};

/** Key of the lock that writes take. */
const writeLock = 7_201;
/** State of the error by which the function `check_term` refuses. */
const anotherLeads = "PL001";
/** Announcements go to all processes that listen to this name. */
const channel = "parlor_changes";
/** A transaction that its process leaves alone for so long is ended by the server, in ms. */
const abandonedMs = 2_000;
/** Repetitions after lost connections and conflicts, in which nothing was committed. */
const repeatsMax = 3;

export interface PostgresOptions extends ChangeListener {
  /** For commands, which leave it to others to go on with what was left to erase. */
  readonly isShared?: boolean;
}

export class PostgresDatabase implements Database {
  readonly #pool: Pool;
  readonly #bounds: PoolBounds;
  readonly #listener: PostgresOptions;
  readonly #watchers = new Set<() => void>();
  #changes: Listener | null = null;
  /** Tells our own announcements from those of other processes. */
  readonly #self = newId();
  /** First statements of work that went on after them: a read that begins so needs a transaction. */
  readonly #longer = new Set<string>();
  #isDamaged = false;
  readonly conversationIndex = postgresConversations;
  readonly passageIndex: PassageIndex;
  readonly vectorIndex: VectorIndex | null;
  readonly forgetting: PostgresForgetting;

  /** Uses a database that has the newest schema. @throws PostgresError when it can't be reached */
  static async open(
    url: string,
    options: PostgresOptions,
    bounds: PoolBounds,
    vectorIndex: VectorIndex | null,
  ): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(url, options, bounds, vectorIndex);
    const heard = (by: string) => by !== database.#self && database.#tell();
    database.#changes = await Listener.open(url, channel, { heard, missed: () => database.#tell() });
    if (!options.isShared) await database.write(() => database.forgetting.resume());
    return database;
  }

  private constructor(
    url: string,
    listener: PostgresOptions,
    bounds: PoolBounds,
    vectorIndex: VectorIndex | null,
  ) {
    this.vectorIndex = vectorIndex;
    this.#bounds = bounds;
    this.#listener = listener;
    this.#pool = new Pool(url, bounds);
    const forgetting = new PostgresForgetting((work) => this.write(work));
    this.forgetting = forgetting;
    this.passageIndex = {
      ...postgresPassages,
      *add(passages) {
        yield* postgresPassages.add(passages);
        forgetting.added();
      },
    };
  }

  read<T>(work: () => Work<T>): Promise<T> {
    return this.#repeated((connection) => this.#read(connection, work));
  }

  async write<T>(work: () => Work<T>): Promise<T> {
    const startedAt = performance.now();
    const lock = `select pg_advisory_xact_lock(${writeLock})`;
    const term = this.#listener.term?.() ?? 0;
    const begin = `begin; ${this.#limits}; ${lock}${term > 0 ? `; select check_term(${term})` : ""}`;
    try {
      const transaction = { begin, announce: inlined("select pg_notify(?, ?)", [channel, this.#self]), work };
      const { result, isAnnounced } = await this.#repeated((each) => transact(each, transaction));
      if (isAnnounced) this.#tell();
      return result;
    } finally {
      this.#listener.stored?.(performance.now() - startedAt);
    }
  }

  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  within(column: string, values: readonly string[]): { condition: string; list: Value } {
    // as a text, since Bun would write a JSON value as JSON once more
    const list = "select jsonb_array_elements_text(?::text::jsonb)";
    return { condition: `${column} = any(array(${list}))`, list: json(values) };
  }

  rows(columns: Columns, rows: readonly (readonly (string | number)[])[]): { table: string; list: Value } {
    const values = Object.entries(columns).map(([name, type], i) => `(v ->> ${i})::${type} as ${name}`);
    const all = "jsonb_array_elements(?::text::jsonb) with ordinality as each (v, n)";
    return { table: `(select n, ${values.join(", ")} from ${all})`, list: json(rows) };
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.forgetting.close(!this.#listener.isShared);
    await this.#changes?.close();
    await this.#pool.close();
  }

  /** What the server does about a process that does not go on: it ends the transaction, and so its locks. */
  get #limits(): string {
    const { statementMs } = this.#bounds;
    return `set local statement_timeout = ${statementMs};
      set local idle_in_transaction_session_timeout = ${abandonedMs}`;
  }

  async #read<T>(connection: Connection, work: () => Work<T>): Promise<T> {
    const running = work();
    const first = running.next();
    if (first.done) return first.value;
    if (!this.#longer.has(first.value.sql)) {
      const { sql, values } = first.value;
      const step = running.next(resultOf(first.value, await connection.query(numbered(sql), values)));
      if (step.done) return step.value;
      this.#longer.add(first.value.sql);
    }
    const begin = `begin isolation level repeatable read read only; ${this.#limits}`;
    return (await transact(connection, { begin, announce: "", isRead: true, work })).result;
  }

  async #repeated<T>(attempt: (connection: Connection) => Promise<T>): Promise<T> {
    for (let repeats = 0; ; repeats++)
      try {
        return await this.#pool.lend(attempt);
      } catch (error) {
        if (repeats < repeatsMax && isRepeatable(error)) continue;
        throw this.#failure(error);
      }
  }

  #failure(error: unknown): unknown {
    if (error instanceof CommitUnknown) return new Failure("store_unwritable");
    if (!(error instanceof PostgresError)) return error;
    if (error.state === anotherLeads) this.#listener.deposed?.();
    // full, out of memory or connections; read-only; cancelled; no lock; shut down; no connection
    if (/^(53|25006|57014|55P03|57P|08|25P03|PL001)/.test(error.state))
      return new Failure("store_unwritable", { why: `${error.state} ${error.message}` });
    if (!/^XX00[12]/.test(error.state)) return error;
    if (!this.#isDamaged) this.#listener.damaged?.(`the database is damaged: ${error.message}`);
    this.#isDamaged = true;
    return new Failure("store_damaged");
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Connections that are gone, or were ended by the server; conflicts with other transactions. */
const repeatable = ["08006", "57P01", "57P02", "25P03", "40001", "40P01"];

/** True where nothing was committed and another attempt may succeed. */
const isRepeatable = (error: unknown): boolean =>
  error instanceof PostgresError && repeatable.includes(error.state);

/** PostgreSQL's JSON has no U+0000 and no halves of characters. */
const json = (values: readonly unknown[]): string =>
  JSON.stringify(values, (_, value: unknown) =>
    typeof value === "string" ? value.replaceAll("\0", "").toWellFormed() : value,
  );
