// Settings of the whole house, in SQLite: what the operator chose while parlor ran, and what one process
// learned for the next.

import type { HouseSettings, SettingName } from "./accounts.ts";
import type { Queries } from "./queries.ts";

export class SettingTable implements HouseSettings {
  readonly #q: Queries;

  constructor(queries: Queries) {
    this.#q = queries;
  }

  async get(name: SettingName): Promise<string | null> {
    return this.#q.one<{ value: string }>("select value from settings where name = ?", name)?.value ?? null;
  }

  async set(name: SettingName, value: string | null): Promise<void> {
    if (value === null) {
      this.#q.run("delete from settings where name = ?", name);
      return;
    }
    const sql = `insert into settings (name, value) values (?, ?)
      on conflict (name) do update set value = excluded.value`;
    this.#q.run(sql, name, value);
  }
}
