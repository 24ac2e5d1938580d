// The numbered migrations, embedded in the executable, applied in order; `user_version` says how far a database is.
// Only store/sqlite calls this.

import type { Database } from "bun:sqlite";
import conversations from "./migrations/001_conversations.sql" with { type: "text" };

const migrations: readonly string[] = [conversations];

/** Brings the database to the newest schema, each step in a transaction of its own. */
export function migrate(db: Database): void {
  const { user_version: done } = db.query<{ user_version: number }, []>("pragma user_version").get() ?? { user_version: 0 };
  migrations.slice(done).forEach((sql, i) => {
    db.transaction(() => {
      db.run(sql);
      db.run(`pragma user_version = ${done + i + 1}`);
    })();
  });
}
