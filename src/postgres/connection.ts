// One connection to PostgreSQL with deadlines. A connection that misses one is closed: Bun.SQL itself would
// wait for ever when the network is silent.

import { SQL } from "bun";

export type Value = string | number | null | Uint8Array;

export interface Result {
  readonly rows: readonly Record<string, unknown>[];
  /** Rows that were returned, or changed. */
  readonly count: number;
}

/** Bounds, in ms. */
export interface Deadlines {
  readonly connectMs: number;
  readonly statementMs: number;
}

/**
 * What PostgreSQL refused, or what became of the connection. `state` is its code
 * (https://www.postgresql.org/docs/15/errcodes-appendix.html): `08001` for a connection that can't be made,
 * `08006` for one that is gone, `57014` for a missed deadline.
 */
export class PostgresError extends Error {
  readonly state: string;
  /** Name of the violated constraint. */
  readonly constraint: string | null;

  constructor(message: string, state: string, constraint: string | null = null) {
    super(message);
    this.state = state;
    this.constraint = constraint;
  }
}

const [notConnected, connectionLost] = ["08001", "08006"];
const deadlineMissed = "57014";
/** Types whose values Bun returns as text: numeric. Sums of bigint have it. */
const numericType = 1700;
const bigintType = 20;

/** What Bun.SQL returns, in so far as its types do not say it. */
interface BunResult extends Array<Record<string, unknown>> {
  readonly count: number | null;
  readonly columns: readonly { readonly name: string; readonly type: number }[];
}

/** An error of Bun.SQL: `errno` is the server's code. */
interface BunError {
  readonly message: string;
  readonly errno?: string;
  readonly code?: string;
  readonly constraint?: string;
}

export class Connection {
  readonly #sql: SQL;
  readonly #statementMs: number;
  #isClosed = false;
  #hasAnswered = false;

  /** Connects with the first statement. Each is sent when the one before is answered. */
  constructor(url: string, { connectMs, statementMs }: Deadlines) {
    this.#statementMs = statementMs + connectMs;
    const seconds = Math.max(1, Math.ceil(connectMs / 1000));
    // named statements would break behind a pgbouncer that lends connections for a transaction
    const bounds = { max: 1, connectionTimeout: seconds, idleTimeout: 0 };
    // Bun would connect again, and what belongs to a transaction would happen outside of it
    const onclose = () => {
      this.#isClosed = true;
      setImmediate(() => void this.close()); // statements that wait are rejected before, with the reason
    };
    const options = { url, prepare: false, bigint: true, ...bounds, onclose };
    this.#sql = new SQL(options as ConstructorParameters<typeof SQL>[0]);
  }

  /** True when it can't be used any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Runs one statement with its values, as `$1`. Without values it may be several: the result is the last
   * one's.
   * @throws PostgresError
   */
  async query(sql: string, values: readonly Value[] = []): Promise<Result> {
    if (this.#isClosed) throw new PostgresError("the connection is closed", connectionLost);
    const query = this.#sql.unsafe(sql, values.map(storable));
    let timer: Timer | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new PostgresError("PostgreSQL does not answer", deadlineMissed));
        void this.close();
      }, this.#statementMs);
    });
    try {
      const answer = (await Promise.race([query.execute(), tooLate])) as unknown as BunResult | BunResult[];
      this.#hasAnswered = true;
      const result = (Array.isArray(answer[0]) ? answer.at(-1) : answer) as BunResult;
      return { rows: plain(result), count: result.count ?? 0 };
    } catch (error) {
      throw this.#failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection at once; statements that run are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sql.close({ timeout: 0 });
  }

  #failed(error: unknown): unknown {
    const { errno, code = "", constraint, message } = error as BunError;
    const isConnection = code.startsWith("ERR_POSTGRES_CONNECTION");
    if (error instanceof PostgresError || (errno === undefined && !isConnection)) return error;
    const state = errno ?? (this.#hasAnswered ? connectionLost : notConnected);
    // after a fatal error the server closes the connection
    if (isLost(state)) void this.close();
    return new PostgresError(message, state, constraint ?? null);
  }
}

/** True for states after which the connection is gone: it broke, or the server ended it. */
export const isLost = (state: string): boolean => /^(08|57P0|25P03)/.test(state);

/** PostgreSQL stores no U+0000 in texts: it is left out. */
const storable = (value: Value): Value =>
  typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "") : value;

/** Rows with numbers for bigint and numeric, which Bun returns as BigInt and text. */
function plain(result: BunResult): Record<string, unknown>[] {
  const columns = (result.columns ?? []).filter(({ type }) => type === bigintType || type === numericType);
  if (columns.length > 0)
    for (const row of result)
      for (const { name } of columns) row[name] = row[name] === null ? null : Number(row[name]);
  return [...result];
}
