// Coming in and going out: the sign-in page, invitations, the way to an OpenID provider and back, one's own account. Part of http/routes.

import type { Context, Hono } from "hono";
import { AccountPage } from "../../views/account.tsx";
import { InvitationPage, SignInPage } from "../../views/login.tsx";
import { type Auth, hashOf, newKey } from "../auth/auth.ts";
import { callbackPath, type Oidc } from "../auth/oidc.ts";
import type { Passwords } from "../auth/password.ts";
import type { Quota } from "../chat/quota.ts";
import { keyScopes, localPerson, type Person, personName } from "../domain/account.ts";
import { asFailure, Failure, statusOf } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { urlOf } from "./base.ts";
import { type Env, fieldsOf, html, localPath, originOf, personOf, wordsFor } from "./visitor.ts";

export interface LoginParts {
  readonly auth: Auth;
  readonly passwords: Passwords;
  readonly oidc: Oidc | null;
  readonly store: Pick<Store, "people" | "sessions" | "keys" | "usage" | "audit">;
  readonly quota: Quota;
}

/** Status of a page that shows what went wrong with what was just sent (RFC 9110 §15.5.21). */
const unprocessable = 422;

/** Adds the routes of signing in and of one's own account. */
export function loginRoutes(app: Hono<Env>, { auth, passwords, oidc, store, quota }: LoginParts): void {
  const shell = (c: Context<Env>) => ({ assets: assetPaths, words: wordsFor(c) });
  const rememberBrowser = async (c: Context<Env>, person: Person) => {
    const cookie = await passwords.rememberBrowser(person.id, c.env.client);
    if (cookie !== null) c.header("set-cookie", cookie, { append: true });
  };
  const enter = async (c: Context<Env>, person: Person, to: string) => {
    c.header("set-cookie", await auth.signIn(person, c.req.raw.headers, c.env.client));
    await rememberBrowser(c, person);
    return c.redirect(to, 303);
  };
  /** Draws the page again with what went wrong; what is a bug goes on. */
  const failed = (error: unknown): Failure => {
    const failure = asFailure(error);
    if (failure.code === "internal") throw error;
    return failure;
  };

  /** The page of signing in again, with what went wrong. */
  const refusedByProvider = (c: Context<Env>, failure: Failure, to: string) => {
    c.status(statusOf(failure));
    return c.html(
      html(<SignInPage {...shell(c)} mode={auth.mode} to={to} name="" failure={failure.report} />),
    );
  };

  app.get("/login", (c) => {
    const to = localPath(c.req.query("to"));
    if (c.env.known || !auth.hasSessions) return c.redirect(to, 302);
    return c.html(html(<SignInPage {...shell(c)} mode={auth.mode} to={to} name="" failure={null} />));
  });

  app.post("/login", async (c) => {
    if (auth.mode !== "password") throw new Failure("not_found");
    const { name = "", password = "", to } = await fieldsOf(c);
    try {
      return await enter(
        c,
        await passwords.check(name, password, c.env.client, { browser: c.req.header("cookie") ?? null }),
        localPath(to),
      );
    } catch (error) {
      const failure = failed(error);
      c.status(failure.code === "too_many_attempts" ? 429 : 401);
      return c.html(
        html(
          <SignInPage
            {...shell(c)}
            mode={auth.mode}
            to={localPath(to)}
            name={name}
            failure={failure.report}
          />,
        ),
      );
    }
  });

  app.post("/logout", async (c) => {
    c.header("set-cookie", await auth.signOut(c.req.raw.headers, c.env.client));
    return c.redirect("/login", 303);
  });

  app.get("/login/start", async (c) => {
    if (!oidc) throw new Failure("not_found");
    const to = localPath(c.req.query("to"));
    try {
      const { address, cookies } = await oidc.start(
        originOf(c),
        to,
        c.req.header("cookie") ?? null,
        c.env.client.isSecure,
      );
      for (const cookie of cookies) c.header("set-cookie", cookie, { append: true });
      return c.redirect(address, 302);
    } catch (error) {
      return refusedByProvider(c, failed(error), to);
    }
  });

  app.get(callbackPath, async (c) => {
    if (!oidc) throw new Failure("not_found");
    const address = originOf(c) + c.req.path + urlOf(c.req.raw).search;
    const cookies = c.req.header("cookie") ?? null;
    if (c.env.known && !oidc.isUnderWay(address, cookies)) return c.redirect("/", 302); // reloaded, by somebody who is in
    try {
      const { subject, names, to, cookie } = await oidc.finish(address, cookies, c.env.client.isSecure);
      const person = await auth.vouched(subject, names);
      c.header("set-cookie", cookie);
      c.header("set-cookie", await auth.signIn(person, c.req.raw.headers, c.env.client), { append: true });
      // not a redirect: the cookie is SameSite, and this navigation began at another site
      return c.html(html(<meta http-equiv="refresh" content={`0;url=${localPath(to)}`} />));
    } catch (error) {
      return refusedByProvider(c, failed(error), "/");
    }
  });

  const invitationPage = async (c: Context<Env>, typed: string, failure: Failure | null) => {
    const invitation = await passwords.invitation(c.req.param("secret") ?? "", c.env.client);
    const person = invitation.person === null ? null : await store.people.person(invitation.person);
    const isFirst = invitation.person === localPerson && !(await store.people.isClaimed());
    return c.html(
      html(
        <InvitationPage
          {...shell(c)}
          invitation={invitation}
          person={person}
          isFirst={isFirst}
          typed={typed}
          failure={failure?.report ?? null}
        />,
      ),
    );
  };

  app.get("/invite/:secret", (c) => invitationPage(c, "", null));

  app.post("/invite/:secret", async (c) => {
    const { name = "", password = "" } = await fieldsOf(c);
    try {
      return await enter(
        c,
        await passwords.accept(c.req.param("secret"), { name, password }, c.env.client),
        "/",
      );
    } catch (error) {
      const failure = failed(error);
      if (failure.code === "not_found") throw failure;
      c.status(unprocessable);
      return invitationPage(c, name, failure);
    }
  });

  type AccountNews = { failure?: Failure | null; isDone?: boolean; madeKey?: string | null };
  const accountPage = async (
    c: Context<Env>,
    { failure = null, isDone = false, madeKey = null }: AccountNews = {},
  ) => {
    const person = personOf(c);
    const sessions = (await store.sessions.list()).filter((session) => session.person === person.id);
    const own = c.env.known?.session
      ? (await store.sessions.find(c.env.known.session))?.session.id
      : undefined;
    const keys = await store.keys.of(person.id);
    const now = {
      person,
      allowance: await quota.allowance(person),
      sessions,
      own,
      keys,
      madeKey,
      hasPassword: (await store.people.passwordOf(person.id)) !== null,
    };
    return c.html(
      html(
        <AccountPage
          {...shell(c)}
          {...now}
          hasSessions={auth.hasSessions}
          failure={failure?.report ?? null}
          isDone={isDone}
        />,
      ),
    );
  };

  app.get("/account", (c) => accountPage(c, { isDone: c.req.query("done") !== undefined }));

  app.post("/account/password", async (c) => {
    const { old = "", password = "" } = await fieldsOf(c);
    try {
      await passwords.change(
        personOf(c),
        { old, wished: password, keep: c.env.known?.session ?? null },
        c.env.client,
      );
      await rememberBrowser(c, personOf(c));
      return c.redirect("/account?done", 303);
    } catch (error) {
      c.status(unprocessable);
      return accountPage(c, { failure: failed(error) });
    }
  });

  app.post("/account/keys", async (c) => {
    const person = personOf(c);
    const fields = await fieldsOf(c);
    const name = personName(fields["name"] ?? "");
    const scopes = keyScopes.filter((scope) => fields[scope] !== undefined);
    if (name === null || scopes.length === 0) {
      c.status(unprocessable);
      return accountPage(c, {
        failure: new Failure(name === null ? "bad_name" : "bad_request", { detail: "scope" }),
      });
    }
    const key = newKey();
    await store.keys.add(hashOf(key), { person: person.id, name, scopes });
    await store.audit.note({
      actor: person.id,
      act: "key_made",
      subject: name,
      address: c.env.client.address,
    });
    return accountPage(c, { madeKey: key });
  });

  app.post("/account/keys/revoke", async (c) => {
    const person = personOf(c);
    const { key = "" } = await fieldsOf(c);
    const name = (await store.keys.of(person.id)).find(({ id }) => id === key)?.name ?? "";
    if (!(await store.keys.revoke(person.id, key))) throw new Failure("not_found");
    await store.audit.note({
      actor: person.id,
      act: "key_revoked",
      subject: name,
      address: c.env.client.address,
    });
    return c.redirect("/account?done", 303);
  });

  app.post("/account/end", async (c) => {
    const person = personOf(c);
    const { session } = await fieldsOf(c);
    const isOwn = (await store.sessions.list()).some(
      ({ id, person: owner }) => id === session && owner === person.id,
    );
    if (!isOwn) throw new Failure("not_found");
    await store.sessions.end(session ?? "");
    return c.redirect("/account?done", 303);
  });

  app.post("/account/end-others", async (c) => {
    const person = personOf(c);
    await store.sessions.endAll(person.id, c.env.known?.session ?? "");
    await store.audit.note({
      actor: person.id,
      act: "signed_out_everywhere",
      address: c.env.client.address,
    });
    return c.redirect("/account?done", 303);
  });
}
