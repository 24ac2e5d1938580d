// The operator's page. Every route below /admin requires an admin, and every change is noted in the audit
// log.

import { type Context, Hono } from "hono";
import { AdminPage } from "../../views/admin.tsx";
import { Now } from "../../views/admin-now.tsx";
import { ServerLog } from "../../views/admin-servers.tsx";
import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import type { AdminDependencies } from "./admin-action.ts";
import { operationActions } from "./admin-operation.ts";
import { peopleActions } from "./admin-people.ts";
import { assetPaths } from "./assets.ts";
import { type Env, fieldsOf, html, personOf, shownFailure, wordsFor } from "./visitor.ts";

/** Most failures, and most entries of the audit log, that the page shows. */
const [failuresShown, auditEntriesShown] = [20, 100];

/** To be mounted at /admin. */
export function adminRoutes(dependencies: AdminDependencies): Hono<Env> {
  const { servers } = dependencies;
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    if (personOf(c).role !== "admin") throw new Failure("not_admin");
    await next();
  });

  app.get("/", (c) => adminPage(c, dependencies));
  app.get("/now", async (c) => c.html(String(<Now {...(await nowProps(c, dependencies))} />)));
  app.get("/log", (c) =>
    c.html(String(<ServerLog lines={servers.logOf(c.req.query("of") ?? "")} words={wordsFor(c)} />)),
  );

  const actions = { ...operationActions(dependencies), ...peopleActions(dependencies) };
  for (const [path, action] of Object.entries(actions))
    app.post(path, async (c) => {
      try {
        const invitation = await action(c, await fieldsOf(c));
        return invitation === undefined
          ? c.redirect("/admin", 303)
          : await adminPage(c, dependencies, { invitation });
      } catch (error) {
        const failure = shownFailure(error);
        c.status(failure.code === "not_found" ? 404 : 422);
        return adminPage(c, dependencies, { failure });
      }
    });

  return app;
}

/** What the page shows of the present moment, and reloads by itself. */
async function nowProps(c: Context<Env>, dependencies: AdminDependencies) {
  const { store, queue, servers, upstream, sockets, membership } = dependencies;
  const owners = await Promise.all(
    [...new Set(queue.now.map(({ owner }) => owner))].map((id) => store.people.person(id)),
  );
  return {
    servers: servers.now,
    special: servers.special,
    slots: queue.slots,
    foreignSlots: upstream().foreignSlots,
    runs: queue.now,
    sockets: sockets(),
    membership: membership && {
      processes: membership.processes,
      ...{ leader: membership.leader, term: membership.term },
    },
    nameOf: nameLookup(owners.filter((owner) => owner !== null)),
    words: wordsFor(c),
  };
}

async function adminPage(
  c: Context<Env>,
  dependencies: AdminDependencies,
  news: { invitation?: string; failure?: Failure } = {},
): Promise<Response> {
  const { auth, enforced, servers, settings } = dependencies;
  const { people, sessions, audit } = dependencies.store;
  const everybody = await people.list();
  const props = {
    ...(await nowProps(c, dependencies)),
    nameOf: nameLookup(everybody),
    people: everybody,
    roleLimits: await people.roleLimits(),
    sessions: await sessions.list(),
    invitations: await sessions.invitations(),
    personas: await settings.all(),
    failed: await audit.failedRuns(failuresShown),
    audit: await audit.latest(auditEntriesShown),
    made: news.invitation ?? null,
    failure: news.failure?.report ?? null,
    enforced: enforced.now,
    isFixed: enforced.isFixed,
    areServersFixed: servers.areFixed,
    assets: assetPaths,
    hasPasswords: auth.mode === "password",
  };
  return c.html(html(<AdminPage {...props} />));
}

/** Finds names by id; null for people who are not in the list. */
function nameLookup(
  people: readonly Pick<Person, "id" | "name">[],
): (person: PersonId | null) => string | null {
  const names = new Map(people.map(({ id, name }) => [id, name]));
  return (person) => names.get(person ?? "") ?? null;
}
