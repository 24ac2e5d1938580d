// The tables of sessions and of invitations.

import {
  type Invitation,
  localPerson,
  nameKey,
  type Person,
  type PersonRole,
  type Session,
} from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { newId, type PersonId } from "../domain/id.ts";
import type { Sessions } from "./accounts.ts";
import { all, announce, change, changeAndAnnounce, type Database, one, type Work } from "./database.ts";
import type { PeopleTable } from "./people.ts";

interface SessionRow {
  id: string;
  person: string;
  address: string;
  agent: string;
  created_at: number;
  seen_at: number;
  expires_at: number;
}

interface InvitationRow {
  id: string;
  role: PersonRole;
  person: string | null;
  created_at: number;
  expires_at: number;
}

export class SessionTable implements Sessions {
  readonly #db: Database;
  readonly #people: PeopleTable;

  constructor(db: Database, people: PeopleTable) {
    this.#db = db;
    this.#people = people;
  }

  async open(
    hash: string,
    { person, address, agent, expiresAt }: Omit<Session, "id" | "createdAt" | "seenAt">,
  ): Promise<Session> {
    const [id, now] = [newId(), Date.now()];
    const sql = `insert into sessions (hash, id, person, address, agent, created_at, seen_at, expires_at)
      values (?, ?, ?, ?, ?, ?6, ?6, ?7)`;
    await this.#db.write(() => change(sql, hash, id, person, address, agent, now, expiresAt));
    return { id, person, address, agent, createdAt: now, seenAt: now, expiresAt };
  }

  find(hash: string): Promise<{ session: Session; person: Person } | null> {
    return this.#db.read(() => this.#find(hash));
  }

  async touch(hash: string, expiresAt: number): Promise<void> {
    const sql = "update sessions set seen_at = ?, expires_at = ? where hash = ?";
    await this.#db.write(() => change(sql, Date.now(), expiresAt, hash));
  }

  async end(id: string): Promise<void> {
    await this.#db.write(() => changeAndAnnounce("delete from sessions where id = ?", id));
  }

  async endAll(person: PersonId, keepHash = ""): Promise<void> {
    const sql = "delete from sessions where person = ? and hash <> ?";
    await this.#db.write(() => changeAndAnnounce(sql, person, keepHash));
  }

  async list(): Promise<readonly Session[]> {
    const sql = "select * from sessions where expires_at > ? order by seen_at desc";
    return (await this.#db.read(() => all<SessionRow>(sql, Date.now()))).map(toSession);
  }

  invite(hash: string, invitation: Omit<Invitation, "id" | "createdAt">): Promise<Invitation> {
    return this.#db.write(() => this.#invite(hash, invitation));
  }

  invitation(hash: string): Promise<Invitation | null> {
    return this.#db.read(() => this.#invitation(hash));
  }

  accept(hash: string, as: { name: string; password: string }): Promise<Person> {
    return this.#db.write(() => this.#accept(hash, as));
  }

  async invitations(): Promise<readonly Invitation[]> {
    const sql = "select * from invitations where expires_at > ? order by created_at desc";
    return (await this.#db.read(() => all<InvitationRow>(sql, Date.now()))).map(toInvitation);
  }

  async revoke(invitation: string): Promise<void> {
    await this.#db.write(() => change("delete from invitations where id = ?", invitation));
  }

  *#find(hash: string): Work<{ session: Session; person: Person } | null> {
    const sql = "select * from sessions where hash = ? and expires_at > ?";
    const row = yield* one<SessionRow>(sql, hash, Date.now());
    const person = row && (yield* this.#people.find("id", row.person));
    return row && person && person.removedAt === null ? { session: toSession(row), person } : null;
  }

  *#invite(
    hash: string,
    { role, person, expiresAt }: Omit<Invitation, "id" | "createdAt">,
  ): Work<Invitation> {
    const [id, createdAt] = [newId(), Date.now()];
    // a person has one invitation at a time: a new one replaces the old one
    if (person !== null) yield* change("delete from invitations where person = ?", person);
    const sql =
      "insert into invitations (hash, id, role, person, created_at, expires_at) values (?, ?, ?, ?, ?, ?)";
    yield* change(sql, hash, id, role, person, createdAt, expiresAt);
    return { id, role, person, createdAt, expiresAt };
  }

  *#accept(hash: string, { name, password }: { name: string; password: string }): Work<Person> {
    const invitation = yield* this.#invitation(hash);
    if (!invitation) throw new Failure("not_found");
    yield* change("delete from invitations where hash = ?", hash);
    yield* announce();
    if (invitation.person === null)
      return yield* this.#people.insert({ name, role: invitation.role, password });
    const known = yield* this.#people.find("id", invitation.person);
    if (!known || known.removedAt !== null) throw new Failure("not_found");
    if (known.id === localPerson && name !== "") {
      yield* this.#people.refuseTaken(name, known.id);
      yield* change("update people set name = ?, name_key = ? where id = ?", name, nameKey(name), known.id);
    }
    yield* change("update people set password = ? where id = ?", password, known.id);
    yield* change("delete from sessions where person = ?", known.id);
    yield* this.#db.forgetting.begin("rows"); // erases the old password's hash
    return (yield* this.#people.find("id", known.id)) as Person;
  }

  *#invitation(hash: string): Work<Invitation | null> {
    const row = yield* one<InvitationRow>(
      "select * from invitations where hash = ? and expires_at > ?",
      hash,
      Date.now(),
    );
    return row && toInvitation(row);
  }
}

function toSession({ id, person, address, agent, created_at, seen_at, expires_at }: SessionRow): Session {
  return { id, person, address, agent, createdAt: created_at, seenAt: seen_at, expiresAt: expires_at };
}

function toInvitation({ id, role, person, created_at, expires_at }: InvitationRow): Invitation {
  return { id, role, person, createdAt: created_at, expiresAt: expires_at };
}
