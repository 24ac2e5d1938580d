// Settings of the whole house: what the operator chose while parlor ran, and what one process
// learned for the next.

import type { HouseSettings, SettingName } from "./accounts.ts";
import { change, type Database, one } from "./database.ts";

export class SettingTable implements HouseSettings {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async get(name: SettingName): Promise<string | null> {
    const sql = "select value from settings where name = ?";
    return (await this.#db.read(() => one<{ value: string }>(sql, name)))?.value ?? null;
  }

  async set(name: SettingName, value: string | null): Promise<void> {
    const sql = `insert into settings (name, value) values (?, ?)
      on conflict (name) do update set value = excluded.value`;
    await this.#db.write(() =>
      value === null ? change("delete from settings where name = ?", name) : change(sql, name, value),
    );
  }
}
