// The pages and the answers for orchestrators, over plain HTTP. Failures end here as a page (or JSON) with a sentence.

import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { Edit } from "../../views/message.tsx";
import { ChatPage, SentencePage } from "../../views/page.tsx";
import { Articles } from "../../views/thread.tsx";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Chat } from "../chat/chat.ts";
import { isId, type Message, newId } from "../domain/conversation.ts";
import { asFailure, Failure, type FailureCode } from "../domain/failure.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { asset, assetPaths } from "./assets.ts";
import { securityHeaders } from "./guard.ts";

export interface RouteParts {
  readonly chat: Chat;
  readonly log: Log;
  readonly messageMaxBytes: number;
  readonly silentMs: number;
  upstream(): UpstreamState;
  exists(conversation: string): Promise<boolean>;
  /** A message of a conversation that is there; null for any other. */
  messageOf(conversation: string, message: string): Promise<Message | null>;
  /** Rejects when the store can't be written. */
  probeStore(): Promise<void>;
}

/** HTTP's word for a Failure; 500 for all that are not the caller's doing. */
const statusOf: Partial<Record<FailureCode, ContentfulStatusCode>> = {
  not_found: 404,
  bad_request: 400,
  foreign_origin: 403,
  unknown_host: 421,
  too_large: 413,
  too_many_sockets: 429,
  shutting_down: 503,
};

/** Everything that is answered without a WebSocket. */
export function routes({ chat, log, messageMaxBytes, silentMs, upstream, exists, messageOf, probeStore }: RouteParts): Hono {
  const app = new Hono();

  const page = async (conversation: string, acceptLanguage: string | null) => {
    const words = wordsOf(languageOf(acceptLanguage));
    const now = { ...(await chat.thread(conversation)), upstream: upstream() };
    return (
      <ChatPage
        conversation={conversation}
        message={newId()}
        {...now}
        assets={assetPaths}
        messageMaxBytes={messageMaxBytes}
        silentMs={silentMs}
        words={words}
      />
    );
  };
  const html = (body: unknown) => `<!doctype html>${String(body)}`;

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });

  app.get("/", async (c) => c.html(html(await page(newId(), c.req.header("accept-language") ?? null))));

  app.get("/c/:id", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !(await exists(id))) throw new Failure("not_found");
    return c.html(html(await page(id, c.req.header("accept-language") ?? null)));
  });

  app.get("/c/:id/before/:message", async (c) => {
    const { id, message } = c.req.param();
    if (!isId(id) || !isId(message) || !(await exists(id))) throw new Failure("not_found");
    const words = wordsOf(languageOf(c.req.header("accept-language") ?? null));
    return c.html(String(<Articles conversation={id} {...(await chat.thread(id, message))} isEnd={false} words={words} />));
  });

  app.get("/c/:id/edit/:message", async (c) => {
    const { id, message } = c.req.param();
    const found = isId(message) ? await messageOf(id, message) : null;
    if (found?.role !== "user") throw new Failure("not_found");
    return c.html(String(<Edit message={found} words={wordsOf(languageOf(c.req.header("accept-language") ?? null))} />));
  });

  app.get("/assets/*", (c) => {
    const found = asset(c.req.path, c.req.header("accept-encoding") ?? null);
    if (!found) throw new Failure("not_found");
    return found;
  });

  app.get("/favicon.ico", (c) => c.redirect(assetPaths.icon, 302));

  app.get("/healthz", (c) => c.json({ status: "ok" }));

  app.get("/readyz", async (c) => {
    const { status, slots, model, progress } = upstream();
    const storeFault = await probeStore().then(
      () => null,
      (error: unknown) => String(error),
    );
    const reasons = [
      ...(storeFault === null ? [] : [`the store can't be written: ${storeFault}`]),
      ...(status === "ready"
        ? []
        : [status === "loading" ? `llama-server is loading${progress?.line ? `: ${progress.line}` : ""}` : "no llama-server answers"]),
    ];
    return reasons.length === 0 ? c.json({ status: "ready", upstream: { model, slots }, ...chat.load }) : c.json({ status: "waiting", reasons }, 503);
  });

  app.notFound(() => {
    throw new Failure("not_found");
  });

  app.onError((error, c) => {
    const failure = asFailure(error);
    if (failure.code === "internal") log.error("a bug in a request", { path: c.req.path, error: String(error), stack: error.stack });
    return refusal(failure, c.req.raw.headers);
  });
  return app;
}

/** The answer to a request that failed: a page for browsers, JSON for programs. */
export function refusal(failure: Failure, headers: Headers): Response {
  const words = wordsOf(languageOf(headers.get("accept-language")));
  const sentence = sentenceOf(failure.report, words);
  const init = { status: statusOf[failure.code] ?? 500, headers: { ...securityHeaders, "cache-control": "no-store" } };
  if (!headers.get("accept")?.includes("text/html")) return Response.json({ error: { code: failure.code, message: sentence } }, init);
  const body = `<!doctype html>${String(<SentencePage sentence={sentence} assets={assetPaths} words={words} />)}`;
  return new Response(body, { ...init, headers: { ...init.headers, "content-type": "text/html; charset=utf-8" } });
}
