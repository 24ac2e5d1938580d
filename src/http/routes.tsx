// The pages and the answers for orchestrators, over plain HTTP. Failures end here as a page (or JSON) with a sentence.

import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { FoundList } from "../../views/found.tsx";
import { listPageMax, Menu, OlderGroups } from "../../views/list.tsx";
import { inWords } from "../../views/markdown/marks.ts";
import { Edit } from "../../views/message.tsx";
import { ChatPage, SentencePage } from "../../views/page.tsx";
import { Articles } from "../../views/thread.tsx";
import { SettingsPanel } from "../../views/voice.tsx";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Bus } from "../bus/bus.ts";
import type { Chat } from "../chat/chat.ts";
import { commandOf, obey } from "../chat/command.ts";
import type { Shelf } from "../chat/shelf.ts";
import { type Conversation, isId, isTemporary, newId, newTemporaryId } from "../domain/conversation.ts";
import { asFailure, Failure, type FailureCode, type FailureReport } from "../domain/failure.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { asset, assetPaths } from "./assets.ts";
import { growingPage, textPlace } from "./growing.ts";
import { securityHeaders } from "./guard.ts";
import { transferRoutes } from "./transfer.tsx";

export interface RouteParts {
  readonly chat: Chat;
  readonly store: Store;
  readonly shelf: Shelf;
  readonly bus: Bus;
  readonly importMaxBytes: number;
  readonly log: Log;
  readonly messageMaxBytes: number;
  readonly silentMs: number;
  upstream(): UpstreamState;
}

/** Longest search, in UTF-16 units, and most that is shown of what it finds. */
const queryMaxChars = 200;
const foundMax = 30;

interface PageWishes {
  readonly isNew?: boolean;
  readonly through?: string | null;
  readonly typed?: string;
  readonly notice?: FailureReport | null;
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
  store_unwritable: 503,
};

/** Everything that is answered without a WebSocket. */
export function routes({ chat, log, messageMaxBytes, silentMs, importMaxBytes, upstream, store, shelf, bus }: RouteParts): Hono {
  const app = new Hono();

  const wordsFor = (c: Context) => wordsOf(languageOf(c.req.header("accept-language") ?? null));
  const page = async (c: Context, conversation: string, { isNew = false, through = null, typed = "", notice = null }: PageWishes = {}) => {
    const thread = await chat.thread(conversation, through === null ? {} : { through });
    const voice = isNew ? await firstVoice(c) : thread.voice;
    const now = { ...thread, voice, choices: isNew ? await chat.voices.choices() : [], list: await store.list({ limit: listPageMax }) };
    const isPlain = c.req.query("plain") !== undefined;
    const [snapshot] = thread.live;
    const grows = isPlain && snapshot !== undefined;
    const given = { conversation, through, typed, notice, isPlain, isTemporary: isTemporary(conversation), message: newId(), now: Date.now() };
    const ours = { upstream: upstream(), assets: assetPaths, messageMaxBytes, silentMs, words: wordsFor(c) };
    const place = grows ? { drawn: () => ({ text: textPlace, reasoning: "" }) } : {};
    const whole = html(<ChatPage {...now} {...given} {...ours} {...place} />);
    // what happened since the thread was read is in the snapshot that is taken now
    const latest = grows ? chat.live(conversation).find(({ run }) => run === snapshot.run) : undefined;
    if (!latest) return c.html(whole.replace(textPlace, ""));
    c.header("content-type", "text/html; charset=utf-8");
    return c.body(growingPage({ bus, conversation, html: whole, snapshot: latest, inWords: (part) => inWords(part, ours.words) }));
  };
  /** How a conversation begins: with the persona that the address wishes, or the usual one. */
  const firstVoice = async (c: Context) => chat.voices.of(await chat.voices.first(c.req.query("persona") ?? null));
  /** The conversation that a path names. @throws Failure `not_found` */
  const named = async (c: Context): Promise<Conversation> => {
    const id = c.req.param("id");
    const found = isId(id) ? await chat.storeOf(id).conversation(id) : null;
    if (!found) throw new Failure("not_found");
    return found;
  };
  const html = (body: unknown) => `<!doctype html>${String(body)}`;

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });

  app.get("/", (c) => page(c, newId(), { isNew: true }));

  app.get("/temporary", (c) => page(c, newTemporaryId(), { isNew: true }));

  app.get("/c/:id", async (c) => {
    const { id, head } = await named(c);
    const at = c.req.query("at");
    if (!isId(at) || head === null) return page(c, id);
    const isShown = at === head || (await chat.storeOf(id).history(head)).some((message) => message.id === at);
    // a passage that a search found may lie on another branch: that one is shown from now on, unless an answer is being written
    const isThere = isShown || (await chat.select(id, at).then(() => true, refusedAsBusy));
    return page(c, id, { through: isThere ? at : null });
  });

  // where a browser runs no scripts, a form's fields come this way instead of through the socket
  app.post("/c/:id", async (c) => {
    const id = c.req.param("id");
    if (!isId(id)) throw new Failure("not_found");
    const fields = await c.req.parseBody();
    const command = commandOf(fields);
    try {
      await obey(command, id, { chat, shelf });
      return c.redirect(command.type === "remove" ? "/" : `/c/${id}?plain`, 303);
    } catch (error) {
      const failure = asFailure(error);
      if (failure.code === "internal") throw error;
      c.status(statusOf[failure.code] ?? 422);
      const isNew = (await chat.storeOf(id).conversation(id)) === null;
      return page(c, id, { isNew, typed: command.type === "say" ? command.text : "", notice: failure.report });
    }
  });

  app.get("/c/:id/before/:message", async (c) => {
    const { id } = await named(c);
    const part = await chat.thread(id, { before: c.req.param("message") });
    return c.html(String(<Articles conversation={id} {...part} isEnd={false} words={wordsFor(c)} />));
  });

  app.get("/c/:id/edit/:message", async (c) => {
    const { id } = await named(c);
    const found = await chat.storeOf(id).message(id, c.req.param("message"));
    if (found?.role !== "user") throw new Failure("not_found");
    return c.html(String(<Edit message={found} words={wordsFor(c)} />));
  });

  app.get("/c/:id/text/:message", async (c) => {
    const { id } = await named(c);
    const found = await chat.storeOf(id).message(id, c.req.param("message"));
    if (!found) throw new Failure("not_found");
    return c.text(found.text);
  });

  app.get("/c/:id/menu", async (c) => c.html(String(<Menu entry={await named(c)} words={wordsFor(c)} />)));

  app.get("/c/:id/settings", async (c) => {
    const id = c.req.param("id");
    const found = isId(id) ? await chat.storeOf(id).conversation(id) : null;
    const voice = found ? await chat.voices.of(found.settings) : await firstVoice(c);
    return c.html(String(<SettingsPanel voice={voice} choices={await chat.voices.choices()} isNew={found === null} words={wordsFor(c)} />));
  });

  app.get("/list", async (c) => {
    const [id, updatedAt, pinned, open] = [c.req.query("after"), Number(c.req.query("at")), c.req.query("pinned") === "true", c.req.query("open")];
    if (!isId(id) || !Number.isFinite(updatedAt)) throw new Failure("bad_request", { detail: "after" });
    const after = { id, updatedAt, pinned };
    const list = await store.list({ limit: listPageMax, after });
    const rest = { list, after, last: list.at(-1), isFull: list.length >= listPageMax, open: open ?? "", now: Date.now() };
    return c.html(String(<OlderGroups {...rest} words={wordsFor(c)} />));
  });

  app.get("/search", async (c) => {
    const query = (c.req.query("q") ?? "").slice(0, queryMaxChars);
    return c.html(String(<FoundList query={query} found={await store.search(query, foundMax)} words={wordsFor(c)} />));
  });

  transferRoutes(app, { store, storeOf: (id) => chat.storeOf(id), shelf, importMaxBytes, wordsFor });

  app.get("/assets/*", (c) => {
    const found = asset(c.req.path, c.req.header("accept-encoding") ?? null);
    if (!found) throw new Failure("not_found");
    return found;
  });

  app.get("/favicon.ico", (c) => c.redirect(assetPaths.icon, 302));

  app.get("/healthz", (c) => c.json({ status: "ok" }));

  app.get("/readyz", async (c) => {
    const { status, slots, model, progress } = upstream();
    const storeFault = await store.probe().then(
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

/** False for a conversation that is busy; any other fault goes on. */
function refusedAsBusy(error: unknown): false {
  if (asFailure(error).code !== "conversation_busy") throw error;
  return false;
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
