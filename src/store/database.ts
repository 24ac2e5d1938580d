// The port to a database. Tables are written once, as work that yields statements; an engine runs it within a
// transaction. Work can't wait for anything else, so a transaction never stays open while something happens
// outside of the database.

/** Yielded by work: resumes with the result of `kind`. */
export interface Statement {
  /** The first row or null; all rows; the number of changed rows; see `announce`. */
  readonly kind: "one" | "all" | "run" | "announce";
  /** With `?` for the next value, or `?1` for the first one. */
  readonly sql: string;
  readonly values: readonly Value[];
}

export type Value = string | number | null | Uint8Array;

/**
 * Work on a database. Work that calls other work says `yield*`; without it the other one never runs. A
 * statement that fails ends the work: it can't be caught there.
 */
export type Work<T> = Generator<Statement, T, unknown>;

export function* one<Row>(sql: string, ...values: Value[]): Work<Row | null> {
  return (yield { kind: "one", sql, values }) as Row | null;
}

export function* all<Row>(sql: string, ...values: Value[]): Work<Row[]> {
  return (yield { kind: "all", sql, values }) as Row[];
}

/** Returns the number of changed rows. */
export function* run(sql: string, ...values: Value[]): Work<number> {
  return (yield { kind: "run", sql, values }) as number;
}

/** Calls those who watch the database, in every process that has it open, once the transaction has ended. */
export function* announce(): Work<void> {
  yield { kind: "announce", sql: "", values: [] };
}

export interface Database {
  /**
   * Work that changes nothing. It sees one moment of the database.
   * @throws Failure `store_unwritable`, `store_damaged`
   */
  read<T>(work: () => Work<T>): Promise<T>;
  /**
   * Work in one transaction, which ends without effect when the work throws. It may be called again when
   * nothing was committed, so it must have no effect outside of the database.
   * @throws Failure `store_unwritable`, `store_damaged`
   */
  write<T>(work: () => Work<T>): Promise<T>;
  /** Calls `listener` after each `announce`. Returns a function that ends it. */
  watch(listener: () => void): () => void;
  readonly forgetting: Forgetting;
}

/** Removes what an engine keeps of deleted rows. */
export interface Forgetting {
  /**
   * Must be called within the transaction that deletes; the work happens later. "texts": a search index held
   * what was deleted; "rows": none did.
   */
  begin(what: "texts" | "rows"): Work<void>;
  /** Continues the work that another process has left. */
  resume(): Work<void>;
}

/** Listens to the state of the database. */
export interface ChangeListener {
  /** Duration of each transaction that may write, in ms. */
  stored?(ms: number): void;
  /** Called once when the database is damaged, with one line for the operator. */
  damaged?(line: string): void;
}
