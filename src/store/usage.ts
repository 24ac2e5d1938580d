// What people have used and may still use: tokens of the day, rate limits, shares of the slots.

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
import { all, type Database, one, perform, type Work } from "./database.ts";

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
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async today(person: PersonId): Promise<Usage> {
    const sql = "select tokens, runs from usage where person = ? and day = ?";
    const usage = await this.#db.read(() => one<Usage>(sql, person, dayOf(Date.now())));
    return usage ?? { tokens: 0, runs: 0 };
  }

  take(name: string, bucket: Bucket): Promise<number> {
    return this.#db.write(() => this.#take(name, bucket));
  }

  level(name: string, bucket: Bucket): Promise<number> {
    return this.#db.read(() => this.#level(name, bucket));
  }

  admit(admission: PersonAdmission): Promise<void> {
    return this.#db.write(() => this.enter(admission));
  }

  async mayAdmit(admission: PersonAdmission): Promise<void> {
    await this.#db.read(() => this.#check(admission));
  }

  spend(owner: PersonId, tokens: number): Promise<void> {
    return this.#db.write(() => this.use(owner, tokens));
  }

  /**
   * Checks a person's limits and counts one Run. To be called within a transaction.
   * @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit`
   */
  *enter(admission: PersonAdmission): Work<void> {
    const level = yield* this.#check(admission);
    if (level !== null) yield* this.#fill(runsBucket(admission.owner), level - 1);
  }

  /**
   * Level of the person's bucket of Runs; null where Runs are not limited per minute.
   * @throws Failure as `enter`
   */
  *#check({ owner, limits }: PersonAdmission): Work<number | null> {
    const { waitingRunsMax, tokensPerDay, runsPerMinute } = limits;
    const now = Date.now();
    const row = yield* one<AdmissionRow>(admissionRow, owner, dayOf(now), runsBucket(owner));
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
  *use(owner: PersonId, tokens: number): Work<void> {
    yield* perform(
      `insert into usage (person, day, runs, tokens) values (?, ?, 1, ?)
       on conflict (person, day)
       do update set runs = usage.runs + 1, tokens = usage.tokens + excluded.tokens`,
      owner,
      dayOf(Date.now()),
      tokens,
    );
  }

  async shares(): Promise<FairShareKept> {
    const sql = "select person, had from shares";
    const rows = await this.#db.read(() => all<{ person: string; had: number }>(sql));
    const had = new Map(rows.map((row) => [row.person, row.had]));
    const floor = had.get("") ?? 0;
    had.delete("");
    return { floor, had };
  }

  keepShares(changed: FairShareKept): Promise<void> {
    return this.#db.write(() => this.#keepShares(changed));
  }

  *#keepShares({ floor, had }: FairShareKept): Work<void> {
    const sql = `insert into shares (person, had) values (?, ?)
      on conflict (person) do update set had = excluded.had`;
    for (const [person, tokens] of [["", floor] as const, ...had]) yield* perform(sql, person, tokens);
    // a person at or below the floor stands where a newcomer would begin
    yield* perform("delete from shares where had <= ? and person <> ''", floor);
  }

  *#level(name: string, bucket: Bucket): Work<number> {
    const sql = "select level, at from buckets where name = ?";
    return levelOf(yield* one<BucketRow>(sql, name), bucket);
  }

  *#take(name: string, bucket: Bucket): Work<number> {
    const level = yield* this.#level(name, bucket);
    if (level < 1) return Math.ceil((1 - level) * bucket.everyMs);
    yield* this.#fill(name, level - 1);
    return 0;
  }

  *#fill(name: string, level: number): Work<void> {
    const sql = `insert into buckets (name, level, at) values (?, ?, ?)
      on conflict (name) do update set level = excluded.level, at = excluded.at`;
    yield* perform(sql, name, level, Date.now());
  }
}

/** A bucket that was never used has no row, and is full. */
function levelOf(row: BucketRow | null, { capacity, everyMs }: Bucket): number {
  if (row === null || row.level === null || row.at === null) return capacity;
  return Math.min(capacity, row.level + Math.max(0, Date.now() - row.at) / everyMs);
}
