// Every page and form over plain HTTP, put together from one sub-app per area. Failures end here as a page
// (or JSON) with a sentence.

import { type ErrorHandler, Hono } from "hono";
import type { ReadBody } from "../domain/body.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import { type AccountParts, accountRoutes } from "./account.tsx";
import { adminRoutes } from "./admin.tsx";
import type { AdminParts } from "./admin-action.ts";
import { assetRoutes } from "./assets.ts";
import { pathInside, urlOf } from "./base.ts";
import { type ConversationParts, conversationRoutes } from "./conversations.tsx";
import { fragmentRoutes } from "./fragments.tsx";
import { invitationRoutes } from "./invitations.tsx";
import { boundForms, finishAnswer, requirePerson } from "./middleware.ts";
import { type OpsParts, opsRoutes } from "./ops.ts";
import { refusal } from "./refusal.tsx";
import { shareRoutes } from "./share.tsx";
import { type SignInParts, signInRoutes } from "./sign-in.tsx";
import { type ImportBounds, transferRoutes } from "./transfer.tsx";
import type { Env } from "./visitor.ts";

interface RouteParts
  extends ConversationParts,
    SignInParts,
    AccountParts,
    AdminParts,
    Omit<OpsParts, "queue"> {
  readonly store: Store;
  readonly importing: ImportBounds;
  /** Largest form of people who are signed in, in bytes. */
  readonly formMaxBytes: number;
  readonly readBody: ReadBody;
}

/** Everything that is answered without a WebSocket. */
export function routes(parts: RouteParts): Hono<Env> {
  const app = new Hono<Env>({ getPath: (request) => pathInside(urlOf(request).pathname, parts.basePath) });
  app.use(finishAnswer(parts.basePath));
  app.use(requirePerson);
  app.use(boundForms(parts));
  app.route("/", conversationRoutes(parts));
  app.route("/", fragmentRoutes(parts));
  app.route("/", transferRoutes(parts));
  app.route("/", assetRoutes());
  app.route("/", opsRoutes(parts));
  app.route("/", signInRoutes(parts));
  app.route("/invite", invitationRoutes(parts));
  app.route("/account", accountRoutes(parts));
  app.route("/", shareRoutes(parts));
  app.route("/admin", adminRoutes(parts));
  app.notFound(() => {
    throw new Failure("not_found");
  });
  app.onError(answerFailure(parts));
  return app;
}

/** Leads a person who is not signed in to the sign-in page; answers any other failure with its sentence. */
function answerFailure({ refuse, auth }: { refuse: Refuse; auth: SignInParts["auth"] }): ErrorHandler<Env> {
  return (error, c) => {
    const failure = refuse(error, { path: c.req.path });
    const isPage =
      c.req.method === "GET" &&
      c.req.header("accept")?.includes("text/html") &&
      c.req.header("hx-request") === undefined;
    if (failure.code === "not_signed_in" && isPage && auth.hasSessions)
      return c.redirect(`/login?to=${encodeURIComponent(c.req.path + urlOf(c.req.raw).search)}`, 302);
    return refusal(failure, c.req.raw.headers, "");
  };
}
