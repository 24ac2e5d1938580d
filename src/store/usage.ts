// What people have used and may still use, in SQLite: tokens of the day, rate limits, shares of the slots.

import { dayOf, nextMidnight, type Usage } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import {
  type Bucket,
  type FairShareKept,
  type PersonAdmission,
  perMinute,
  runsBucket,
  type UsageLedger,
} from "./accounts.ts";
import type { Queries } from "./queries.ts";

interface BucketRow {
  level: number | null;
  at: number | null;
}

interface AdmissionRow extends BucketRow {
  /** The person's Runs that wait. */
  waiting: number;
  /** Used since midnight. */
  tokens: number;
}

// the condition on both states repeats that of the partial index runs_active: without it SQLite reads every
// Run
const admissionRow = `select
    (select count(*) from runs
     where owner = ?1 and status in ('queued', 'running') and status = 'queued') as waiting,
    coalesce((select tokens from usage where person = ?1 and day = ?2), 0) as tokens, b.level, b.at
  from (select ?3 as name) asked left join buckets b on b.name = asked.name`;

export class UsageTable implements UsageLedger {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async today(person: PersonId): Promise<Usage> {
    const sql = "select tokens, runs from usage where person = ? and day = ?";
    return this.#q.one<Usage>(sql, person, dayOf(Date.now())) ?? { tokens: 0, runs: 0 };
  }

  async take(name: string, bucket: Bucket): Promise<number> {
    return this.#q.transaction(() => this.#take(name, bucket));
  }

  async level(name: string, bucket: Bucket): Promise<number> {
    return this.#level(name, bucket);
  }

  async admit(admission: PersonAdmission): Promise<void> {
    this.#q.transaction(() => this.enter(admission));
  }

  async mayAdmit(admission: PersonAdmission): Promise<void> {
    this.#check(admission);
  }

  async spend(owner: PersonId, tokens: number): Promise<void> {
    this.use(owner, tokens);
  }

  /**
   * Checks a person's limits and counts one Run. To be called within a transaction.
   * @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit`
   */
  enter(admission: PersonAdmission): void {
    const level = this.#check(admission);
    if (level !== null) this.#fill(runsBucket(admission.owner), level - 1);
  }

  /**
   * Level of the person's bucket of Runs; null where Runs are not limited per minute.
   * @throws Failure as `enter`
   */
  #check({ owner, limits }: PersonAdmission): number | null {
    const { waitingRunsMax, tokensPerDay, runsPerMinute } = limits;
    const now = Date.now();
    const row = this.#q.one<AdmissionRow>(admissionRow, owner, dayOf(now), runsBucket(owner));
    const { waiting, tokens } = row as AdmissionRow;
    if (waitingRunsMax !== null && waiting >= waitingRunsMax)
      throw new Failure("too_many_waiting", { waiting });
    if (tokensPerDay !== null && tokens >= tokensPerDay) {
      const seconds = Math.ceil((nextMidnight(now) - now) / 1000);
      throw new Failure("tokens_limit", { tokens, limit: tokensPerDay, seconds });
    }
    if (runsPerMinute === null) return null;
    const bucket = perMinute(runsPerMinute);
    const level = levelOf(row, bucket);
    if (level >= 1) return level;
    const seconds = Math.ceil(((1 - level) * bucket.everyMs) / 1000);
    throw new Failure("runs_limit", { limit: runsPerMinute, seconds });
  }

  /** Adds one Run and its tokens to a person's usage of today. */
  use(owner: PersonId, tokens: number): void {
    this.#q.run(
      `insert into usage (person, day, runs, tokens) values (?, ?, 1, ?)
       on conflict (person, day) do update set runs = runs + 1, tokens = tokens + excluded.tokens`,
      owner,
      dayOf(Date.now()),
      tokens,
    );
  }

  async shares(): Promise<FairShareKept> {
    const rows = this.#q.all<{ person: string; had: number }>("select person, had from shares");
    const had = new Map(rows.map((row) => [row.person, row.had]));
    const floor = had.get("") ?? 0;
    had.delete("");
    return { floor, had };
  }

  async keepShares({ floor, had }: FairShareKept): Promise<void> {
    this.#q.transaction(() => {
      const sql = `insert into shares (person, had) values (?, ?)
        on conflict (person) do update set had = excluded.had`;
      for (const [person, tokens] of [["", floor] as const, ...had]) this.#q.run(sql, person, tokens);
      // a person at or below the floor stands where a newcomer would begin
      this.#q.run("delete from shares where had <= ? and person <> ''", floor);
    });
  }

  #level(name: string, bucket: Bucket): number {
    const sql = "select level, at from buckets where name = ?";
    return levelOf(this.#q.one<BucketRow>(sql, name), bucket);
  }

  #take(name: string, bucket: Bucket): number {
    const level = this.#level(name, bucket);
    if (level < 1) return Math.ceil((1 - level) * bucket.everyMs);
    this.#fill(name, level - 1);
    return 0;
  }

  #fill(name: string, level: number): void {
    const sql = `insert into buckets (name, level, at) values (?, ?, ?)
      on conflict (name) do update set level = excluded.level, at = excluded.at`;
    this.#q.run(sql, name, level, Date.now());
  }
}

/** A bucket that was never used has no row, and is full. */
function levelOf(row: BucketRow | null, { capacity, everyMs }: Bucket): number {
  if (row === null || row.level === null || row.at === null) return capacity;
  return Math.min(capacity, row.level + Math.max(0, Date.now() - row.at) / everyMs);
}
