// The table of API keys.

import type { Key, Person } from "../domain/account.ts";
import { newId, type PersonId } from "../domain/id.ts";
import type { Keys } from "./accounts.ts";
import { all, change, changeAndAnnounce, type Database, one, type Work } from "./database.ts";
import type { PeopleTable } from "./people.ts";
import { scopesIn } from "./stored-json.ts";

interface KeyRow {
  id: string;
  person: string;
  name: string;
  scopes: string;
  created_at: number;
  seen_at: number | null;
}

/** A key's last use is written at most this often, in ms. */
const touchEveryMs = 60_000;

export class KeyTable implements Keys {
  readonly #db: Database;
  readonly #people: PeopleTable;

  constructor(db: Database, people: PeopleTable) {
    this.#db = db;
    this.#people = people;
  }

  async add(hash: string, { person, name, scopes }: Pick<Key, "person" | "name" | "scopes">): Promise<Key> {
    const [id, createdAt] = [newId(), Date.now()];
    const sql = "insert into keys (hash, id, person, name, scopes, created_at) values (?, ?, ?, ?, ?, ?)";
    const values = [hash, id, person, name, JSON.stringify(scopes), createdAt];
    await this.#db.write(() => change(sql, ...values));
    return { id, person, name, scopes, createdAt, seenAt: null };
  }

  find(hash: string): Promise<{ key: Key; person: Person } | null> {
    return this.#db.read(() => this.#find(hash));
  }

  async used(hash: string): Promise<void> {
    const now = Date.now();
    const sql = "update keys set seen_at = ? where hash = ? and coalesce(seen_at, 0) < ?";
    await this.#db.write(() => change(sql, now, hash, now - touchEveryMs));
  }

  async of(person: PersonId): Promise<readonly Key[]> {
    const sql = "select * from keys where person = ? order by created_at desc";
    return (await this.#db.read(() => all<KeyRow>(sql, person))).map(toKey);
  }

  async revoke(person: PersonId, id: string): Promise<boolean> {
    const sql = "delete from keys where person = ? and id = ?";
    return (await this.#db.write(() => changeAndAnnounce(sql, person, id))) > 0;
  }

  *#find(hash: string): Work<{ key: Key; person: Person } | null> {
    const row = yield* one<KeyRow>("select * from keys where hash = ?", hash);
    const person = row && (yield* this.#people.find("id", row.person));
    return row && person && person.removedAt === null ? { key: toKey(row), person } : null;
  }
}

function toKey({ id, person, name, scopes, created_at, seen_at }: KeyRow): Key {
  return {
    id,
    person,
    name,
    scopes: scopesIn(scopes),
    createdAt: created_at,
    seenAt: seen_at,
  };
}
