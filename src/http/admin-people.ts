// What an admin changes about people: invitations, roles, limits, removal, sessions.

import {
  isLimit,
  isPersonRole,
  type LimitName,
  type Limits,
  limitBounds,
  type PersonRole,
} from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { type AdminAction, type AdminDependencies, noteAct } from "./admin-action.ts";
import { originOf } from "./visitor.ts";

/** Actions by their path below /admin. */
export function peopleActions(dependencies: AdminDependencies): Readonly<Record<string, AdminAction>> {
  const { passwords } = dependencies;
  const { people, sessions } = dependencies.store;
  return {
    "/invite": async (c, { role, revoke }) => {
      if (revoke !== undefined) {
        await sessions.revoke(revoke);
        await noteAct(c, dependencies, "invitation_revoked", "");
        return undefined;
      }
      const chosen = roleOf(role);
      await noteAct(c, dependencies, "invited", chosen);
      return `${originOf(c)}/invite/${await passwords.invite(chosen)}`;
    },

    "/person": personAction(dependencies),

    "/role": async (c, fields) => {
      const role = roleOf(fields["role"]);
      const typed = limitsIn(fields);
      const before = (await people.roleLimits())[role];
      const limits = Object.fromEntries(
        (Object.keys(limitBounds) as LimitName[]).map((name) => [name, typed[name] ?? null]),
      ) as unknown as Limits;
      await people.setRoleLimits(role, { ...limits, weight: typed.weight ?? before.weight });
      await noteAct(c, dependencies, "limits_changed", role);
      return undefined;
    },

    "/session": async (c, { session = "" }) => {
      const found = (await sessions.list()).find(({ id }) => id === session);
      if (!found) throw new Failure("not_found");
      await sessions.end(session);
      await noteAct(c, dependencies, "session_ended", found.person);
      return undefined;
    },
  };
}

/** Changes one person, as the field `act` says. */
function personAction(dependencies: AdminDependencies): AdminAction {
  const { passwords, store } = dependencies;
  return async (c, fields) => {
    const { person: id = "", act = "" } = fields;
    const person = await store.people.person(id);
    if (!person) throw new Failure("not_found");
    switch (act) {
      case "change": {
        const ownLimits = limitsIn(fields);
        const role = roleOf(fields["role"]);
        await store.people.change(id, { role, ownLimits });
        if (role !== person.role) await noteAct(c, dependencies, "role_changed", id);
        if (!Bun.deepEquals(ownLimits, person.ownLimits))
          await noteAct(c, dependencies, "limits_changed", id);
        return undefined;
      }
      case "link":
        await noteAct(c, dependencies, "invited", id);
        return `${originOf(c)}/invite/${await passwords.invite(person.role, id)}`;
      case "remove":
      case "restore":
        await store.people.change(id, { removed: act === "remove" });
        await noteAct(c, dependencies, act === "remove" ? "person_removed" : "person_restored", id);
        return undefined;
      case "erase":
        if (fields["name"]?.trim() !== person.name) throw new Failure("bad_request", { detail: person.name });
        await store.people.erase(id);
        await noteAct(c, dependencies, "person_erased", id);
        return undefined;
      default:
        throw new Failure("bad_request", { detail: "act" });
    }
  };
}

/** @throws Failure `bad_request` */
function roleOf(value: string | undefined): PersonRole {
  if (!isPersonRole(value)) throw new Failure("bad_request", { detail: "role" });
  return value;
}

/** A form's limits; an empty field is no limit. @throws Failure `bad_limit` */
function limitsIn(fields: Readonly<Record<string, string>>): Partial<Limits> {
  const limits = (Object.keys(limitBounds) as LimitName[]).flatMap((name) => {
    const typed = fields[name]?.trim().replace(",", ".") ?? "";
    if (typed === "") return [];
    const [least, most] = limitBounds[name];
    if (!isLimit(name, Number(typed))) throw new Failure("bad_limit", { name, least, most });
    return [[name, Number(typed)]];
  });
  return Object.fromEntries(limits) as Partial<Limits>;
}
