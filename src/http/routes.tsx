// The pages and the answers for orchestrators, over plain HTTP. Failures end here as a page (or JSON) with a sentence.

import { type Context, Hono } from "hono";
import { Edit } from "../../views/acts.tsx";
import { FoundList } from "../../views/found.tsx";
import { listPageMax, Menu, OlderGroups } from "../../views/list.tsx";
import { inWords } from "../../views/markdown/marks.ts";
import { ChatPage } from "../../views/page.tsx";
import { SettingsPanel } from "../../views/settings.tsx";
import { Articles } from "../../views/thread.tsx";
import type { Bus } from "../bus/bus.ts";
import type { Chat } from "../chat/chat.ts";
import { commandOf, execute } from "../chat/command.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { StoreOf } from "../chat/dependencies.ts";
import type { ReadBody } from "../domain/body.ts";
import type { Conversation } from "../domain/conversation.ts";
import { asFailure, Failure, type FailureReport, type Refuse, statusOf } from "../domain/failure.ts";
import { isId, isTemporary, newId, newTemporaryId } from "../domain/id.ts";
import { machineOf } from "../domain/upstream.ts";
import type { Store } from "../store/store.ts";
import { type AdminParts, adminRoutes } from "./admin.tsx";
import { asset, assetPaths } from "./assets.ts";
import { headersBelow, htmlBelow, pathInside, urlOf } from "./base.ts";
import { growingPage, textPlace } from "./growing.ts";
import { securityHeaders } from "./guard.ts";
import { type LoginParts, loginRoutes } from "./login.tsx";
import { type OpsParts, opsRoutes } from "./ops.ts";
import { refusal } from "./refusal.tsx";
import { shareRoutes } from "./share.tsx";
import { type ImportBounds, transferRoutes } from "./transfer.tsx";
import { boundForms, type Env, fieldsOf, html, personOf, wordsFor } from "./visitor.ts";

interface RouteParts extends LoginParts, AdminParts, OpsParts {
  readonly chat: Chat;
  readonly storeOf: StoreOf;
  readonly store: Store;
  readonly shelf: ConversationActions;
  readonly bus: Bus;
  readonly importing: ImportBounds;
  readonly refuse: Refuse;
  readonly silentMs: number;
  /** See http/base. */
  readonly basePath: string;
  /** Largest form, of those who are signed in. */
  readonly formMaxBytes: number;
  readonly readBody: ReadBody;
}

/** Longest search, in UTF-16 units, and most that is shown of what it finds. */
const [queryMaxChars, foundMax] = [200, 30];

type PageWishes = { isNew?: boolean; through?: string | null; typed?: string; notice?: FailureReport | null };

/** Paths that need nobody to be signed in. */
const isOpen = /^\/(assets\/.*|favicon\.ico|healthz|readyz|metrics|login(\/.*)?|logout|invite\/[^/]*|s\/.*)$/;

/** Everything that is answered without a WebSocket. */
export function routes(parts: RouteParts): Hono<Env> {
  const {
    auth,
    chat,
    quota,
    settings,
    storeOf,
    servers,
    refuse,
    silentMs,
    formMaxBytes,
    importing,
    readBody,
    upstream,
    store,
    shelf,
    bus,
    basePath,
  } = parts;
  const app = new Hono<Env>({ getPath: (request) => pathInside(urlOf(request).pathname, parts.basePath) });

  const page = async (
    c: Context<Env>,
    conversation: string,
    { isNew = false, through = null, typed = "", notice = null }: PageWishes = {},
  ) => {
    const person = personOf(c);
    await chat.enter(person, conversation); // whoever draws a page: it is of nobody else
    const thread = await chat.thread(conversation, through === null ? {} : { through });
    const voice = isNew ? await firstVoice(c) : thread.voice;
    const now = {
      ...thread,
      voice,
      choices: isNew ? await settings.choices() : [],
      list: await store.list({ owner: person.id, limit: listPageMax }),
    };
    const isPlain = c.req.query("plain") !== undefined;
    const [snapshot] = thread.live;
    const grows = isPlain && snapshot !== undefined;
    const wanted = c.req.query("pruned");
    const pruned = isId(wanted) ? wanted : null;
    const given = {
      conversation,
      pruned,
      through,
      typed,
      notice,
      isPlain,
      isTemporary: isTemporary(conversation),
      message: newId(),
      now: Date.now(),
    };
    const theirs = {
      person,
      allowance: await quota.allowance(person),
      messageMaxBytes: quota.messageMaxBytes(person),
      hasAccounts: auth.mode !== "none",
    };
    const elsewhere = [...new Set(servers.now.flatMap(({ url }) => machineOf(url) ?? []))];
    const ours = {
      ...theirs,
      elsewhere,
      upstream: upstream(),
      assets: assetPaths,
      silentMs,
      words: wordsFor(c),
    };
    const place = grows ? { drawn: () => ({ text: textPlace, reasoning: "" }) } : {};
    const whole = html(<ChatPage {...now} {...given} {...ours} {...place} />);
    // what happened since the thread was read is in the snapshot that is taken now
    const latest = grows ? chat.live(conversation).find(({ run }) => run === snapshot.run) : undefined;
    if (!latest) return c.html(whole.replace(textPlace, ""));
    c.header("content-type", "text/html; charset=utf-8");
    c.set("grows", true);
    const inOurWords = (part: string) => htmlBelow(inWords(part, ours.words), basePath);
    return c.body(
      growingPage({
        bus,
        conversation,
        html: htmlBelow(whole, basePath),
        snapshot: latest,
        inWords: inOurWords,
      }),
    );
  };
  /** How a conversation begins: with the persona that the address wishes, or the usual one. */
  const firstVoice = async (c: Context<Env>) =>
    settings.of(await settings.first(c.req.query("persona") ?? null));
  /** The conversation that a path names. @throws Failure `not_found` */
  const named = async (c: Context<Env>): Promise<Conversation> => {
    const id = c.req.param("id");
    const found = isId(id) ? await chat.enter(personOf(c), id) : null;
    if (!found) throw new Failure("not_found");
    return found;
  };

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) c.header(name, value);
    c.header("x-request-id", c.env.request);
    headersBelow(c.res.headers, basePath);
    // a page that grows is sent below the path piece by piece
    if (basePath !== "" && c.res.headers.get("content-type")?.startsWith("text/html") && !c.get("grows")) {
      c.res = new Response(htmlBelow(await c.res.text(), basePath), c.res);
    }
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });

  // everything is for somebody who is known, but what must be seen before
  app.use(async (c, next) => {
    if (!isOpen.test(c.req.path)) personOf(c);
    await next();
  });

  app.use(boundForms({ readBody, formMaxBytes }));

  app.get("/", (c) => page(c, newId(), { isNew: true }));

  app.get("/temporary", (c) => page(c, newTemporaryId(), { isNew: true }));

  app.get("/c/:id", async (c) => {
    const { id, head } = await named(c);
    const at = c.req.query("at");
    if (!isId(at) || head === null) return page(c, id);
    const isShown = at === head || (await storeOf(id).history(head)).some((message) => message.id === at);
    // a passage that a search found may lie on another branch: that one is shown from now on, unless an answer is being written
    const isThere = isShown || (await chat.select(id, at).then(() => true, refusedAsBusy));
    return page(c, id, { through: isThere ? at : null });
  });

  // where a browser runs no scripts, a form's fields come this way instead of through the socket
  app.post("/c/:id", async (c) => {
    const id = c.req.param("id");
    if (!isId(id)) throw new Failure("not_found");
    const command = commandOf(await fieldsOf(c));
    try {
      await execute(
        command,
        { person: personOf(c), conversation: id, request: c.env.request },
        { chat, shelf },
      );
      if (command.type === "remove") return c.redirect("/", 303);
      return c.redirect(`/c/${id}?plain${command.type === "prune" ? `&pruned=${command.message}` : ""}`, 303);
    } catch (error) {
      const { code } = asFailure(error);
      if (code === "internal" || code === "not_found") throw error;
      const failure = refuse(error);
      c.status(statusOf(failure));
      const isNew = (await storeOf(id).conversation(id)) === null;
      return page(c, id, {
        isNew,
        typed: command.type === "say" ? command.text : "",
        notice: failure.report,
      });
    }
  });

  app.get("/c/:id/before/:message", async (c) => {
    const { id } = await named(c);
    const part = await chat.thread(id, { before: c.req.param("message") });
    return c.html(String(<Articles conversation={id} {...part} isEnd={false} words={wordsFor(c)} />));
  });

  app.get("/c/:id/edit/:message", async (c) => {
    const { id } = await named(c);
    const found = await storeOf(id).message(id, c.req.param("message"));
    if (found?.role !== "user") throw new Failure("not_found");
    return c.html(String(<Edit message={found} words={wordsFor(c)} />));
  });

  app.get("/c/:id/text/:message", async (c) => {
    const { id } = await named(c);
    const found = await storeOf(id).message(id, c.req.param("message"));
    if (!found) throw new Failure("not_found");
    return c.text(found.text);
  });

  app.get("/c/:id/menu", async (c) => c.html(String(<Menu entry={await named(c)} words={wordsFor(c)} />)));

  app.get("/c/:id/settings", async (c) => {
    const id = c.req.param("id");
    const found = isId(id) ? await chat.enter(personOf(c), id) : null;
    const voice = found ? await settings.of(found.settings) : await firstVoice(c);
    return c.html(
      String(
        <SettingsPanel
          voice={voice}
          choices={await settings.choices()}
          models={upstream().models}
          isNew={found === null}
          words={wordsFor(c)}
        />,
      ),
    );
  });

  app.get("/list", async (c) => {
    const [id, updatedAt, pinned, open] = [
      c.req.query("after"),
      Number(c.req.query("at")),
      c.req.query("pinned") === "true",
      c.req.query("open"),
    ];
    if (!isId(id) || !Number.isFinite(updatedAt)) throw new Failure("bad_request", { detail: "after" });
    const after = { id, updatedAt, pinned };
    const list = await store.list({ owner: personOf(c).id, limit: listPageMax, after });
    const rest = {
      list,
      after,
      last: list.at(-1),
      isFull: list.length >= listPageMax,
      open: open ?? "",
      now: Date.now(),
    };
    return c.html(String(<OlderGroups {...rest} words={wordsFor(c)} />));
  });

  app.get("/search", async (c) => {
    const query = (c.req.query("q") ?? "").slice(0, queryMaxChars);
    return c.html(
      String(
        <FoundList
          query={query}
          found={await store.search(personOf(c).id, query, foundMax)}
          words={wordsFor(c)}
        />,
      ),
    );
  });

  transferRoutes(app, { chat, store, storeOf, shelf, importing, readBody });

  app.get("/assets/*", (c) => {
    const found = asset(c.req.path, c.req.header("accept-encoding") ?? null);
    if (!found) throw new Failure("not_found");
    return found;
  });

  app.get("/favicon.ico", (c) => c.redirect(assetPaths.icon, 302));

  opsRoutes(app, parts);
  loginRoutes(app, parts);
  shareRoutes(app, parts);
  adminRoutes(app, parts);

  app.notFound(() => {
    throw new Failure("not_found");
  });

  app.onError((error, c) => {
    const failure = refuse(error, { path: c.req.path });
    const isPage =
      c.req.method === "GET" &&
      c.req.header("accept")?.includes("text/html") &&
      c.req.header("hx-request") === undefined;
    if (failure.code === "not_signed_in" && isPage && auth.hasSessions) {
      return c.redirect(`/login?to=${encodeURIComponent(c.req.path + urlOf(c.req.raw).search)}`, 302);
    }
    return refusal(failure, c.req.raw.headers, "");
  });
  return app;
}

/** False for a conversation that is busy; any other fault goes on. */
function refusedAsBusy(error: unknown): false {
  if (asFailure(error).code !== "conversation_busy") throw error;
  return false;
}
