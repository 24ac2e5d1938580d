// People with their roles and limits; sessions, keys, invitations, links and the audit log. Plain facts:
// store/ keeps them, auth/ identifies people, chat/ applies the limits.

import type { ConversationId, PersonId } from "./id.ts";

/** The person whom everybody is while there are no accounts. With accounts it is the first admin. */
export const localPerson: PersonId = "local";

/** In order of power. An admin operates parlor; members and guests differ only in their limits. */
export const personRoles = ["admin", "member", "guest"] as const;
export type PersonRole = (typeof personRoles)[number];

export function isPersonRole(value: unknown): value is PersonRole {
  return personRoles.includes(value as PersonRole);
}

/** What a person may use. null: no limit. */
export interface Limits {
  /**
   * Share of the slots while people wait: a person with weight 2 gets twice as many tokens as one with weight
   * 1.
   */
  readonly weight: number;
  readonly runsPerMinute: number | null;
  /**
   * Prompt tokens that were not cached, and output tokens, from midnight to midnight in the server's time
   * zone.
   */
  readonly tokensPerDay: number | null;
  /** Longest message, in UTF-8. The bound for the whole house applies too. */
  readonly messageMaxBytes: number | null;
  /** Runs that may wait at the same time. */
  readonly waitingRunsMax: number | null;
  /** Runs that may hold a slot at the same time. */
  readonly runningRunsMax: number | null;
  /** Days after its last message at which a conversation is deleted. */
  readonly retainDays: number | null;
  /** Size of all attached files together. The bound for the whole house applies too. */
  readonly filesMaxBytes: number | null;
}

export type LimitName = keyof Limits;

/** Least and most of each. A weight below a tenth could starve a person. */
export const limitBounds: Readonly<Record<LimitName, readonly [number, number]>> = {
  weight: [0.1, 10],
  runsPerMinute: [1, 10_000],
  tokensPerDay: [1, 1_000_000_000],
  messageMaxBytes: [1, 16 << 20],
  waitingRunsMax: [1, 10_000],
  runningRunsMax: [1, 10_000],
  retainDays: [1, 36_500],
  filesMaxBytes: [1, 2 ** 50],
};

/** True for a value within the limit's bounds. All limits but the weight are integers. */
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
  filesMaxBytes: null,
};

/** Limits of each role until an admin changes them. */
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
  /** The name that they sign in with and that is shown. */
  readonly name: string;
  readonly role: PersonRole;
  /** Limits that differ from those of their role. */
  readonly ownLimits: Partial<Limits>;
  /** The limits in effect: those of the role, with their own in place. */
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Since then they can't sign in; their conversations are kept. */
  readonly removedAt: number | null;
}

/** A Person as the admin page shows them. */
export interface ListedPerson extends Person {
  readonly hasPassword: boolean;
  readonly conversations: number;
  readonly usage: Usage;
  /** Their last activity, in milliseconds since 1970. */
  readonly seenAt: number | null;
}

/** What a person has used since midnight. */
export interface Usage {
  readonly tokens: number;
  readonly runs: number;
}

/** A person's usage beside their limits. */
export interface Allowance {
  readonly usage: Usage;
  readonly limits: Limits;
  /** Runs that they may start now; null: no limit. */
  readonly runsLeft: number | null;
}

/** A browser that is signed in. */
export interface Session {
  /** For lists; not derived from the session's secret. */
  readonly id: string;
  readonly person: PersonId;
  readonly address: string;
  /** The browser's User-Agent. */
  readonly agent: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

/**
 * What an API key gives access to: answers of the models; embeddings; reading and continuing its owner's
 * conversations; their files, and the collections of documents that they may search.
 */
export const keyScopes = ["answers", "embeddings", "conversations", "documents"] as const;
export type KeyScope = (typeof keyScopes)[number];

/** An API key: a program that sends it acts as its owner. */
export interface Key {
  /** For lists; not derived from the key itself. */
  readonly id: string;
  readonly person: PersonId;
  /** The name that its owner gave it. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: number;
  /** Last use, in milliseconds since 1970; null: never used. */
  readonly seenAt: number | null;
}

/** A link for creating an account, or for setting a new password of an existing one. */
export interface Invitation {
  readonly id: string;
  readonly role: PersonRole;
  /** The person whose password it sets; null: it creates an account. */
  readonly person: PersonId | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A link that lets anybody read one conversation. */
export interface Link {
  readonly token: string;
  readonly conversation: ConversationId;
  readonly createdAt: number;
  /** In milliseconds since 1970; null: valid until it is revoked. */
  readonly expiresAt: number | null;
  /** Its readers may open the passages that the answers cite. */
  readonly showsSources?: boolean;
}

/** Actions in the audit log. It never holds the text of a conversation. */
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
  /** null: the command line, or a client without an account. */
  readonly actor: PersonId | null;
  readonly act: AuditAct;
  /** Object of the action: a person's id or name, a role, a conversation's id. */
  readonly subject: string;
  readonly address: string;
}

/** Longest name, in UTF-16 units. */
const nameMaxChars = 64;

/**
 * The name as it is stored (NFKC, single spaces), or null for an invalid one: it must have 1 to 64
 * characters, none of them a control character.
 */
export function personName(typed: string): string | null {
  const name = typed.normalize("NFKC").trim().replace(/\s+/g, " ");
  return name === "" || name.length > nameMaxChars || /[\p{Cc}\p{Cf}\p{Cs}]/u.test(name) ? null : name;
}

/** Key for comparing names: names that differ only in case are the same. */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** The start of the next day in this machine's time zone, in milliseconds since 1970. */
export function nextMidnight(now: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
}

/** The date of `time` in this machine's time zone, as 2026-11-23. */
export function dayOf(time: number): string {
  const day = new Date(time);
  const twoDigits = (number: number) => String(number).padStart(2, "0");
  return `${day.getFullYear()}-${twoDigits(day.getMonth() + 1)}-${twoDigits(day.getDate())}`;
}
