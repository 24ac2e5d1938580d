// Links that let anybody read one conversation: made and revoked by its owner, followed by readers.

import { type Context, Hono } from "hono";
import { linkedTo } from "../../views/markdown/citations.ts";
import { SourcePage } from "../../views/page-source.tsx";
import { ShareDialog, SharedPage } from "../../views/share.tsx";
import { Articles } from "../../views/thread.tsx";
import { newSecret } from "../auth/secrets.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Threads } from "../chat/threads.ts";
import type { Link } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, isId, isTemporary } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { citedSource } from "./cited-source.ts";
import { sendFile } from "./files.ts";
import { conversationOf, type Env, fieldsOf, html, originOf, personOf, wordsFor } from "./visitor.ts";

interface ShareDependencies {
  readonly chat: Chat;
  readonly attachments: Attachments;
  readonly threads: Pick<Threads, "read" | "live">;
  readonly store: Store;
  readonly silentMs: number;
  upstream(): UpstreamState;
}

const dayMs = 24 * 3_600_000;
const lifetimes: Readonly<Record<string, number | null>> = {
  day: dayMs,
  week: 7 * dayMs,
  month: 30 * dayMs,
  never: null,
};

export function shareRoutes(dependencies: ShareDependencies): Hono<Env> {
  return new Hono<Env>().route("/", linkRoutes(dependencies)).route("/", readerRoutes(dependencies));
}

/** For the owner of a conversation: its links, made and revoked. */
function linkRoutes({ chat, store: { links, audit, sources } }: ShareDependencies): Hono<Env> {
  const app = new Hono<Env>();
  /**
   * The conversation in the path, unless it is temporary: those are not on disk, and neither would a link be.
   */
  const shareable = async (c: Context<Env>): Promise<ConversationId> => {
    const { id } = await conversationOf(c, chat);
    if (isTemporary(id)) throw new Failure("not_found");
    return id;
  };
  const dialog = async (c: Context<Env>, id: ConversationId) => {
    const props = {
      conversation: id,
      links: await links.of(id),
      hasSources: await sources.has(id),
      origin: originOf(c),
      words: wordsFor(c),
    };
    return c.html(String(<ShareDialog {...props} />));
  };

  app.get("/c/:id/share", async (c) => dialog(c, await shareable(c)));

  app.post("/c/:id/share", async (c) => {
    const { id: actor } = personOf(c);
    const id = await shareable(c);
    const { lifetime = "week", revoke, sources: shown } = await fieldsOf(c);
    const { address } = c.env.client;
    if (revoke !== undefined) {
      if (!(await links.remove(id, revoke))) throw new Failure("not_found");
      await audit.note({ actor, act: "link_revoked", subject: id, address });
    } else {
      if (!Object.hasOwn(lifetimes, lifetime)) throw new Failure("bad_request", { detail: "lifetime" });
      const ms = lifetimes[lifetime] ?? null;
      const createdAt = Date.now();
      const expiresAt = ms === null ? null : createdAt + ms;
      const link = { token: newSecret(), conversation: id, createdAt, expiresAt };
      await links.add({ ...link, showsSources: shown === "on" });
      await audit.note({ actor, act: "link_made", subject: id, address });
    }
    return dialog(c, id);
  });

  return app;
}

/** For anybody who has a link: the conversation to read. */
function readerRoutes(dependencies: ShareDependencies): Hono<Env> {
  const { threads, attachments, store, silentMs, upstream } = dependencies;
  const { links } = store;
  const app = new Hono<Env>();
  const linkOf = async (c: Context<Env>): Promise<Link> => {
    const token = c.req.param("token");
    const link = isId(token) ? await links.find(token) : null;
    if (!link) throw new Failure("not_found");
    return link;
  };
  const withSources = ({ token, showsSources }: Link, page: string): string =>
    showsSources ? linkedTo(`/s/${token}/source/`, page) : page;

  // a link is given to some people, not to search engines
  app.use("/s/*", async (c, next) => {
    await next();
    c.header("x-robots-tag", "noindex, nofollow");
  });

  app.get("/s/:token", async (c) => {
    const link = await linkOf(c);
    const { token, conversation, expiresAt } = link;
    // a page is rendered once for all readers, so the address of a file can't hold the token
    const file = c.req.query("file");
    if (file !== undefined) return sendFile(c, attachments, await attachments.in(conversation, file));
    const props = {
      ...(await threads.read(conversation)),
      token,
      expiresAt,
      conversation,
      upstream: upstream(),
      assets: assetPaths,
      silentMs,
      words: wordsFor(c),
    };
    return c.html(withSources(link, html(<SharedPage {...props} />)));
  });

  app.get("/s/:token/source/:n{[1-9][0-9]{0,5}}", async (c) => {
    const { token, conversation, showsSources } = await linkOf(c);
    const n = Number(c.req.param("n"));
    const source = showsSources ? await citedSource(conversation, n, dependencies) : null;
    if (!source) throw new Failure("not_found");
    const props = { source, back: `/s/${token}`, assets: assetPaths, words: wordsFor(c) };
    const pieces = [{ text: source.text, isMarked: false }];
    return c.html(html(<SourcePage {...props} pieces={pieces} now={{ state: "unknown" }} original="" />));
  });

  app.get("/s/:token/before/:message", async (c) => {
    const link = await linkOf(c);
    const { token, conversation } = link;
    const props = {
      ...(await threads.read(conversation, { before: c.req.param("message") })),
      conversation,
      path: `/s/${token}`,
      isEnd: false,
      isReader: true,
      words: wordsFor(c),
    };
    return c.html(withSources(link, String(<Articles {...props} />)));
  });

  return app;
}
