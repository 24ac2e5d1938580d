// Invitations: the page behind an invitation's link, and making an account (or setting a password) with it.

import { type Context, Hono } from "hono";
import { InvitationPage } from "../../views/login.tsx";
import type { Auth } from "../auth/auth.ts";
import type { Passwords } from "../auth/password.ts";
import { localPerson } from "../domain/account.ts";
import type { Failure } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { startSession } from "./sign-in.tsx";
import { type Env, fieldsOf, html, shownFailure, unprocessable, wordsFor } from "./visitor.ts";

interface InvitationDependencies {
  readonly auth: Auth;
  readonly passwords: Passwords;
  readonly store: Pick<Store, "people">;
}

/** To be mounted at /invite. */
export function invitationRoutes(dependencies: InvitationDependencies): Hono<Env> {
  const { passwords, store } = dependencies;
  const app = new Hono<Env>();

  const page = async (c: Context<Env>, typed: string, failure: Failure | null) => {
    const invitation = await passwords.invitation(c.req.param("secret") ?? "", c.env.client);
    const props = {
      assets: assetPaths,
      words: wordsFor(c),
      invitation,
      person: invitation.person === null ? null : await store.people.person(invitation.person),
      isFirst: invitation.person === localPerson && !(await store.people.isClaimed()),
      typed,
      failure: failure?.report ?? null,
    };
    return c.html(html(<InvitationPage {...props} />));
  };

  app.get("/:secret", (c) => page(c, "", null));

  app.post("/:secret", async (c) => {
    const { name = "", password = "" } = await fieldsOf(c);
    try {
      const person = await passwords.accept(c.req.param("secret"), { name, password }, c.env.client);
      return await startSession(c, person, "/", dependencies);
    } catch (error) {
      const failure = shownFailure(error);
      if (failure.code === "not_found") throw failure;
      c.status(unprocessable);
      return page(c, name, failure);
    }
  });

  return app;
}
