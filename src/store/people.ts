// The tables of people and of the limits of roles.

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
import { all, announce, change, changeAndAnnounce, type Database, one, type Work } from "./database.ts";
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
  removeAllOf(owner: PersonId): Work<void>;
}

export class PeopleTable implements People {
  readonly #db: Database;
  /** Tables of what people own besides. */
  readonly #owned: readonly OwnedTable[];
  /** Deletes a conversation with everything in it. */
  readonly #clear: (conversation: string) => Work<void>;

  constructor(db: Database, owned: readonly OwnedTable[], clear: (conversation: string) => Work<void>) {
    this.#db = db;
    this.#owned = owned;
    this.#clear = clear;
  }

  watch(listener: () => void): () => void {
    return this.#db.watch(listener);
  }

  person(id: PersonId): Promise<Person | null> {
    return this.#db.read(() => this.find("id", id));
  }

  named(name: string): Promise<Person | null> {
    return this.#db.read(() => this.find("name_key", nameKey(name)));
  }

  ofSubject(subject: string): Promise<Person | null> {
    return this.#db.read(() => this.find("subject", subject));
  }

  list(): Promise<readonly ListedPerson[]> {
    return this.#db.read(() => this.all());
  }

  add(person: NewPerson): Promise<Person> {
    return this.#db.write(() => this.insert(person));
  }

  change(id: PersonId, wanted: PersonChange): Promise<Person> {
    return this.#db.write(() => this.#change(id, wanted));
  }

  erase(id: PersonId): Promise<void> {
    return this.#db.write(() => this.#erase(id));
  }

  async passwordOf(id: PersonId): Promise<string | null> {
    const sql = "select password from people where id = ?";
    return (await this.#db.read(() => one<{ password: string | null }>(sql, id)))?.password ?? null;
  }

  async isClaimed(): Promise<boolean> {
    const sql = "select 1 from people where role = 'admin' and password is not null and removed_at is null";
    return (await this.#db.read(() => one(sql))) !== null;
  }

  roleLimits(): Promise<Readonly<Record<PersonRole, Limits>>> {
    return this.#db.read(() => this.#roleLimits());
  }

  async setRoleLimits(role: PersonRole, limits: Limits): Promise<void> {
    const sql = `insert into roles (name, limits) values (?, ?)
      on conflict (name) do update set limits = excluded.limits`;
    await this.#db.write(() => changeAndAnnounce(sql, role, JSON.stringify(limits)));
  }

  *find(column: "id" | "name_key" | "subject", value: string): Work<Person | null> {
    const row = yield* one<PersonRow>(`select * from people where ${column} = ?`, value);
    return row && toPerson(row, yield* this.#limitsOfRole(row.role));
  }

  *all(): Work<ListedPerson[]> {
    const rows = yield* all<ListedRow>(
      `select p.*, u.tokens, u.runs,
         (select count(*) from conversations c where c.owner = p.id and c.deleted_at is null)
           as conversations,
         coalesce((select max(seen_at) from sessions s where s.person = p.id),
                  (select max(created_at) from runs r where r.owner = p.id)) as seen_at
       from people p left join usage u on u.person = p.id and u.day = ? order by p.seq`,
      dayOf(Date.now()),
    );
    const roles = yield* this.#roleLimits();
    return rows.map((row) => ({
      ...toPerson(row, roles[row.role]),
      hasPassword: row.password !== null,
      conversations: row.conversations,
      usage: { tokens: row.tokens ?? 0, runs: row.runs ?? 0 },
      seenAt: row.seen_at,
    }));
  }

  *insert({ name, role, password, subject }: NewPerson): Work<Person> {
    yield* this.refuseTaken(name);
    const id = newId();
    const sql = `insert into people (id, name, name_key, role, password, subject, created_at)
      values (?, ?, ?, ?, ?, ?, ?)`;
    yield* change(sql, id, name, nameKey(name), role, password, subject ?? null, Date.now());
    yield* announce();
    return (yield* this.find("id", id)) as Person;
  }

  /** @throws Failure `name_taken` */
  *refuseTaken(name: string, but?: PersonId): Work<void> {
    const other = yield* this.find("name_key", nameKey(name));
    if (other && other.id !== but) throw new Failure("name_taken", { name });
  }

  *#change(id: PersonId, { role, password, ownLimits, removed }: PersonChange): Work<Person> {
    const before = yield* this.find("id", id);
    if (before === null) throw new Failure("not_found");
    const losesRights = removed === true || (role !== undefined && role !== "admin");
    if (losesRights) yield* this.#refuseLastAdmin(id);
    if (role !== undefined) yield* change("update people set role = ? where id = ?", role, id);
    if (password !== undefined) yield* change("update people set password = ? where id = ?", password, id);
    if (ownLimits !== undefined)
      yield* change("update people set limits = ? where id = ?", JSON.stringify(ownLimits), id);
    if (removed !== undefined)
      yield* change("update people set removed_at = ? where id = ?", removed ? Date.now() : null, id);
    if (removed === true) yield* change("delete from sessions where person = ?", id);
    if (password !== undefined) yield* change("delete from invitations where person = ?", id);
    // a former admin may still know the links of invitations
    if (before.role === "admin" && losesRights) yield* change("delete from invitations");
    yield* this.#db.forgetting.begin("rows"); // erases the password's hash and the sessions
    yield* announce();
    return (yield* this.find("id", id)) as Person;
  }

  *#erase(id: PersonId): Work<void> {
    const row = yield* one<PersonRow & { name_key: string }>("select * from people where id = ?", id);
    if (row === null) throw new Failure("not_found");
    if (id === localPerson) throw new Failure("last_admin"); // needed while there are no accounts
    yield* this.#refuseLastAdmin(id);
    yield* change("delete from buckets where name in (?, ?)", `login:${row.name_key}`, `runs:${id}`);
    for (const conversation of yield* all<{ id: string }>("select id from conversations where owner = ?", id))
      yield* this.#clear(conversation.id);
    for (const table of this.#owned) yield* table.removeAllOf(id);
    for (const table of ["usage", "shares"]) yield* change(`delete from ${table} where person = ?`, id);
    yield* change("update audit set address = '' where actor = ?", id);
    yield* change("delete from people where id = ?", id);
    yield* this.#db.forgetting.begin("texts");
    yield* announce();
  }

  *#roleLimits(): Work<Record<PersonRole, Limits>> {
    const limits = { ...standardLimits };
    for (const role of personRoles) limits[role] = yield* this.#limitsOfRole(role);
    return limits;
  }

  *#limitsOfRole(role: PersonRole): Work<Limits> {
    const row = yield* one<{ limits: string }>("select limits from roles where name = ?", role);
    return { ...standardLimits[role], ...(row && limitsIn(row.limits)) };
  }

  /**
   * Without an admin nobody could ever appoint one again. The local person is needed while there are no
   * accounts.
   * @throws Failure `last_admin`
   */
  *#refuseLastAdmin(id: PersonId): Work<void> {
    // nobody can sign in as the local person before they have a password
    const others = `select 1 from people where role = 'admin' and removed_at is null and id <> ?
      and (id <> '${localPerson}' or password is not null)`;
    const isAdmin = (yield* this.find("id", id))?.role === "admin";
    const hasPassword = "select 1 from people where id = ? and password is not null";
    const isUnclaimed = id === localPerson && (yield* one(hasPassword, id)) === null;
    if (isUnclaimed || (isAdmin && (yield* one(others, id)) === null)) throw new Failure("last_admin");
  }
}

function toPerson(row: PersonRow, ofRole: Limits): Person {
  const { id, name, role } = row;
  const ownLimits = limitsIn(row.limits);
  const limits = { ...ofRole, ...ownLimits };
  return { id, name, role, ownLimits, limits, createdAt: row.created_at, removedAt: row.removed_at };
}
