// API keys in SQLite.

import type { Key, Person } from "../domain/account.ts";
import { newId, type PersonId } from "../domain/id.ts";
import type { Keys } from "./accounts.ts";
import type { Changes } from "./changes.ts";
import type { PeopleTable } from "./people.ts";
import type { Queries } from "./queries.ts";
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
  readonly #q: Queries;
  readonly #people: PeopleTable;
  readonly #changes: Changes;

  constructor(queries: Queries, people: PeopleTable, changes: Changes) {
    this.#q = queries;
    this.#people = people;
    this.#changes = changes;
  }

  async add(hash: string, { person, name, scopes }: Pick<Key, "person" | "name" | "scopes">): Promise<Key> {
    const [id, createdAt] = [newId(), Date.now()];
    const sql = "insert into keys (hash, id, person, name, scopes, created_at) values (?, ?, ?, ?, ?, ?)";
    this.#q.run(sql, hash, id, person, name, JSON.stringify(scopes), createdAt);
    return { id, person, name, scopes, createdAt, seenAt: null };
  }

  async find(hash: string): Promise<{ key: Key; person: Person } | null> {
    const row = this.#q.one<KeyRow>("select * from keys where hash = ?", hash);
    const person = row && this.#people.find("id", row.person);
    return row && person && person.removedAt === null ? { key: toKey(row), person } : null;
  }

  async used(hash: string): Promise<void> {
    const now = Date.now();
    this.#q.run(
      "update keys set seen_at = ?1 where hash = ?2 and coalesce(seen_at, 0) < ?1 - ?3",
      now,
      hash,
      touchEveryMs,
    );
  }

  async of(person: PersonId): Promise<readonly Key[]> {
    return this.#q
      .all<KeyRow>("select * from keys where person = ? order by created_at desc", person)
      .map(toKey);
  }

  async revoke(person: PersonId, id: string): Promise<boolean> {
    const revoked = this.#q.run("delete from keys where person = ? and id = ?", person, id) > 0;
    this.#changes.tell();
    return revoked;
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
