// What is kept for a limited time only: conversations of people whose limits say so, and rows that
// have expired.

import { dayOf } from "../domain/account.ts";
import type { ConversationId } from "../domain/id.ts";
import type { Retention } from "./accounts.ts";
import { all, change, type Database, type Work } from "./database.ts";
import type { PeopleTable } from "./people.ts";

const dayMs = 24 * 3_600_000;
/** The audit log and the daily usage are kept for this long. */
const auditKeptMs = 400 * dayMs;

export class RetentionTable implements Retention {
  readonly #db: Database;
  readonly #people: PeopleTable;

  constructor(db: Database, people: PeopleTable) {
    this.#db = db;
    this.#people = people;
  }

  outlived(now: number): Promise<readonly ConversationId[]> {
    return this.#db.read(() => this.#outlived(now));
  }

  tidy(now: number): Promise<void> {
    return this.#db.write(() => this.#tidy(now));
  }

  *#outlived(now: number): Work<ConversationId[]> {
    const sql = `select id from conversations c where owner = ? and updated_at < ?
      and not exists (select 1 from runs where conversation = c.id and status in ('queued', 'running'))`;
    const outlived: ConversationId[] = [];
    for (const { id, limits } of yield* this.#people.all())
      if (limits.retainDays !== null) {
        const rows = yield* all<{ id: string }>(sql, id, now - limits.retainDays * dayMs);
        outlived.push(...rows.map((row) => row.id));
      }
    return outlived;
  }

  *#tidy(now: number): Work<void> {
    for (const table of ["sessions", "invitations", "links"])
      yield* change(`delete from ${table} where expires_at < ?`, now);
    // a bucket that was not used for a day is full: no limit is counted over a longer time than an hour
    yield* change("delete from buckets where at < ?", now - dayMs);
    yield* change("delete from audit where at < ?", now - auditKeptMs);
    yield* change("delete from usage where day < ?", dayOf(now - auditKeptMs));
    yield* this.#db.forgetting.resume();
    yield* this.#db.forgetting.begin("rows");
  }
}
