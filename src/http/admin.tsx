// The operator's page and what it does. Every route asks for an admin; every act is noted. Part of http/routes.

import type { Context, Hono } from "hono";
import { AdminPage, Now } from "../../views/admin.tsx";
import { ServerLog } from "../../views/admin-servers.tsx";
import type { Auth } from "../auth/auth.ts";
import type { Passwords } from "../auth/password.ts";
import type { EnforcedPersona, SettingsResolver } from "../chat/effective-settings.ts";
import type { Runs } from "../chat/runs.ts";
import type { Servers } from "../chat/servers.ts";
import {
  type AuditAct,
  isLimit,
  isPersonRole,
  type LimitName,
  type Limits,
  limitBounds,
  type Person,
  type PersonRole,
} from "../domain/account.ts";
import { asFailure, Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { type Env, fieldsOf, html, originOf, personOf, wordsFor } from "./visitor.ts";

export interface AdminParts {
  readonly auth: Auth;
  readonly passwords: Passwords;
  readonly store: Pick<Store, "people" | "sessions" | "audit">;
  readonly runs: Runs;
  readonly settings: SettingsResolver;
  readonly enforced: EnforcedPersona;
  readonly servers: Servers;
  upstream(): UpstreamState;
  sockets(): Readonly<Record<string, number>>;
}

/** Failures and acts that the page shows. */
const [failuresShown, actsShown] = [20, 100];

/** Adds the operator's routes. */
export function adminRoutes(app: Hono<Env>, parts: AdminParts): void {
  const { auth, passwords, runs, settings, enforced, servers, upstream, sockets } = parts;
  const { people, sessions, audit } = parts.store;

  const note = (c: Context<Env>, act: AuditAct, subject: string) =>
    audit.note({ actor: personOf(c).id, act, subject, address: c.env.client.address });
  const now = async (c: Context<Env>) => {
    const owners = await Promise.all(
      [...new Set(runs.now.map(({ owner }) => owner))].map((id) => people.person(id)),
    );
    return {
      servers: servers.now,
      slots: runs.slots,
      foreignSlots: upstream().foreignSlots,
      runs: runs.now,
      sockets: sockets(),
      nameOf: naming(owners.filter((each) => each !== null)),
      words: wordsFor(c),
    };
  };
  const page = async (
    c: Context<Env>,
    { made = null, failure = null }: { made?: string | null; failure?: Failure | null } = {},
  ) => {
    const everybody = await people.list();
    const found = {
      ...(await now(c)),
      nameOf: naming(everybody),
      people: everybody,
      roleLimits: await people.roleLimits(),
      sessions: await sessions.list(),
      invitations: await sessions.invitations(),
      personas: await settings.all(),
      failed: await audit.failedRuns(failuresShown),
      audit: await audit.latest(actsShown),
    };
    const given = {
      made,
      failure: failure?.report ?? null,
      enforced: enforced.now,
      isFixed: enforced.isFixed,
      areServersFixed: servers.areFixed,
      assets: assetPaths,
    };
    return c.html(html(<AdminPage {...found} {...given} hasPasswords={auth.mode === "password"} />));
  };
  /** Does what a form wishes; what it can't be is said on the page. */
  const act = (
    path: string,
    work: (
      c: Context<Env>,
      fields: Readonly<Record<string, string>>,
    ) => Promise<Response | string | undefined>,
  ) =>
    app.post(path, async (c) => {
      try {
        const result = await work(c, await fieldsOf(c));
        if (result instanceof Response) return result;
        return result === undefined ? c.redirect("/admin", 303) : await page(c, { made: result });
      } catch (error) {
        const failure = asFailure(error);
        if (failure.code === "internal") throw error;
        c.status(failure.code === "not_found" ? 404 : 422);
        return page(c, { failure });
      }
    });

  app.use("/admin/*", async (c, next) => {
    if (personOf(c).role !== "admin") throw new Failure("not_admin");
    await next();
  });

  app.get("/admin", (c) => page(c));
  app.get("/admin/now", async (c) => c.html(String(<Now {...(await now(c))} />)));

  app.get("/admin/log", (c) =>
    c.html(String(<ServerLog lines={servers.logOf(c.req.query("of") ?? "")} words={wordsFor(c)} />)),
  );

  act("/admin/servers", async (c, { add, remove }) => {
    if (remove !== undefined) await servers.remove(remove);
    else await servers.add(add ?? "");
    await note(c, "upstreams_changed", "");
    return undefined;
  });

  act("/admin/stop", async (c, { run = "" }) => {
    const owner = runs.now.find((each) => each.run === run)?.owner;
    if (!owner || !runs.stop({ id: run })) throw new Failure("not_found");
    await note(c, "run_stopped", owner);
    return undefined;
  });

  act("/admin/invite", async (c, { role, revoke }) => {
    if (revoke !== undefined) {
      await sessions.revoke(revoke);
      await note(c, "invitation_revoked", "");
      return undefined;
    }
    const wished = roleOf(role);
    await note(c, "invited", wished);
    return `${originOf(c)}/invite/${await passwords.invite(wished)}`;
  });

  act("/admin/person", async (c, fields) => {
    const { person: id = "", role } = fields;
    const known = await people.person(id);
    if (!known) throw new Failure("not_found");
    switch (fields["act"]) {
      case "change": {
        const ownLimits = limitsOf(fields);
        await people.change(id, { role: roleOf(role), ownLimits });
        if (role !== known.role) await note(c, "role_changed", id);
        if (!Bun.deepEquals(ownLimits, known.ownLimits)) await note(c, "limits_changed", id);
        return undefined;
      }
      case "link":
        await note(c, "invited", id);
        return `${originOf(c)}/invite/${await passwords.invite(known.role, id)}`;
      case "remove":
      case "restore":
        await people.change(id, { removed: fields["act"] === "remove" });
        await note(c, fields["act"] === "remove" ? "person_removed" : "person_restored", id);
        return undefined;
      case "erase":
        if (fields["name"]?.trim() !== known.name) throw new Failure("bad_request", { detail: known.name });
        await people.erase(id);
        await note(c, "person_erased", id);
        return undefined;
      default:
        throw new Failure("bad_request", { detail: "act" });
    }
  });

  act("/admin/role", async (c, fields) => {
    const role = roleOf(fields["role"]);
    const given = limitsOf(fields);
    const standing = (await people.roleLimits())[role];
    const limits = Object.fromEntries(
      (Object.keys(limitBounds) as LimitName[]).map((name) => [name, given[name] ?? null]),
    ) as unknown as Limits;
    await people.setRoleLimits(role, { ...limits, weight: given.weight ?? standing.weight });
    await note(c, "limits_changed", role);
    return undefined;
  });

  act("/admin/persona", async (c, { persona = "" }) => {
    if (enforced.isFixed) throw new Failure("bad_request", { detail: "--enforce-persona" });
    const wished = persona === "" ? null : persona;
    await settings.check({ persona: wished, sampling: {} });
    await enforced.set(wished);
    await note(c, "persona_enforced", persona);
    return undefined;
  });

  act("/admin/session", async (c, { session = "" }) => {
    const found = (await sessions.list()).find(({ id }) => id === session);
    if (!found) throw new Failure("not_found");
    await sessions.end(session);
    await note(c, "session_ended", found.person);
    return undefined;
  });
}

/** Names by id; null for those who are not among them. */
function naming(people: readonly Pick<Person, "id" | "name">[]): (person: PersonId | null) => string | null {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  return (person) => names.get(person ?? "") ?? null;
}

function roleOf(value: string | undefined): PersonRole {
  if (!isPersonRole(value)) throw new Failure("bad_request", { detail: "role" });
  return value;
}

/** A form's limits: an empty field is none. @throws Failure `bad_limit` */
function limitsOf(fields: Readonly<Record<string, string>>): Partial<Limits> {
  const given = (Object.keys(limitBounds) as LimitName[]).flatMap((name) => {
    const typed = fields[name]?.trim().replace(",", ".") ?? "";
    if (typed === "") return [];
    const [least, most] = limitBounds[name];
    if (!isLimit(name, Number(typed))) throw new Failure("bad_limit", { name, least, most });
    return [[name, Number(typed)]];
  });
  return Object.fromEntries(given) as Partial<Limits>;
}
