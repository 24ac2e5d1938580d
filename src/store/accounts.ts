// Contract of who is who, what they have used, and what the operator has set: the other half of the Store, in the same database.
// Secrets come in as their hashes. Asynchronous as the Store; each method is one transaction. Implemented by store/sqlite.

import type {
  AuditAct,
  AuditEntry,
  Invitation,
  Key,
  Limits,
  Link,
  ListedPerson,
  Person,
  PersonRole,
  Session,
  Usage,
} from "../domain/account.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { FailedRun } from "../domain/run.ts";
import type { Admission } from "./store.ts";

export interface NewPerson {
  readonly name: string;
  readonly role: PersonRole;
  /** As Bun.password hashes it; null: none. */
  readonly password: string | null;
  /** Of an OpenID provider. */
  readonly subject?: string;
}

/** What is absent stays as it is. */
export interface PersonChange {
  readonly role?: PersonRole;
  /** null: none any more. */
  readonly password?: string | null;
  readonly ownLimits?: Partial<Limits>;
  readonly removed?: boolean;
}

/** `capacity` at most, one more each `everyMs`. */
export interface Bucket {
  readonly capacity: number;
  readonly everyMs: number;
}

/** The bucket of a person's Runs: as many a minute, all at once if need be. */
export const runsBucket = (person: PersonId): string => `runs:${person}`;
export const perMinute = (capacity: number): Bucket => ({ capacity, everyMs: 60_000 / capacity });

/** What people have had of the slots, in weighted tokens; `floor` is what a newcomer begins with. */
export interface FairShareKept {
  readonly floor: number;
  readonly had: ReadonlyMap<PersonId, number>;
}

/** What the operator sets while parlor runs, and what one process has learned for the next. */
export type SettingName = "enforcedPersona" | "llama" | "waits";

export interface People {
  /** Calls `listener` when what somebody may do or see has changed: here, or by another process that has the file open. */
  watch(listener: () => void): () => void;

  person(id: PersonId): Promise<Person | null>;
  named(name: string): Promise<Person | null>;
  /** The one that an OpenID provider knows by this subject. */
  ofSubject(subject: string): Promise<Person | null>;
  list(): Promise<readonly ListedPerson[]>;
  /** @throws Failure `name_taken` */
  add(person: NewPerson): Promise<Person>;
  /** Changes a person; a removed one's sessions end. @throws Failure `not_found`, `last_admin` */
  change(id: PersonId, change: PersonChange): Promise<Person>;
  /** Forgets a person with everything of theirs; the audit log keeps an id that leads nowhere. @throws Failure `not_found`, `last_admin` */
  erase(id: PersonId): Promise<void>;
  /** The hash; null for a person without one. */
  passwordOf(id: PersonId): Promise<string | null>;
  /** True once an admin can sign in with a password. */
  isClaimed(): Promise<boolean>;
  roleLimits(): Promise<Readonly<Record<PersonRole, Limits>>>;
  setRoleLimits(role: PersonRole, limits: Limits): Promise<void>;
}

/** Programs' keys. */
export interface Keys {
  add(hash: string, key: Pick<Key, "person" | "name" | "scopes">): Promise<Key>;
  /** A key that is not revoked, with its owner; null for any other, and for one whose owner was removed. */
  find(hash: string): Promise<{ key: Key; person: Person } | null>;
  /** It was used now. */
  used(hash: string): Promise<void>;
  of(person: PersonId): Promise<readonly Key[]>;
  /** False when the person has no such key. */
  revoke(person: PersonId, id: string): Promise<boolean>;
}

export interface Sessions {
  open(hash: string, session: Omit<Session, "id" | "createdAt" | "seenAt">): Promise<Session>;
  /** A session that still holds, with its person; null for any other. */
  find(hash: string): Promise<{ session: Session; person: Person } | null>;
  /** It was used now, and holds until `expiresAt`. */
  touch(hash: string, expiresAt: number): Promise<void>;
  end(id: string): Promise<void>;
  /** All of a person's sessions, but the one that is kept. */
  endAll(person: PersonId, keepHash?: string): Promise<void>;
  list(): Promise<readonly Session[]>;

  invite(hash: string, invitation: Omit<Invitation, "id" | "createdAt">): Promise<Invitation>;
  /** One that still holds. */
  invitation(hash: string): Promise<Invitation | null>;
  /**
   * Uses an invitation up: its person has this password from now on, and this name where they had no account before.
   * @throws Failure `not_found`, `name_taken`
   */
  accept(hash: string, as: { name: string; password: string }): Promise<Person>;
  invitations(): Promise<readonly Invitation[]>;
  revoke(invitation: string): Promise<void>;
}

export interface Ledger {
  addLink(link: Link): Promise<void>;
  /** The link that still holds. */
  link(token: string): Promise<Link | null>;
  linksOf(conversation: ConversationId): Promise<readonly Link[]>;
  /** False when the conversation has no such link. */
  removeLink(conversation: ConversationId, token: string): Promise<boolean>;

  /** Whether somebody may queue another request that is stored nowhere; counts it. @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit` */
  admit(admission: Pick<Admission, "owner" | "limits">): Promise<void>;
  /** Refuses what `admit` would refuse now; counts nothing. @throws as `admit` */
  mayAdmit(admission: Pick<Admission, "owner" | "limits">): Promise<void>;
  /** Counts what a request has used as somebody's. */
  spend(person: PersonId, tokens: number): Promise<void>;
  /** What somebody has used today. */
  usage(person: PersonId): Promise<Usage>;
  /** Takes one from a bucket: 0, or, when it is empty, milliseconds until there is one. */
  take(name: string, bucket: Bucket): Promise<number>;
  /** How many are in it now. */
  left(name: string, bucket: Bucket): Promise<number>;

  shares(): Promise<FairShareKept>;
  /** Writes what has changed: those who are named, and the floor. */
  keepShares(changed: FairShareKept): Promise<void>;

  setting(name: SettingName): Promise<string | null>;
  set(name: SettingName, value: string | null): Promise<void>;

  note(entry: { actor: PersonId | null; act: AuditAct; subject?: string; address?: string }): Promise<void>;
  /** Newest first. */
  audit(limit: number): Promise<readonly AuditEntry[]>;
  /** Runs that failed, newest first. */
  failedRuns(limit: number): Promise<readonly FailedRun[]>;

  /** Conversations in which nothing was said for as long as their owner's role (or they) keep them. */
  outlived(now: number): Promise<readonly ConversationId[]>;
  /** Forgets what has expired. */
  tidy(now: number): Promise<void>;
}
