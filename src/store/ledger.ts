// What people have used and may use, what the operator has set, who did what, and who may read by a link, in
// SQLite.

import {
  type AuditAct,
  type AuditEntry,
  dayOf,
  type Link,
  nextMidnight,
  type Usage,
} from "../domain/account.ts";
import { Failure, type FailureReport } from "../domain/failure.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { FailedRun } from "../domain/run.ts";
import {
  type Bucket,
  type FairShareKept,
  type Ledger,
  perMinute,
  runsBucket,
  type SettingName,
} from "./accounts.ts";
import type { Changes, PeopleTable } from "./people.ts";
import type { Queries } from "./queries.ts";
import type { Admission } from "./store.ts";

interface LinkRow {
  token: string;
  conversation: string;
  created_at: number;
  expires_at: number | null;
}

const dayMs = 24 * 3_600_000;
/** How long the audit log goes back, and the days of use. */
const auditKeptMs = 400 * dayMs;

export class LedgerTable implements Ledger {
  readonly #q: Queries;
  readonly #people: PeopleTable;
  readonly #changes: Changes;

  constructor(queries: Queries, people: PeopleTable, changes: Changes) {
    this.#q = queries;
    this.#people = people;
    this.#changes = changes;
  }

  async addLink({ token, conversation, createdAt, expiresAt }: Link): Promise<void> {
    this.#q.run(
      "insert into links (token, conversation, created_at, expires_at) values (?, ?, ?, ?)",
      token,
      conversation,
      createdAt,
      expiresAt,
    );
  }

  async link(token: string): Promise<Link | null> {
    const row = this.#q.one<LinkRow>(
      `select l.* from links l join conversations c on c.id = l.conversation
       where token = ? and c.deleted_at is null and coalesce(expires_at, ?2) >= ?2`,
      token,
      Date.now(),
    );
    return row && toLink(row);
  }

  async linksOf(conversation: ConversationId): Promise<readonly Link[]> {
    const sql =
      "select * from links where conversation = ? and coalesce(expires_at, ?2) >= ?2 order by created_at desc";
    return this.#q.all<LinkRow>(sql, conversation, Date.now()).map(toLink);
  }

  async removeLink(conversation: ConversationId, token: string): Promise<boolean> {
    const removed =
      this.#q.run("delete from links where conversation = ? and token = ?", conversation, token) > 0;
    this.#changes.tell();
    return removed;
  }

  async usage(person: PersonId): Promise<Usage> {
    return this.#used(person);
  }

  async take(name: string, bucket: Bucket): Promise<number> {
    return this.#q.transaction(() => this.#take(name, bucket));
  }

  async left(name: string, bucket: Bucket): Promise<number> {
    return this.#level(name, bucket);
  }

  async admit(admission: Pick<Admission, "owner" | "limits">): Promise<void> {
    this.#q.transaction(() => this.enter(admission));
  }

  async mayAdmit(admission: Pick<Admission, "owner" | "limits">): Promise<void> {
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
   * Whether somebody may queue another Run; counts it. Within the transaction of its caller.
   * @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit`
   */
  enter(admission: Pick<Admission, "owner" | "limits">): void {
    this.#mayEnter(admission);
    const { runsPerMinute } = admission.limits;
    if (runsPerMinute === null) return;
    const waitMs = this.#take(runsBucket(admission.owner), perMinute(runsPerMinute));
    if (waitMs > 0)
      throw new Failure("runs_limit", { limit: runsPerMinute, seconds: Math.ceil(waitMs / 1000) });
  }

  #mayEnter({ owner, limits: { waitingRunsMax, tokensPerDay } }: Pick<Admission, "owner" | "limits">): void {
    const { waiting } = this.#q.one<{ waiting: number }>(
      "select count(*) as waiting from runs where owner = ? and status in ('queued', 'running') and status = 'queued'",
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

  /** Counts what a Run has used as its owner's. */
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
      const sql =
        "insert into shares (person, had) values (?, ?) on conflict (person) do update set had = excluded.had";
      for (const [person, tokens] of [["", floor] as const, ...had]) this.#q.run(sql, person, tokens);
      this.#q.run("delete from shares where had <= ? and person <> ''", floor); // as if they had never come
    });
  }

  async setting(name: SettingName): Promise<string | null> {
    return this.#q.one<{ value: string }>("select value from settings where name = ?", name)?.value ?? null;
  }

  async set(name: SettingName, value: string | null): Promise<void> {
    if (value === null) this.#q.run("delete from settings where name = ?", name);
    else
      this.#q.run(
        "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
        name,
        value,
      );
  }

  async note({
    actor,
    act,
    subject = "",
    address = "",
  }: {
    actor: PersonId | null;
    act: AuditAct;
    subject?: string;
    address?: string;
  }): Promise<void> {
    this.#q.run(
      "insert into audit (at, actor, act, subject, address) values (?, ?, ?, ?, ?)",
      Date.now(),
      actor,
      act,
      subject,
      address,
    );
  }

  async audit(limit: number): Promise<readonly AuditEntry[]> {
    return this.#q.all<AuditEntry>(
      "select at, actor, act, subject, address from audit order by seq desc limit ?",
      limit,
    );
  }

  async failedRuns(limit: number): Promise<readonly FailedRun[]> {
    const rows = this.#q.all<{ id: string; owner: string; failure: string; created_at: number }>(
      "select id, owner, failure, created_at from runs where status = 'failed' and failure is not null order by seq desc limit ?",
      limit,
    );
    return rows.map(({ id, owner, failure, created_at }) => ({
      run: id,
      owner,
      failure: JSON.parse(failure) as FailureReport,
      createdAt: created_at,
    }));
  }

  async outlived(now: number): Promise<readonly ConversationId[]> {
    const keepers = (await this.#people.list()).filter(({ limits }) => limits.retainDays !== null);
    const sql = `select id from conversations c where owner = ? and updated_at < ?
      and not exists (select 1 from runs where conversation = c.id and status in ('queued', 'running'))`;
    return keepers.flatMap(({ id, limits }) =>
      this.#q.all<{ id: string }>(sql, id, now - (limits.retainDays as number) * dayMs).map((row) => row.id),
    );
  }

  async tidy(now: number): Promise<void> {
    this.#q.transaction(() => {
      for (const table of ["sessions", "invitations", "links"])
        this.#q.run(`delete from ${table} where expires_at < ?`, now);
      this.#q.run("delete from buckets where at < ?", now - dayMs); // full again: every limit is per minute or stricter by the hour
      this.#q.run("delete from audit where at < ?", now - auditKeptMs);
      this.#q.run("delete from usage where day < ?", dayOf(now - auditKeptMs));
      this.#q.forgetting.resume();
      this.#q.forgetting.begin([]);
    });
  }

  #used(person: PersonId): Usage {
    return (
      this.#q.one<Usage>(
        "select tokens, runs from usage where person = ? and day = ?",
        person,
        dayOf(Date.now()),
      ) ?? { tokens: 0, runs: 0 }
    );
  }

  #level(name: string, { capacity, everyMs }: Bucket): number {
    const row = this.#q.one<{ level: number; at: number }>(
      "select level, at from buckets where name = ?",
      name,
    );
    return row ? Math.min(capacity, row.level + Math.max(0, Date.now() - row.at) / everyMs) : capacity;
  }

  #take(name: string, bucket: Bucket): number {
    const level = this.#level(name, bucket);
    if (level < 1) return Math.ceil((1 - level) * bucket.everyMs);
    const sql =
      "insert into buckets (name, level, at) values (?, ?, ?) on conflict (name) do update set level = excluded.level, at = excluded.at";
    this.#q.run(sql, name, level - 1, Date.now());
    return 0;
  }
}

function toLink({ token, conversation, created_at, expires_at }: LinkRow): Link {
  return { token, conversation, createdAt: created_at, expiresAt: expires_at };
}
