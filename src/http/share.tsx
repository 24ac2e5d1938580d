// Links by which anybody may read one conversation: made, revoked, followed. Part of http/routes.

import type { Hono } from "hono";
import { ShareDialog, SharedPage } from "../../views/share.tsx";
import { Articles } from "../../views/thread.tsx";
import { newSecret } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Link } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, isId, isTemporary } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { type Env, fieldsOf, html, originOf, personOf, wordsFor } from "./visitor.ts";

interface ShareParts {
  readonly chat: Chat;
  readonly store: Pick<Store, "links" | "audit">;
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

/** Adds the routes of sharing. */
export function shareRoutes(
  app: Hono<Env>,
  { chat, store: { links, audit }, silentMs, upstream }: ShareParts,
): void {
  /** Somebody's own conversation that is kept: a temporary one is not on disk, nor is a link to it. */
  const own = async (person: { id: string }, id: ConversationId): Promise<ConversationId> => {
    if (!isId(id) || isTemporary(id) || !(await chat.enter(person, id))) throw new Failure("not_found");
    return id;
  };
  const followed = async (token: string): Promise<Link> => {
    const link = isId(token) ? await links.find(token) : null;
    if (!link) throw new Failure("not_found");
    return link;
  };

  app.get("/c/:id/share", async (c) => {
    const id = await own(personOf(c), c.req.param("id"));
    return c.html(
      String(
        <ShareDialog conversation={id} links={await links.of(id)} origin={originOf(c)} words={wordsFor(c)} />,
      ),
    );
  });

  app.post("/c/:id/share", async (c) => {
    const person = personOf(c);
    const id = await own(person, c.req.param("id"));
    const { lifetime = "week", revoke } = await fieldsOf(c);
    const { address } = c.env.client;
    if (revoke !== undefined) {
      if (!(await links.remove(id, revoke))) throw new Failure("not_found");
      await audit.note({ actor: person.id, act: "link_revoked", subject: id, address });
    } else {
      if (!Object.hasOwn(lifetimes, lifetime)) throw new Failure("bad_request", { detail: "lifetime" });
      const ms = lifetimes[lifetime] ?? null;
      await links.add({
        token: newSecret(),
        conversation: id,
        createdAt: Date.now(),
        expiresAt: ms === null ? null : Date.now() + ms,
      });
      await audit.note({ actor: person.id, act: "link_made", subject: id, address });
    }
    return c.html(
      String(
        <ShareDialog conversation={id} links={await links.of(id)} origin={originOf(c)} words={wordsFor(c)} />,
      ),
    );
  });

  // what is shared with some is not for search engines
  app.use("/s/*", async (c, next) => {
    await next();
    c.header("x-robots-tag", "noindex, nofollow");
  });

  app.get("/s/:token", async (c) => {
    const { token, conversation, expiresAt } = await followed(c.req.param("token"));
    const thread = await chat.thread(conversation);
    const given = {
      ...thread,
      token,
      expiresAt,
      conversation,
      upstream: upstream(),
      assets: assetPaths,
      silentMs,
      words: wordsFor(c),
    };
    return c.html(html(<SharedPage {...given} />));
  });

  app.get("/s/:token/before/:message", async (c) => {
    const { token, conversation } = await followed(c.req.param("token"));
    const part = await chat.thread(conversation, { before: c.req.param("message") });
    return c.html(
      String(
        <Articles
          conversation={conversation}
          {...part}
          path={`/s/${token}`}
          isEnd={false}
          isReader
          words={wordsFor(c)}
        />,
      ),
    );
  });
}
