// Who uses the house: a Person with a role, and the Limits that hold for them. Plain facts: store/ keeps
// them, auth/ finds out who somebody is, chat/ and the queue mind the limits.

import type { ConversationId, PersonId } from "./id.ts";

/** Who everybody is while there are no accounts; the first admin, once there are. */
export const localPerson: PersonId = "local";

/** Most first. An admin operates the house; guests and members differ by their limits alone. */
export const personRoles = ["admin", "member", "guest"] as const;
export type PersonRole = (typeof personRoles)[number];

export function isPersonRole(value: unknown): value is PersonRole {
  return personRoles.includes(value as PersonRole);
}

/** What somebody may use. null: as much as they like. */
export interface Limits {
  /**
   * Share of the slots while people wait, beside others': one with 2 gets twice as many tokens as one with 1.
   */
  readonly weight: number;
  readonly runsPerMinute: number | null;
  /** Tokens read anew and written, from midnight to midnight in the server's time zone. */
  readonly tokensPerDay: number | null;
  /** Longest message, in UTF-8; the house's own bound holds beside it. */
  readonly messageMaxBytes: number | null;
  /** Runs in line at once. */
  readonly waitingRunsMax: number | null;
  /** Runs at once in slots. */
  readonly runningRunsMax: number | null;
  /** Days after which a conversation in which nothing was said is deleted. */
  readonly retainDays: number | null;
}

export type LimitName = keyof Limits;

/** Least and most of each. A weight below a tenth would be a way to starve somebody. */
export const limitBounds: Readonly<Record<LimitName, readonly [number, number]>> = {
  weight: [0.1, 10],
  runsPerMinute: [1, 10_000],
  tokensPerDay: [1, 1_000_000_000],
  messageMaxBytes: [1, 16 << 20],
  waitingRunsMax: [1, 10_000],
  runningRunsMax: [1, 10_000],
  retainDays: [1, 36_500],
};

/** True for a number that this limit can have; all but the weight are whole. */
export function isLimit(name: LimitName, value: number): boolean {
  const [least, most] = limitBounds[name];
  return value >= least && value <= most && (name === "weight" || Number.isInteger(value));
}

const unlimited: Limits = {
  weight: 1,
  runsPerMinute: null,
  tokensPerDay: null,
  messageMaxBytes: null,
  waitingRunsMax: null,
  runningRunsMax: null,
  retainDays: null,
};

/** What a role may use until an admin says otherwise. */
export const standardLimits: Readonly<Record<PersonRole, Limits>> = {
  admin: unlimited,
  member: { ...unlimited, runsPerMinute: 20, waitingRunsMax: 5, runningRunsMax: 2 },
  guest: {
    ...unlimited,
    weight: 0.5,
    runsPerMinute: 6,
    tokensPerDay: 50_000,
    waitingRunsMax: 2,
    runningRunsMax: 1,
    retainDays: 30,
  },
};

export interface Person {
  readonly id: PersonId;
  /** What they sign in with, and are called. */
  readonly name: string;
  readonly role: PersonRole;
  /** Where theirs differ from their role's. */
  readonly ownLimits: Partial<Limits>;
  /** What holds for them. */
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** May not come in any more; what they said is still there. */
  readonly removedAt: number | null;
}

/** A Person as the operator sees them. */
export interface ListedPerson extends Person {
  readonly hasPassword: boolean;
  readonly conversations: number;
  readonly usage: Usage;
  /** When they last did something, in milliseconds since 1970. */
  readonly seenAt: number | null;
}

/** What somebody has used today. */
export interface Usage {
  readonly tokens: number;
  readonly runs: number;
}

/** What somebody has used of what they may. */
export interface Allowance {
  readonly usage: Usage;
  readonly limits: Limits;
  /** Runs that they may begin now; null: as many as they like. */
  readonly runsLeft: number | null;
}

/** A browser that is signed in. */
export interface Session {
  /** Names it in lists; says nothing of its secret. */
  readonly id: string;
  readonly person: PersonId;
  readonly address: string;
  /** The browser's own words for itself. */
  readonly agent: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

/**
 * What a program's key can open: answers of the models; numbers for texts; its owner's conversations, to be
 * read and gone on with.
 */
export const keyScopes = ["answers", "embeddings", "conversations"] as const;
export type KeyScope = (typeof keyScopes)[number];

/** What a program comes in with, as its owner. */
export interface Key {
  /** Names it in lists; says nothing of the key itself. */
  readonly id: string;
  readonly person: PersonId;
  /** What its owner calls it. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: number;
  /** null: not used yet. */
  readonly seenAt: number | null;
}

/** A link by which somebody makes an account, or a new password for one that is there. */
export interface Invitation {
  readonly id: string;
  readonly role: PersonRole;
  /** Whose password it sets; null: it makes an account. */
  readonly person: PersonId | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A link by which anybody may read one conversation. */
export interface Link {
  readonly token: string;
  readonly conversation: ConversationId;
  readonly createdAt: number;
  /** null: until it is revoked. */
  readonly expiresAt: number | null;
}

/** What the audit log notes: who did what to whom, never what was said. */
const auditActs = [
  "signed_in",
  "sign_in_refused",
  "signed_out",
  "signed_out_everywhere",
  "password_changed",
  "invited",
  "invitation_used",
  "invitation_revoked",
  "person_added",
  "person_removed",
  "person_restored",
  "person_erased",
  "role_changed",
  "limits_changed",
  "session_ended",
  "run_stopped",
  "persona_enforced",
  "link_made",
  "link_revoked",
  "key_made",
  "key_revoked",
  "upstreams_changed",
  "exported",
  "imported",
] as const;
export type AuditAct = (typeof auditActs)[number];

export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** null: nobody who has an account, or the command line. */
  readonly actor: PersonId | null;
  readonly act: AuditAct;
  /** What it was done to: a person's id or name, a role, a conversation's id. */
  readonly subject: string;
  readonly address: string;
}

/** Longest name, in UTF-16 units. */
const nameMaxChars = 64;

/**
 * A name as it is kept, or null for what is none: 1 to 64 characters, none of them a control character, no
 * space at either end.
 */
export function personName(typed: string): string | null {
  const name = typed.normalize("NFKC").trim().replace(/\s+/g, " ");
  return name === "" || name.length > nameMaxChars || /[\p{Cc}\p{Cf}\p{Cs}]/u.test(name) ? null : name;
}

/** What names are compared by: two that differ in case alone are the same. */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** The start of the next day in this machine's time zone, in milliseconds since 1970. */
export function nextMidnight(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
}

/** The day of a moment in this machine's time zone, as 2026-11-23. */
export function dayOf(time: number): string {
  const day = new Date(time);
  const twoDigits = (number: number) => String(number).padStart(2, "0");
  return `${day.getFullYear()}-${twoDigits(day.getMonth() + 1)}-${twoDigits(day.getDate())}`;
}
