// What is kept for a limited time only, in SQLite: conversations of people whose limits say so, and rows that
// have expired.

import { dayOf } from "../domain/account.ts";
import type { ConversationId } from "../domain/id.ts";
import type { Retention } from "./accounts.ts";
import type { PeopleTable } from "./people.ts";
import type { Queries } from "./queries.ts";

const dayMs = 24 * 3_600_000;
/** The audit log and the daily usage are kept for this long. */
const auditKeptMs = 400 * dayMs;

export class RetentionTable implements Retention {
  readonly #q: Queries;
  readonly #people: PeopleTable;

  constructor(queries: Queries, people: PeopleTable) {
    this.#q = queries;
    this.#people = people;
  }

  async outlived(now: number): Promise<readonly ConversationId[]> {
    const sql = `select id from conversations c where owner = ? and updated_at < ?
      and not exists (select 1 from runs where conversation = c.id and status in ('queued', 'running'))`;
    return (await this.#people.list()).flatMap(({ id, limits: { retainDays } }) =>
      retainDays === null
        ? []
        : this.#q.all<{ id: string }>(sql, id, now - retainDays * dayMs).map((row) => row.id),
    );
  }

  async tidy(now: number): Promise<void> {
    this.#q.transaction(() => {
      for (const table of ["sessions", "invitations", "links"])
        this.#q.run(`delete from ${table} where expires_at < ?`, now);
      // a bucket that was not used for a day is full: no limit is counted over a longer time than an hour
      this.#q.run("delete from buckets where at < ?", now - dayMs);
      this.#q.run("delete from audit where at < ?", now - auditKeptMs);
      this.#q.run("delete from usage where day < ?", dayOf(now - auditKeptMs));
      this.#q.now(this.#q.forgetting.resume());
      this.#q.now(this.#q.forgetting.begin("rows"));
    });
  }
}
