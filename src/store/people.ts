// People and the limits of roles, in SQLite.

import {
  dayOf,
  type Limits,
  type ListedPerson,
  localPerson,
  nameKey,
  type Person,
  type PersonRole,
  personRoles,
  standardLimits,
} from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { newId, type PersonId } from "../domain/id.ts";
import type { NewPerson, People, PersonChange } from "./accounts.ts";
import type { Changes } from "./changes.ts";
import type { Queries } from "./queries.ts";
import { limitsIn } from "./stored-json.ts";

interface PersonRow {
  id: string;
  name: string;
  role: PersonRole;
  password: string | null;
  limits: string;
  created_at: number;
  removed_at: number | null;
}

type ListedRow = PersonRow & {
  conversations: number;
  tokens: number | null;
  runs: number | null;
  seen_at: number | null;
};

interface OwnedTable {
  /** Within a transaction of the caller. */
  removeAllOf(owner: PersonId): void;
}

export class PeopleTable implements People {
  readonly #q: Queries;
  readonly #changes: Changes;
  /** Tables of what people own besides. */
  readonly #owned: readonly OwnedTable[];
  /** Deletes a conversation with everything in it. */
  readonly #clear: (conversation: string) => void;

  constructor(
    queries: Queries,
    changes: Changes,
    owned: readonly OwnedTable[],
    clear: (conversation: string) => void,
  ) {
    this.#owned = owned;
    this.#q = queries;
    this.#changes = changes;
    this.#clear = clear;
  }

  watch(listener: () => void): () => void {
    return this.#changes.watch(listener);
  }

  async person(id: PersonId): Promise<Person | null> {
    return this.find("id", id);
  }

  async named(name: string): Promise<Person | null> {
    return this.find("name_key", nameKey(name));
  }

  async ofSubject(subject: string): Promise<Person | null> {
    return this.find("subject", subject);
  }

  find(column: "id" | "name_key" | "subject", value: string): Person | null {
    const row = this.#q.one<PersonRow>(`select * from people where ${column} = ?`, value);
    return row && this.#toPerson(row);
  }

  async list(): Promise<readonly ListedPerson[]> {
    const rows = this.#q.all<ListedRow>(
      `select p.*, u.tokens, u.runs,
         (select count(*) from conversations c where c.owner = p.id and c.deleted_at is null)
           as conversations,
         coalesce((select max(seen_at) from sessions s where s.person = p.id),
                  (select max(created_at) from runs r where r.owner = p.id)) as seen_at
       from people p left join usage u on u.person = p.id and u.day = ? order by p.seq`,
      dayOf(Date.now()),
    );
    return rows.map((row) => ({
      ...this.#toPerson(row),
      hasPassword: row.password !== null,
      conversations: row.conversations,
      usage: { tokens: row.tokens ?? 0, runs: row.runs ?? 0 },
      seenAt: row.seen_at,
    }));
  }

  async add(person: NewPerson): Promise<Person> {
    const added = this.#q.transaction(() => this.insert(person));
    this.#changes.tell();
    return added;
  }

  insert({ name, role, password, subject }: NewPerson): Person {
    this.refuseTaken(name);
    const id = newId();
    this.#q.run(
      `insert into people (id, name, name_key, role, password, subject, created_at)
       values (?, ?, ?, ?, ?, ?, ?)`,
      id,
      name,
      nameKey(name),
      role,
      password,
      subject ?? null,
      Date.now(),
    );
    return this.find("id", id) as Person;
  }

  async change(id: PersonId, { role, password, ownLimits, removed }: PersonChange): Promise<Person> {
    const changed = this.#q.transaction(() => {
      const wasAdmin = this.find("id", id)?.role === "admin";
      if (this.find("id", id) === null) throw new Failure("not_found");
      if (removed === true || (role !== undefined && role !== "admin")) this.#refuseLastAdmin(id);
      if (role !== undefined) this.#q.run("update people set role = ? where id = ?", role, id);
      if (password !== undefined) this.#q.run("update people set password = ? where id = ?", password, id);
      if (ownLimits !== undefined)
        this.#q.run("update people set limits = ? where id = ?", JSON.stringify(ownLimits), id);
      if (removed !== undefined)
        this.#q.run("update people set removed_at = ? where id = ?", removed ? Date.now() : null, id);
      if (removed === true) this.#q.run("delete from sessions where person = ?", id);
      if (password !== undefined) this.#q.run("delete from invitations where person = ?", id);
      // a former admin may still know the links of invitations
      if (wasAdmin && (removed === true || (role !== undefined && role !== "admin")))
        this.#q.run("delete from invitations");
      this.#q.now(this.#q.forgetting.begin("rows")); // erases the password's hash and the sessions
      return this.find("id", id) as Person;
    });
    this.#changes.tell();
    return changed;
  }

  async erase(id: PersonId): Promise<void> {
    this.#q.transaction(() => {
      if (this.find("id", id) === null) throw new Failure("not_found");
      if (id === localPerson) throw new Failure("last_admin"); // needed while there are no accounts
      this.#refuseLastAdmin(id);
      const key = this.#q.one<{ name_key: string }>("select name_key from people where id = ?", id)?.name_key;
      this.#q.run("delete from buckets where name in (?, ?)", `login:${key}`, `runs:${id}`);
      for (const row of this.#q.all<{ id: string }>("select id from conversations where owner = ?", id))
        this.#clear(row.id);
      for (const table of this.#owned) table.removeAllOf(id);
      for (const table of ["usage", "shares"]) this.#q.run(`delete from ${table} where person = ?`, id);
      this.#q.run("update audit set address = '' where actor = ?", id);
      this.#q.run("delete from people where id = ?", id);
      this.#q.now(this.#q.forgetting.begin("texts"));
    });
    this.#changes.tell();
  }

  async passwordOf(id: PersonId): Promise<string | null> {
    return (
      this.#q.one<{ password: string | null }>("select password from people where id = ?", id)?.password ??
      null
    );
  }

  async isClaimed(): Promise<boolean> {
    return (
      this.#q.one(
        "select 1 from people where role = 'admin' and password is not null and removed_at is null",
      ) !== null
    );
  }

  async roleLimits(): Promise<Readonly<Record<PersonRole, Limits>>> {
    return Object.fromEntries(personRoles.map((role) => [role, this.#limitsOfRole(role)])) as Record<
      PersonRole,
      Limits
    >;
  }

  async setRoleLimits(role: PersonRole, limits: Limits): Promise<void> {
    this.#q.run(
      `insert into roles (name, limits) values (?, ?)
       on conflict (name) do update set limits = excluded.limits`,
      role,
      JSON.stringify(limits),
    );
    this.#changes.tell();
  }

  /** @throws Failure `name_taken` */
  refuseTaken(name: string, but?: PersonId): void {
    const other = this.find("name_key", nameKey(name));
    if (other && other.id !== but) throw new Failure("name_taken", { name });
  }

  #toPerson(row: PersonRow): Person {
    const { id, name, role } = row;
    const ownLimits = limitsIn(row.limits);
    const limits = { ...this.#limitsOfRole(role), ...ownLimits };
    return { id, name, role, ownLimits, limits, createdAt: row.created_at, removedAt: row.removed_at };
  }

  #limitsOfRole(role: PersonRole): Limits {
    const row = this.#q.one<{ limits: string }>("select limits from roles where name = ?", role);
    return { ...standardLimits[role], ...(row && limitsIn(row.limits)) };
  }

  /**
   * Without an admin nobody could ever appoint one again. The local person is needed while there are no
   * accounts.
   * @throws Failure `last_admin`
   */
  #refuseLastAdmin(id: PersonId): void {
    // nobody can sign in as the local person before they have a password
    const others = `select 1 from people where role = 'admin' and removed_at is null and id <> ?
      and (id <> '${localPerson}' or password is not null)`;
    const isAdmin = this.find("id", id)?.role === "admin";
    const isUnclaimed =
      id === localPerson &&
      this.#q.one("select 1 from people where id = ? and password is not null", id) === null;
    if (isUnclaimed || (isAdmin && this.#q.one(others, id) === null)) throw new Failure("last_admin");
  }
}
