// The lease: one row in PostgreSQL that says which process leads, by the database's clock. Its term grows
// with each change of the holder. An advisory lock would not do: that of a frozen process is never given up.

import { Connection } from "../postgres/connection.ts";

/** Who holds the lease. */
export interface Holder {
  readonly holder: string;
  readonly url: string;
  readonly term: number;
}

interface LeaseOptions {
  /** Of PostgreSQL; not of a pooler. */
  readonly database: string;
  /** This process. */
  readonly id: string;
  readonly url: string;
  /** How long the lease holds without being renewed, in ms. */
  readonly leaseMs: number;
  /** Called when this process holds the lease for the first time. */
  gained(term: number): void;
  /** Called once when another process holds the lease that was ours. */
  lost(): void;
  /** Called when the holder is another one than before; null: nobody holds the lease now. */
  changed(holder: Holder | null): void;
  onError(error: unknown): void;
}

/** The holder renews this often within a lease; others look as often. */
const beatsPerLease = 6;

const claim = `with claimed as (
    insert into lease (one, holder, url, term, until) values (1, $1, $2, 1, now() + $3 * interval '1 ms')
    on conflict (one) do update set holder = excluded.holder, url = excluded.url, until = excluded.until,
      term = lease.term + case when lease.holder = excluded.holder and lease.term = $4 then 0 else 1 end
    where lease.until < now() or (lease.holder = excluded.holder and lease.term = $4)
    returning holder, url, term, true as is_held)
  select * from claimed
  union all
  select holder, url, term, until >= now() from lease where not exists (select 1 from claimed)`;

interface LeaseRow {
  readonly holder: string;
  readonly url: string;
  readonly term: number;
  readonly is_held: boolean;
}

export class Lease {
  readonly #options: LeaseOptions;
  #connection: Connection | null = null;
  #timer: Timer | undefined;
  #term = 0;
  /** When the renewal that succeeded last had begun, on the monotonic clock, in ms. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  #holder: Holder | null = null;
  #beating: Promise<void> = Promise.resolve();
  #isOver = false;
  #hasFailed = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** The term of this process; 0 while it does not lead. */
  get term(): number {
    return this.#term;
  }

  /**
   * True while no other process can lead. While PostgreSQL can't be reached this may be false though nobody
   * else leads: then nothing may be begun, and no answer be ended.
   */
  get isHeld(): boolean {
    return this.#term > 0 && performance.now() - this.#renewedAt < this.#options.leaseMs;
  }

  /** Tries once; then goes on, until `resign`. */
  async start(): Promise<void> {
    await this.#beat();
    this.#later();
  }

  /** Gives the lease up, so that another process may lead at once. */
  async resign(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    await this.#beating;
    const sql = "update lease set until = now() - interval '1 ms' where holder = $1 and term = $2";
    if (this.#term > 0)
      await this.#open().query(sql, [this.#options.id, this.#term]).catch(this.#options.onError);
    await this.#connection?.close();
  }

  #later(): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat().then(() => this.#later());
    }, this.#options.leaseMs / beatsPerLease);
  }

  async #beat(): Promise<void> {
    const { id, url, leaseMs, onError } = this.#options;
    const beganAt = performance.now();
    try {
      const { rows } = await this.#open().query(claim, [id, url, leaseMs, this.#term]);
      this.#hasFailed = false;
      this.#take(rows[0] as unknown as LeaseRow, beganAt);
    } catch (error) {
      if (!this.#hasFailed) onError(error);
      this.#hasFailed = true;
    }
  }

  #take({ holder, url, term, is_held: isHeld }: LeaseRow, beganAt: number): void {
    if (this.#isOver) return;
    const { id, gained, lost, changed } = this.#options;
    const isOurs = isHeld && holder === id;
    if (this.#term > 0 && !(isOurs && term === this.#term)) {
      this.#isOver = true;
      lost();
      return;
    }
    if (isOurs) this.#renewedAt = beganAt;
    const isNew = isOurs && this.#term === 0;
    if (isNew) this.#term = term;
    const now = isHeld ? { holder, url, term } : null;
    if (now?.holder !== this.#holder?.holder || now?.term !== this.#holder?.term) {
      this.#holder = now;
      changed(now);
    }
    if (isNew) gained(term);
  }

  #open(): Connection {
    const third = this.#options.leaseMs / 3;
    if (this.#connection === null || this.#connection.isClosed)
      this.#connection = new Connection(this.#options.database, { connectMs: third, statementMs: third });
    return this.#connection;
  }
}
