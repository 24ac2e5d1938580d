// Every page and form over plain HTTP, put together from one sub-app per area. Failures end here as a page
// (or JSON) with a sentence.

import { type ErrorHandler, Hono } from "hono";
import { Failure, type Refuse } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";
import { type AccountDependencies, accountRoutes } from "./account.tsx";
import { adminRoutes } from "./admin.tsx";
import type { AdminDependencies } from "./admin-action.ts";
import { assetRoutes } from "./assets.ts";
import { pathInside, urlOf } from "./base.ts";
import { type CollectionDependencies, collectionRoutes } from "./collections.ts";
import { type ConversationDependencies, conversationRoutes } from "./conversations.tsx";
import { fileRoutes } from "./files.ts";
import { fragmentRoutes } from "./fragments.tsx";
import { invitationRoutes } from "./invitations.tsx";
import { type LibraryDependencies, libraryRoutes } from "./library.tsx";
import { boundForms, finishAnswer, requirePerson, requireScope } from "./middleware.ts";
import { type OpsDependencies, opsRoutes } from "./ops.ts";
import { refusal } from "./refusal.tsx";
import { shareRoutes } from "./share.tsx";
import { type SignInDependencies, signInRoutes } from "./sign-in.tsx";
import { sourceRoutes } from "./sources.tsx";
import { type ImportBounds, transferRoutes } from "./transfer.tsx";
import type { Env } from "./visitor.ts";

interface RouteDependencies
  extends ConversationDependencies,
    CollectionDependencies,
    SignInDependencies,
    AccountDependencies,
    AdminDependencies,
    LibraryDependencies,
    OpsDependencies {
  readonly store: Store;
  readonly importing: ImportBounds;
}

/** Everything that is answered without a WebSocket. */
export function routes(dependencies: RouteDependencies): Hono<Env> {
  const app = new Hono<Env>({
    getPath: (request) => pathInside(urlOf(request).pathname, dependencies.basePath),
  });
  app.use(finishAnswer(dependencies.basePath));
  app.use(requirePerson);
  for (const path of ["/files/*", "/collections/*"]) app.use(path, requireScope("documents"));
  app.use(boundForms(dependencies));
  app.route("/", conversationRoutes(dependencies));
  app.route("/", fragmentRoutes(dependencies));
  app.route("/", sourceRoutes(dependencies));
  app.route("/", transferRoutes(dependencies));
  app.route("/", fileRoutes(dependencies));
  app.route("/collections", collectionRoutes(dependencies));
  app.route("/documents", libraryRoutes(dependencies));
  app.route("/", assetRoutes());
  app.route("/", opsRoutes(dependencies));
  app.route("/", signInRoutes(dependencies));
  app.route("/invite", invitationRoutes(dependencies));
  app.route("/account", accountRoutes(dependencies));
  app.route("/", shareRoutes(dependencies));
  app.route("/admin", adminRoutes(dependencies));
  app.notFound(() => {
    throw new Failure("not_found");
  });
  app.onError(answerFailure(dependencies));
  return app;
}

/** Leads a person who is not signed in to the sign-in page; answers any other failure with its sentence. */
function answerFailure({
  refuse,
  auth,
}: {
  refuse: Refuse;
  auth: SignInDependencies["auth"];
}): ErrorHandler<Env> {
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
