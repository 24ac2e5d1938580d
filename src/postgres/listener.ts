// Hears what is sent to one channel of PostgreSQL. A connection of its own, which is checked and made anew:
// one that is silently dead hears nothing.

import { SQL } from "bun";
import { Connection, type Deadlines, PostgresError } from "./connection.ts";

export interface Hearing {
  heard(payload: string): void;
  /** Called after each time in which something may have been sent that was not heard. */
  missed(): void;
}

/** Bounds of a listener, in ms. */
export interface ListenerBounds extends Deadlines {
  /** Interval of the checks whether it hears. One that does not hear two of them begins anew. */
  readonly beatMs: number;
}

const standardBounds: ListenerBounds = { connectMs: 3_000, statementMs: 3_000, beatMs: 2_000 };
/** Wait before a lost connection is made anew, in ms. */
const againMs = 250;
/** Begins a payload that only checks whether we hear; the rest tells whose it is. */
const beat = "\u0001";

export class Listener {
  readonly #url: string;
  readonly #channel: string;
  readonly #hearing: Hearing;
  readonly #bounds: ListenerBounds;
  readonly #beat = `${beat}${crypto.randomUUID()}`;
  /** Sends the beats. */
  #sender: Connection | null = null;
  #sql: SQL | null = null;
  readonly #timer: Timer;
  #again: Timer | undefined;
  /** When we last knew that we hear, or began to try. */
  #heardAt = 0;
  #isReady = false;
  readonly #ready = Promise.withResolvers<void>();

  /** Resolves when it hears. @throws PostgresError when that takes longer than the deadline to connect */
  static async open(
    url: string,
    channel: string,
    hearing: Hearing,
    bounds: Partial<ListenerBounds> = {},
  ): Promise<Listener> {
    const listener = new Listener(url, channel, hearing, bounds);
    const failed = () => listener.#ready.reject(new PostgresError("PostgreSQL does not answer", "08006"));
    const timer = setTimeout(failed, listener.#bounds.connectMs);
    try {
      await listener.#ready.promise;
      return listener;
    } catch (error) {
      await listener.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(url: string, channel: string, hearing: Hearing, bounds: Partial<ListenerBounds> = {}) {
    this.#url = url;
    this.#channel = channel;
    this.#hearing = hearing;
    this.#bounds = { ...standardBounds, ...bounds };
    this.#listen();
    this.#timer = setInterval(() => void this.#check(), this.#bounds.beatMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#end(), this.#sender?.close()]);
  }

  #listen(): void {
    void this.#end();
    this.#heardAt = performance.now();
    const seconds = Math.max(1, Math.ceil(this.#bounds.connectMs / 1000));
    const options = { url: this.#url, max: 1, connectionTimeout: seconds, idleTimeout: 0 };
    const onclose = () => this.#sql === sql && this.#later();
    const sql = new SQL({ ...options, onclose } as ConstructorParameters<typeof SQL>[0]);
    this.#sql = sql;
    const isOurs = () => this.#sql === sql;
    const heard = (payload: string) => isOurs() && this.#heard(payload);
    const listening = () => isOurs() && this.#begin();
    sql.listen(this.#channel, heard, listening).catch(() => isOurs() && this.#later());
  }

  #later(): void {
    void this.#end(); // else Bun connects again, too
    this.#again = setTimeout(() => this.#listen(), againMs);
  }

  async #end(): Promise<void> {
    clearTimeout(this.#again);
    const sql = this.#sql;
    this.#sql = null; // before it closes, so that it is not made anew
    await sql?.close({ timeout: 0 });
  }

  #begin(): void {
    this.#heardAt = performance.now();
    if (this.#isReady) this.#hearing.missed();
    this.#isReady = true;
    this.#ready.resolve();
  }

  #heard(payload: string): void {
    this.#heardAt = performance.now();
    if (!payload.startsWith(beat)) this.#hearing.heard(payload);
  }

  async #check(): Promise<void> {
    if (performance.now() - this.#heardAt > 2 * this.#bounds.beatMs) this.#listen();
    if (this.#sender === null || this.#sender.isClosed)
      this.#sender = new Connection(this.#url, this.#bounds);
    // what can't be sent is not heard
    await this.#sender.query("select pg_notify($1, $2)", [this.#channel, this.#beat]).catch(() => undefined);
  }
}
