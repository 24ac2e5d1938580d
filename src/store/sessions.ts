// Sessions and invitations, in SQLite.

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
import type { Changes } from "./changes.ts";
import type { PeopleTable } from "./people.ts";
import type { Queries } from "./queries.ts";

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
  readonly #q: Queries;
  readonly #people: PeopleTable;
  readonly #changes: Changes;

  constructor(queries: Queries, people: PeopleTable, changes: Changes) {
    this.#q = queries;
    this.#people = people;
    this.#changes = changes;
  }

  async open(
    hash: string,
    { person, address, agent, expiresAt }: Omit<Session, "id" | "createdAt" | "seenAt">,
  ): Promise<Session> {
    const [id, now] = [newId(), Date.now()];
    this.#q.run(
      `insert into sessions (hash, id, person, address, agent, created_at, seen_at, expires_at)
       values (?, ?, ?, ?, ?, ?6, ?6, ?7)`,
      hash,
      id,
      person,
      address,
      agent,
      now,
      expiresAt,
    );
    return { id, person, address, agent, createdAt: now, seenAt: now, expiresAt };
  }

  async find(hash: string): Promise<{ session: Session; person: Person } | null> {
    const row = this.#q.one<SessionRow>(
      "select * from sessions where hash = ? and expires_at > ?",
      hash,
      Date.now(),
    );
    const person = row && this.#people.find("id", row.person);
    return row && person && person.removedAt === null ? { session: toSession(row), person } : null;
  }

  async touch(hash: string, expiresAt: number): Promise<void> {
    this.#q.run(
      "update sessions set seen_at = ?, expires_at = ? where hash = ?",
      Date.now(),
      expiresAt,
      hash,
    );
  }

  async end(id: string): Promise<void> {
    this.#q.run("delete from sessions where id = ?", id);
    this.#changes.tell();
  }

  async endAll(person: PersonId, keepHash = ""): Promise<void> {
    this.#q.run("delete from sessions where person = ? and hash <> ?", person, keepHash);
    this.#changes.tell();
  }

  async list(): Promise<readonly Session[]> {
    return this.#q
      .all<SessionRow>("select * from sessions where expires_at > ? order by seen_at desc", Date.now())
      .map(toSession);
  }

  async invite(
    hash: string,
    { role, person, expiresAt }: Omit<Invitation, "id" | "createdAt">,
  ): Promise<Invitation> {
    const [id, createdAt] = [newId(), Date.now()];
    this.#q.transaction(() => {
      // a person has one invitation at a time: a new one replaces the old one
      if (person !== null) this.#q.run("delete from invitations where person = ?", person);
      const sql =
        "insert into invitations (hash, id, role, person, created_at, expires_at) values (?, ?, ?, ?, ?, ?)";
      this.#q.run(sql, hash, id, role, person, createdAt, expiresAt);
    });
    return { id, role, person, createdAt, expiresAt };
  }

  async invitation(hash: string): Promise<Invitation | null> {
    return this.#invitation(hash);
  }

  async accept(hash: string, { name, password }: { name: string; password: string }): Promise<Person> {
    const accepted = this.#q.transaction(() => {
      const invitation = this.#invitation(hash);
      if (!invitation) throw new Failure("not_found");
      this.#q.run("delete from invitations where hash = ?", hash);
      if (invitation.person === null) return this.#people.insert({ name, role: invitation.role, password });
      const known = this.#people.find("id", invitation.person);
      if (!known || known.removedAt !== null) throw new Failure("not_found");
      if (known.id === localPerson && name !== "") {
        this.#people.refuseTaken(name, known.id);
        this.#q.run("update people set name = ?, name_key = ? where id = ?", name, nameKey(name), known.id);
      }
      this.#q.run("update people set password = ? where id = ?", password, known.id);
      this.#q.run("delete from sessions where person = ?", known.id);
      this.#q.now(this.#q.forgetting.begin("rows")); // erases the old password's hash
      return this.#people.find("id", known.id) as Person;
    });
    this.#changes.tell();
    return accepted;
  }

  async invitations(): Promise<readonly Invitation[]> {
    return this.#q
      .all<InvitationRow>(
        "select * from invitations where expires_at > ? order by created_at desc",
        Date.now(),
      )
      .map(toInvitation);
  }

  async revoke(invitation: string): Promise<void> {
    this.#q.run("delete from invitations where id = ?", invitation);
  }

  #invitation(hash: string): Invitation | null {
    const row = this.#q.one<InvitationRow>(
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
