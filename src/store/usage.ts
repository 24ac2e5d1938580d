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

export class UsageTable implements UsageLedger {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async today(person: PersonId): Promise<Usage> {
    return this.#used(person);
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
    const { owner, limits } = admission;
    this.#mayEnter(admission);
    if (limits.runsPerMinute === null) return;
    const bucket = perMinute(limits.runsPerMinute);
    const level = this.#level(runsBucket(owner), bucket);
    if (level < 1)
      throw new Failure("runs_limit", {
        limit: limits.runsPerMinute,
        seconds: Math.ceil(((1 - level) * bucket.everyMs) / 1000),
      });
  }

  async spend(owner: PersonId, tokens: number): Promise<void> {
    this.use(owner, tokens);
  }

  /**
   * Checks a person's limits and counts one Run. To be called within a transaction.
   * @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit`
   */
  enter(admission: PersonAdmission): void {
    this.#mayEnter(admission);
    const { runsPerMinute } = admission.limits;
    if (runsPerMinute === null) return;
    const waitMs = this.#take(runsBucket(admission.owner), perMinute(runsPerMinute));
    if (waitMs > 0)
      throw new Failure("runs_limit", { limit: runsPerMinute, seconds: Math.ceil(waitMs / 1000) });
  }

  #mayEnter({ owner, limits: { waitingRunsMax, tokensPerDay } }: PersonAdmission): void {
    // the first condition on `status` repeats that of the partial index runs_active, so that SQLite uses it
    const { waiting } = this.#q.one<{ waiting: number }>(
      `select count(*) as waiting from runs
       where owner = ? and status in ('queued', 'running') and status = 'queued'`,
      owner,
    ) ?? { waiting: 0 };
    if (waitingRunsMax !== null && waiting >= waitingRunsMax)
      throw new Failure("too_many_waiting", { waiting });
    const { tokens } = this.#used(owner);
    const now = Date.now();
    if (tokensPerDay !== null && tokens >= tokensPerDay) {
      throw new Failure("tokens_limit", {
        tokens,
        limit: tokensPerDay,
        seconds: Math.ceil((nextMidnight(now) - now) / 1000),
      });
    }
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

  #used(person: PersonId): Usage {
    const sql = "select tokens, runs from usage where person = ? and day = ?";
    return this.#q.one<Usage>(sql, person, dayOf(Date.now())) ?? { tokens: 0, runs: 0 };
  }

  #level(name: string, { capacity, everyMs }: Bucket): number {
    const sql = "select level, at from buckets where name = ?";
    const row = this.#q.one<{ level: number; at: number }>(sql, name);
    return row ? Math.min(capacity, row.level + Math.max(0, Date.now() - row.at) / everyMs) : capacity;
  }

  #take(name: string, bucket: Bucket): number {
    const level = this.#level(name, bucket);
    if (level < 1) return Math.ceil((1 - level) * bucket.everyMs);
    const sql = `insert into buckets (name, level, at) values (?, ?, ?)
      on conflict (name) do update set level = excluded.level, at = excluded.at`;
    this.#q.run(sql, name, level - 1, Date.now());
    return 0;
  }
}
