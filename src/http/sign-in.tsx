// Signing in and out: with a password, or at an OpenID provider.

import { type Context, Hono } from "hono";
import { SignInPage } from "../../views/login.tsx";
import type { Auth } from "../auth/auth.ts";
import { callbackPath, type Oidc } from "../auth/oidc.ts";
import type { Passwords } from "../auth/password.ts";
import type { Person } from "../domain/account.ts";
import { Failure, statusOf } from "../domain/failure.ts";
import { assetPaths } from "./assets.ts";
import { urlOf } from "./base.ts";
import { type Env, fieldsOf, html, localPath, originOf, shownFailure, wordsFor } from "./visitor.ts";

export interface SignInDependencies {
  readonly auth: Auth;
  readonly passwords: Passwords;
  /** null: people do not sign in at a provider. */
  readonly oidc: Oidc | null;
}

export function signInRoutes(dependencies: SignInDependencies): Hono<Env> {
  const { auth, passwords } = dependencies;
  const app = new Hono<Env>();

  app.get("/login", (c) => {
    const to = localPath(c.req.query("to"));
    if (c.env.identity || !auth.hasSessions) return c.redirect(to, 302);
    return signInPage(c, auth, { to });
  });

  app.post("/login", async (c) => {
    if (auth.mode !== "password") throw new Failure("not_found");
    const { name = "", password = "", to } = await fieldsOf(c);
    const browser = c.req.header("cookie") ?? null;
    try {
      const person = await passwords.check(name, password, c.env.client, { browser });
      return await startSession(c, person, localPath(to), dependencies);
    } catch (error) {
      const failure = shownFailure(error);
      c.status(failure.code === "too_many_attempts" ? 429 : 401);
      return signInPage(c, auth, { to: localPath(to), name, failure });
    }
  });

  app.post("/logout", async (c) => {
    c.header("set-cookie", await auth.signOut(c.req.raw.headers, c.env.client));
    return c.redirect("/login", 303);
  });

  return app.route("/", providerRoutes(dependencies));
}

/** Opens a session for a person who gave a password, and leads the browser to `to`. */
export async function startSession(
  c: Context<Env>,
  person: Person,
  to: string,
  { auth, passwords }: Pick<SignInDependencies, "auth" | "passwords">,
): Promise<Response> {
  c.header("set-cookie", await auth.signIn(person, c.req.raw.headers, c.env.client));
  await rememberBrowser(c, person, passwords);
  return c.redirect(to, 303);
}

/** Marks the browser as one from which this person has signed in (see auth/password.ts). */
export async function rememberBrowser(c: Context<Env>, person: Person, passwords: Passwords): Promise<void> {
  const cookie = await passwords.rememberBrowser(person.id, c.env.client);
  if (cookie !== null) c.header("set-cookie", cookie, { append: true });
}

/** To the OpenID provider, and back from it. */
function providerRoutes({ auth, oidc }: SignInDependencies): Hono<Env> {
  const app = new Hono<Env>();
  const showFailure = (c: Context<Env>, failure: Failure, to: string) => {
    c.status(statusOf(failure));
    return signInPage(c, auth, { to, failure });
  };

  app.get("/login/start", async (c) => {
    if (!oidc) throw new Failure("not_found");
    const to = localPath(c.req.query("to"));
    const cookie = c.req.header("cookie") ?? null;
    try {
      const { address, cookies } = await oidc.start(originOf(c), to, cookie, c.env.client.isSecure);
      for (const each of cookies) c.header("set-cookie", each, { append: true });
      return c.redirect(address, 302);
    } catch (error) {
      return showFailure(c, shownFailure(error), to);
    }
  });

  app.get(callbackPath, async (c) => {
    if (!oidc) throw new Failure("not_found");
    const address = originOf(c) + c.req.path + urlOf(c.req.raw).search;
    const cookies = c.req.header("cookie") ?? null;
    // the callback was reloaded by a person who is signed in already
    if (c.env.identity && !oidc.isUnderWay(address, cookies)) return c.redirect("/", 302);
    try {
      const { subject, names, to, cookie } = await oidc.finish(address, cookies, c.env.client.isSecure);
      const person = await auth.personOfProvider(subject, names);
      c.header("set-cookie", cookie);
      c.header("set-cookie", await auth.signIn(person, c.req.raw.headers, c.env.client), { append: true });
      // not a redirect: the session's cookie is SameSite, and this navigation began at another site
      return c.html(html(<meta http-equiv="refresh" content={`0;url=${localPath(to)}`} />));
    } catch (error) {
      return showFailure(c, shownFailure(error), "/");
    }
  });

  return app;
}

interface SignInPageOptions {
  /** Where the browser goes after signing in. */
  readonly to: string;
  /** The name that was typed. */
  readonly name?: string;
  readonly failure?: Failure;
}

function signInPage(c: Context<Env>, auth: Auth, { to, name = "", failure }: SignInPageOptions) {
  const props = { assets: assetPaths, words: wordsFor(c), mode: auth.mode, to, name };
  return c.html(html(<SignInPage {...props} failure={failure?.report ?? null} />));
}
