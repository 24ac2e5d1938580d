// Contract of accounts, usage, links, house settings and the audit log: the other half of the Store, in the
// same database. Secrets are passed and stored as hashes. Asynchronous like the Store; each method is one
// transaction.

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

export interface NewPerson {
  readonly name: string;
  readonly role: PersonRole;
  /** A hash of Bun.password; null: no password. */
  readonly password: string | null;
  /** The subject at an OpenID provider. */
  readonly subject?: string;
}

/** Absent fields are not changed. */
export interface PersonChange {
  readonly role?: PersonRole;
  /** A hash; null removes the password. */
  readonly password?: string | null;
  readonly ownLimits?: Partial<Limits>;
  readonly removed?: boolean;
}

/** Who asks for a Run, and within which bounds it may be queued. */
export interface Admission {
  readonly owner: PersonId;
  /** Runs that may wait at once, in the whole house. */
  readonly queueMaxRuns: number;
  readonly limits: Pick<Limits, "runsPerMinute" | "tokensPerDay" | "waitingRunsMax">;
}

/** The part of an Admission that concerns the person alone. */
export type PersonAdmission = Pick<Admission, "owner" | "limits">;

/** A token bucket: holds `capacity` at most, and gets one more every `everyMs`. */
export interface Bucket {
  readonly capacity: number;
  readonly everyMs: number;
}

/** The name of the bucket for a person's Runs. A minute's Runs may start at once. */
export const runsBucket = (person: PersonId): string => `runs:${person}`;
export const perMinute = (capacity: number): Bucket => ({ capacity, everyMs: 60_000 / capacity });

/**
 * What people have used of the slots, in weighted tokens. `floor` is the value that a new person starts with.
 */
export interface FairShareKept {
  readonly floor: number;
  readonly had: ReadonlyMap<PersonId, number>;
}

/**
 * Settings that the operator changes while parlor runs, and estimates that one process leaves for the next.
 */
export type SettingName = "enforcedPersona" | "llama" | "waits";

export interface People {
  /**
   * Calls `listener` when rights of people have changed, in this process or in another one that has the file
   * open. Returns a function that ends it.
   */
  watch(listener: () => void): () => void;

  person(id: PersonId): Promise<Person | null>;
  named(name: string): Promise<Person | null>;
  /** The person with this subject at an OpenID provider. */
  ofSubject(subject: string): Promise<Person | null>;
  list(): Promise<readonly ListedPerson[]>;
  /** @throws Failure `name_taken` */
  add(person: NewPerson): Promise<Person>;
  /** Changes a person; removal ends their sessions. @throws Failure `not_found`, `last_admin` */
  change(id: PersonId, change: PersonChange): Promise<Person>;
  /**
   * Erases a person with all their data. The audit log keeps their id.
   * @throws Failure `not_found`, `last_admin`
   */
  erase(id: PersonId): Promise<void>;
  /** The hash; null for a person without one. */
  passwordOf(id: PersonId): Promise<string | null>;
  /** True once an admin can sign in with a password. */
  isClaimed(): Promise<boolean>;
  roleLimits(): Promise<Readonly<Record<PersonRole, Limits>>>;
  setRoleLimits(role: PersonRole, limits: Limits): Promise<void>;
}

/** API keys. */
export interface Keys {
  add(hash: string, key: Pick<Key, "person" | "name" | "scopes">): Promise<Key>;
  /** A valid key with its owner; null for an unknown one, and for one whose owner was removed. */
  find(hash: string): Promise<{ key: Key; person: Person } | null>;
  /** Records a use of the key. */
  used(hash: string): Promise<void>;
  of(person: PersonId): Promise<readonly Key[]>;
  /** False when the person has no such key. */
  revoke(person: PersonId, id: string): Promise<boolean>;
}

export interface Sessions {
  open(hash: string, session: Omit<Session, "id" | "createdAt" | "seenAt">): Promise<Session>;
  /** A valid session with its person; null for any other. */
  find(hash: string): Promise<{ session: Session; person: Person } | null>;
  /** Records a use of the session, and extends it to `expiresAt`. */
  touch(hash: string, expiresAt: number): Promise<void>;
  end(id: string): Promise<void>;
  /** Ends all sessions of a person, except the one with `keepHash`. */
  endAll(person: PersonId, keepHash?: string): Promise<void>;
  list(): Promise<readonly Session[]>;

  invite(hash: string, invitation: Omit<Invitation, "id" | "createdAt">): Promise<Invitation>;
  /** An invitation that has not expired; null for any other. */
  invitation(hash: string): Promise<Invitation | null>;
  /**
   * Uses up an invitation: sets the person's password, and the name of a new person.
   * @throws Failure `not_found`, `name_taken`
   */
  accept(hash: string, as: { name: string; password: string }): Promise<Person>;
  invitations(): Promise<readonly Invitation[]>;
  revoke(invitation: string): Promise<void>;
}

/** Links that let anybody read one conversation. */
export interface Links {
  add(link: Link): Promise<void>;
  /** The link of this token; null when it has expired, or its conversation was deleted. */
  find(token: string): Promise<Link | null>;
  /** Links of a conversation that have not expired, newest first. */
  of(conversation: ConversationId): Promise<readonly Link[]>;
  /** False when the conversation has no such link. */
  remove(conversation: ConversationId, token: string): Promise<boolean>;
}

/** What people have used and may still use. */
export interface UsageLedger {
  /**
   * Checks a person's limits for a request that is not stored as a Run, and counts the request.
   * @throws Failure `too_many_waiting`, `tokens_limit`, `runs_limit`
   */
  admit(admission: PersonAdmission): Promise<void>;
  /** Throws where `admit` would throw now; counts nothing. @throws Failure as `admit` */
  mayAdmit(admission: PersonAdmission): Promise<void>;
  /** Adds one request and its tokens to a person's usage of today. */
  spend(person: PersonId, tokens: number): Promise<void>;
  /** What a person has used since midnight. */
  today(person: PersonId): Promise<Usage>;
  /** Takes one from a bucket and returns 0. From an empty one: the milliseconds until it holds one again. */
  take(name: string, bucket: Bucket): Promise<number>;
  /** How many a bucket holds now; not a whole number as a rule. */
  level(name: string, bucket: Bucket): Promise<number>;

  shares(): Promise<FairShareKept>;
  /** Writes the floor and the shares of the people named in `changed`; others stay as they are. */
  keepShares(changed: FairShareKept): Promise<void>;
}

/** Settings of the whole house. */
export interface HouseSettings {
  get(name: SettingName): Promise<string | null>;
  /** null removes the setting. */
  set(name: SettingName, value: string | null): Promise<void>;
}

export interface AuditLog {
  note(entry: { actor: PersonId | null; act: AuditAct; subject?: string; address?: string }): Promise<void>;
  /** Entries, newest first. */
  latest(limit: number): Promise<readonly AuditEntry[]>;
  /** Runs that failed, newest first. */
  failedRuns(limit: number): Promise<readonly FailedRun[]>;
}

/** What is kept for a limited time only. */
export interface Retention {
  /** Conversations in which nothing was said for longer than their owner's limits keep them. */
  outlived(now: number): Promise<readonly ConversationId[]>;
  /** Deletes sessions, invitations, links, audit entries and usage that have expired. */
  tidy(now: number): Promise<void>;
}
