// The audit log and the list of failed Runs that the operator sees, in SQLite.

import type { AuditAct, AuditEntry } from "../domain/account.ts";
import type { PersonId } from "../domain/id.ts";
import type { FailedRun } from "../domain/run.ts";
import type { AuditLog } from "./accounts.ts";
import type { Queries } from "./queries.ts";
import { failureIn } from "./stored-json.ts";

export class AuditTable implements AuditLog {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
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

  async latest(limit: number): Promise<readonly AuditEntry[]> {
    return this.#q.all<AuditEntry>(
      "select at, actor, act, subject, address from audit order by seq desc limit ?",
      limit,
    );
  }

  async failedRuns(limit: number): Promise<readonly FailedRun[]> {
    const rows = this.#q.all<{ id: string; owner: string; failure: string; created_at: number }>(
      `select id, owner, failure, created_at from runs where status = 'failed' and failure is not null
       order by seq desc limit ?`,
      limit,
    );
    return rows.map(({ id, owner, failure, created_at }) => ({
      run: id,
      owner,
      failure: failureIn(failure),
      createdAt: created_at,
    }));
  }
}
