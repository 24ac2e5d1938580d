// The type of the words around the chat: imports, sign-in, account, sharing, administration.

import type { AuditAct, KeyScope, LimitName, PersonRole } from "../../src/domain/account.ts";
import type { LeftOutKind } from "../../src/domain/record.ts";
import type { Purpose } from "../../src/domain/upstream.ts";

export interface HouseWords {
  /** What an import left out, by kind. */
  readonly leftOut: string;
  readonly leftOutKinds: Readonly<Record<LeftOutKind, (count: number) => string>>;
  readonly signIn: string;
  readonly signInHere: string;
  readonly signInElsewhere: string;
  readonly signOut: string;
  readonly password: string;
  readonly oldPassword: string;
  readonly newPassword: string;
  readonly passwordHint: string;
  readonly changePassword: string;
  readonly done: string;
  readonly signOutEverywhere: string;
  readonly account: string;
  readonly yourName: string;
  readonly makeAccount: string;
  readonly becomeAdmin: string;
  readonly setPasswordFor: (name: string) => string;
  readonly welcome: string;
  readonly limits: string;
  readonly limitNames: Readonly<Record<LimitName, string>>;
  readonly roles: Readonly<Record<PersonRole, string>>;
  readonly unlimited: string;
  readonly usedToday: (tokens: number, runs: number) => string;
  readonly files: string;
  readonly filesUsed: (usedBytes: number, limitBytes: number) => string;
  readonly devices: string;
  readonly thisDevice: string;
  readonly end: string;
  readonly keys: string;
  readonly keysText: string;
  readonly keyName: string;
  readonly keyScopes: Readonly<Record<KeyScope, string>>;
  readonly makeKey: string;
  readonly keyOnce: string;
  /** Followed by a time. */
  readonly keyUsed: string;
  readonly keyUnused: string;
  readonly share: string;
  readonly shareText: string;
  readonly makeLink: string;
  /** Whether readers may open the passages that answers cite. */
  readonly shareSources: string;
  readonly linkShowsSources: string;
  readonly linkFor: Readonly<Record<"day" | "week" | "month" | "never", string>>;
  /** Followed by a time. */
  readonly until: string;
  readonly untilRevoked: string;
  readonly revoke: string;
  readonly shared: string;
  readonly operate: string;
  readonly now: string;
  readonly upstream: (status: string, model: string | null) => string;
  readonly slots: (running: number, slots: number, foreignSlots: number) => string;
  readonly slotsOf: (slots: number, foreignSlots: number) => string;
  readonly servers: string;
  /** What models are for that don't chat. */
  readonly purposes: Readonly<Record<Purpose, string>>;
  readonly fixedServers: string;
  readonly serverAddress: string;
  readonly addServer: string;
  readonly serverLog: (model: string) => string;
  readonly noLog: string;
  readonly waitingRuns: (waiting: number) => string;
  readonly sockets: (pages: number, programs: number) => string;
  /** One of several processes of parlor. */
  readonly process: (version: string, sockets: number) => string;
  readonly leads: (term: number) => string;
  readonly since: (seconds: number) => string;
  readonly stop: string;
  readonly tokens: (tokens: number) => string;
  readonly unattended: string;
  readonly nobodyRuns: string;
  readonly people: string;
  readonly role: string;
  readonly conversations: string;
  readonly tokensToday: string;
  readonly seen: string;
  readonly never: string;
  readonly change: string;
  readonly ownLimits: string;
  readonly asRole: string;
  readonly newPasswordLink: string;
  readonly remove: string;
  readonly removed: string;
  readonly bringBack: string;
  readonly erase: string;
  readonly eraseText: (name: string) => string;
  readonly confirmName: string;
  readonly invite: string;
  readonly inviteText: string;
  readonly linkOnce: string;
  readonly invitations: string;
  readonly sessions: string;
  readonly retention: string;
  readonly persona: string;
  readonly noPersona: string;
  readonly fixedPersona: string;
  readonly failures: string;
  readonly noFailures: string;
  readonly audit: string;
  readonly acts: Readonly<Record<AuditAct, string>>;
  /** Actors without an account: at the sign-in page, or on the command line. */
  readonly nobody: Readonly<Record<"stranger" | "operator", string>>;
  readonly erasedPerson: string;
  readonly apply: string;
  readonly back: string;
}
