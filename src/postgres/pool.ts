// A bounded number of connections to PostgreSQL, lent one by one. A wait for one is bounded, too.

import { Connection, type Deadlines, PostgresError } from "./connection.ts";

export interface PoolBounds extends Deadlines {
  readonly connectionsMax: number;
  /** Longest wait for a free connection, in ms. */
  readonly waitMs: number;
}

export class Pool {
  readonly #url: string;
  readonly #bounds: PoolBounds;
  readonly #idle: Connection[] = [];
  readonly #lent = new Set<Connection>();
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(url: string, bounds: PoolBounds) {
    this.#url = url;
    this.#bounds = bounds;
  }

  /** Lends a connection to `work`. @throws PostgresError `53300` when none became free in time */
  async lend<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      this.#lent.delete(connection);
      // one that broke is rarely alone: the others would fail at their next statement
      if (connection.isClosed) this.#drop();
      else if (this.#isClosed) void connection.close();
      else this.#idle.push(connection);
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const next of this.#waiting.splice(0)) next();
    await Promise.all([...this.#lent, ...this.#idle.splice(0)].map((connection) => connection.close()));
  }

  async #take(): Promise<Connection> {
    const until = performance.now() + this.#bounds.waitMs;
    while (this.#lent.size >= this.#bounds.connectionsMax && !this.#isClosed) await this.#turn(until);
    if (this.#isClosed) throw new PostgresError("the database is closed", "08003");
    const connection = this.#idle.pop() ?? new Connection(this.#url, this.#bounds);
    this.#lent.add(connection);
    return connection;
  }

  #turn(until: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(new PostgresError("no connection became free in time", "53300"));
    }, until - performance.now());
    this.#waiting.push(resolve);
    return promise.finally(() => clearTimeout(timer));
  }

  #drop(): void {
    for (const connection of this.#idle.splice(0)) void connection.close();
  }
}
