// The audit log and the list of failed Runs that the operator sees.

import type { AuditAct, AuditEntry } from "../domain/account.ts";
import type { PersonId } from "../domain/id.ts";
import type { FailedRun } from "../domain/run.ts";
import type { AuditLog } from "./accounts.ts";
import { all, change, type Database } from "./database.ts";
import { failureIn } from "./stored-json.ts";

interface FailedRow {
  id: string;
  owner: string;
  failure: string;
  created_at: number;
}

export class AuditTable implements AuditLog {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
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
    const sql = "insert into audit (at, actor, act, subject, address) values (?, ?, ?, ?, ?)";
    await this.#db.write(() => change(sql, Date.now(), actor, act, subject, address));
  }

  latest(limit: number): Promise<readonly AuditEntry[]> {
    const sql = "select at, actor, act, subject, address from audit order by seq desc limit ?";
    return this.#db.read(() => all<AuditEntry>(sql, limit));
  }

  async failedRuns(limit: number): Promise<readonly FailedRun[]> {
    const sql = `select id, owner, failure, created_at from runs
      where status = 'failed' and failure is not null order by seq desc limit ?`;
    const rows = await this.#db.read(() => all<FailedRow>(sql, limit));
    return rows.map(({ id, owner, failure, created_at }) => ({
      run: id,
      owner,
      failure: failureIn(failure),
      createdAt: created_at,
    }));
  }
}
