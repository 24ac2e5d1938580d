// Settings of the whole house: what the operator chose while parlor ran, and what one process
// learned for the next.

import type { HouseSettings, SettingName } from "./accounts.ts";
import { announce, change, type Database, one, type Work } from "./database.ts";

/** Settings that an operator chooses in one process, and that hold in all. The others are learned. */
const chosen: readonly SettingName[] = ["enforcedPersona"];

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
    await this.#db.write(() => this.#set(name, value));
  }

  *#set(name: SettingName, value: string | null): Work<void> {
    const sql = `insert into settings (name, value) values (?, ?)
      on conflict (name) do update set value = excluded.value`;
    if (value === null) yield* change("delete from settings where name = ?", name);
    else yield* change(sql, name, value);
    if (chosen.includes(name)) yield* announce();
  }
}
