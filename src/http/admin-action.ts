// What the operator's actions have in common: the parts they work with, their shape, their entry in the audit
// log.

import type { Context } from "hono";
import type { Auth } from "../auth/auth.ts";
import type { Passwords } from "../auth/password.ts";
import type { Servers } from "../chat/servers.ts";
import type { Membership } from "../cluster/cluster.ts";
import type { AuditAct } from "../domain/account.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { EnforcedPersona, SettingsResolver } from "../persona/effective-settings.ts";
import type { Queue } from "../runs/queue.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import { type Env, personOf } from "./visitor.ts";

export interface AdminDependencies {
  readonly auth: Auth;
  readonly passwords: Passwords;
  readonly store: Pick<Store, "people" | "sessions" | "audit">;
  readonly runs: Pick<Runs, "stop">;
  readonly queue: Pick<Queue, "now" | "slots" | "load">;
  readonly settings: SettingsResolver;
  readonly enforced: EnforcedPersona;
  readonly servers: Servers;
  upstream(): UpstreamState;
  /** Null where this process is alone. */
  readonly membership: Membership | null;
  sockets(): Readonly<Record<string, number>>;
}

/**
 * Does what a form of the page asks for. Resolves to an invitation's address, which the page shows once;
 * undefined where there is nothing to show.
 */
export type AdminAction = (
  c: Context<Env>,
  fields: Readonly<Record<string, string>>,
) => Promise<string | undefined>;

/** Adds an entry to the audit log, of the admin who sent the request. */
export function noteAct(
  c: Context<Env>,
  { store }: Pick<AdminDependencies, "store">,
  act: AuditAct,
  subject: string,
) {
  return store.audit.note({ actor: personOf(c).id, act, subject, address: c.env.client.address });
}
