// A person's own account: password, sessions, and keys for programs.

import { type Context, Hono } from "hono";
import { AccountPage } from "../../views/page-account.tsx";
import type { Auth } from "../auth/auth.ts";
import type { Passwords } from "../auth/password.ts";
import { hashOf, newKey } from "../auth/secrets.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Quota } from "../chat/quota.ts";
import { type AuditAct, keyScopes, personName } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { rememberBrowser } from "./sign-in.tsx";
import { type Env, fieldsOf, html, personOf, shownFailure, unprocessable, wordsFor } from "./visitor.ts";

export interface AccountDependencies {
  readonly auth: Auth;
  readonly passwords: Passwords;
  readonly store: Pick<Store, "people" | "sessions" | "keys" | "audit">;
  readonly quota: Quota;
  readonly attachments: Attachments;
}

interface AccountNews {
  readonly failure?: Failure;
  /** The last form was done. */
  readonly isDone?: boolean;
  /** A new key, which is shown only once. */
  readonly madeKey?: string;
}

type ShowAccount = (c: Context<Env>, news?: AccountNews) => Promise<Response>;

/** To be mounted at /account. */
export function accountRoutes(dependencies: AccountDependencies): Hono<Env> {
  const show: ShowAccount = (c, news) => accountPage(c, dependencies, news);
  const app = new Hono<Env>();
  app.get("/", (c) => show(c, { isDone: c.req.query("done") !== undefined }));
  app.route("/", passwordRoutes(dependencies, show));
  app.route("/", keyRoutes(dependencies, show));
  app.route("/", sessionRoutes(dependencies));
  return app;
}

async function accountPage(
  c: Context<Env>,
  { auth, store, quota, attachments }: AccountDependencies,
  { failure, isDone = false, madeKey }: AccountNews = {},
): Promise<Response> {
  const person = personOf(c);
  const sessions = (await store.sessions.list()).filter((session) => session.person === person.id);
  const hash = c.env.identity?.session;
  const props = {
    assets: assetPaths,
    words: wordsFor(c),
    person,
    allowance: await quota.allowance(person),
    files: await attachments.usage(person),
    sessions,
    own: hash ? (await store.sessions.find(hash))?.session.id : undefined,
    keys: await store.keys.of(person.id),
    madeKey: madeKey ?? null,
    hasPassword: (await store.people.passwordOf(person.id)) !== null,
    hasSessions: auth.hasSessions,
    failure: failure?.report ?? null,
    isDone,
  };
  return c.html(html(<AccountPage {...props} />));
}

function passwordRoutes({ passwords }: AccountDependencies, show: ShowAccount): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/password", async (c) => {
    const { old = "", password = "" } = await fieldsOf(c);
    const change = { old, wished: password, keep: c.env.identity?.session ?? null };
    try {
      await passwords.change(personOf(c), change, c.env.client);
      await rememberBrowser(c, personOf(c), passwords);
      return c.redirect("/account?done", 303);
    } catch (error) {
      c.status(unprocessable);
      return show(c, { failure: shownFailure(error) });
    }
  });
  return app;
}

function keyRoutes({ store }: AccountDependencies, show: ShowAccount): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/keys", async (c) => {
    const person = personOf(c);
    const fields = await fieldsOf(c);
    const name = personName(fields["name"] ?? "");
    const scopes = keyScopes.filter((scope) => fields[scope] !== undefined);
    if (name === null || scopes.length === 0) {
      c.status(unprocessable);
      const code = name === null ? "bad_name" : "bad_request";
      return show(c, { failure: new Failure(code, { detail: "scope" }) });
    }
    const key = newKey();
    await store.keys.add(hashOf(key), { person: person.id, name, scopes });
    await note(c, store, "key_made", name);
    return show(c, { madeKey: key });
  });

  app.post("/keys/revoke", async (c) => {
    const person = personOf(c);
    const { key = "" } = await fieldsOf(c);
    const name = (await store.keys.of(person.id)).find(({ id }) => id === key)?.name ?? "";
    if (!(await store.keys.revoke(person.id, key))) throw new Failure("not_found");
    await note(c, store, "key_revoked", name);
    return c.redirect("/account?done", 303);
  });

  return app;
}

function sessionRoutes({ store }: AccountDependencies): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/end", async (c) => {
    const person = personOf(c);
    const { session } = await fieldsOf(c);
    const isOwn = (await store.sessions.list()).some(
      ({ id, person: owner }) => id === session && owner === person.id,
    );
    if (!isOwn) throw new Failure("not_found");
    await store.sessions.end(session ?? "");
    return c.redirect("/account?done", 303);
  });

  app.post("/end-others", async (c) => {
    await store.sessions.endAll(personOf(c).id, c.env.identity?.session ?? "");
    await note(c, store, "signed_out_everywhere");
    return c.redirect("/account?done", 303);
  });

  return app;
}

function note(c: Context<Env>, { audit }: AccountDependencies["store"], act: AuditAct, subject?: string) {
  const entry = { actor: personOf(c).id, act, address: c.env.client.address };
  return audit.note(subject === undefined ? entry : { ...entry, subject });
}
