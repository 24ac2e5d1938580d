// Pieces of a conversation's page that the page loads when they are needed: older messages, an edit form, a
// menu, settings, more of the list, and search results.

import { Hono } from "hono";
import { Edit } from "../../views/acts.tsx";
import { FoundList } from "../../views/found.tsx";
import { listPageMax, Menu, OlderGroups } from "../../views/list.tsx";
import { SettingsPanel } from "../../views/settings.tsx";
import { Articles } from "../../views/thread.tsx";
import type { Chat } from "../chat/chat.ts";
import type { Threads } from "../chat/threads.ts";
import { Failure } from "../domain/failure.ts";
import { isId } from "../domain/id.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Store } from "../store/store.ts";
import { conversationOf, type Env, firstSettings, personOf, wordsFor } from "./visitor.ts";

interface FragmentDependencies {
  readonly chat: Chat;
  readonly threads: Pick<Threads, "read">;
  readonly settings: SettingsResolver;
  readonly storeOf: StoreOf;
  readonly store: Pick<Store, "list" | "search" | "collections">;
  upstream(): UpstreamState;
}

/** Longest search, in UTF-16 units, and the largest number of results. */
const [queryMaxChars, resultsMax] = [200, 30];

export function fragmentRoutes(dependencies: FragmentDependencies): Hono<Env> {
  const { chat, threads, settings, store, storeOf, upstream } = dependencies;
  const app = new Hono<Env>();

  app.get("/c/:id/before/:message", async (c) => {
    const { id } = await conversationOf(c, chat);
    const part = await threads.read(id, { before: c.req.param("message") });
    return c.html(String(<Articles conversation={id} {...part} isEnd={false} words={wordsFor(c)} />));
  });

  app.get("/c/:id/edit/:message", async (c) => {
    const { id } = await conversationOf(c, chat);
    const message = await storeOf(id).message(id, c.req.param("message"));
    if (message?.role !== "user") throw new Failure("not_found");
    return c.html(String(<Edit message={message} words={wordsFor(c)} />));
  });

  app.get("/c/:id/text/:message", async (c) => {
    const { id } = await conversationOf(c, chat);
    const message = await storeOf(id).message(id, c.req.param("message"));
    if (!message) throw new Failure("not_found");
    return c.text(message.text);
  });

  app.get("/c/:id/menu", async (c) =>
    c.html(String(<Menu entry={await conversationOf(c, chat)} words={wordsFor(c)} />)),
  );

  app.get("/c/:id/settings", async (c) => {
    const id = c.req.param("id");
    const conversation = isId(id) ? await chat.enter(personOf(c), id) : null;
    const collections = await store.collections.reachable(personOf(c).id);
    const props = {
      effective: conversation
        ? await settings.of(conversation.settings)
        : await firstSettings(c, settings, collections),
      collections,
      choices: await settings.choices(),
      models: upstream().models,
      isNew: conversation === null,
      words: wordsFor(c),
    };
    return c.html(String(<SettingsPanel {...props} />));
  });

  return app.route("/", listRoutes(dependencies));
}

/** More of the list of conversations, and the results of a search in them. */
function listRoutes({ store }: Pick<FragmentDependencies, "store">): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/list", async (c) => {
    const [id, updatedAt] = [c.req.query("after"), Number(c.req.query("at"))];
    if (!isId(id) || !Number.isFinite(updatedAt)) throw new Failure("bad_request", { detail: "after" });
    const after = { id, updatedAt, pinned: c.req.query("pinned") === "true" };
    const list = await store.list({ owner: personOf(c).id, limit: listPageMax, after });
    const props = {
      list,
      after,
      last: list.at(-1),
      isFull: list.length >= listPageMax,
      open: c.req.query("open") ?? "",
      now: Date.now(),
      words: wordsFor(c),
    };
    return c.html(String(<OlderGroups {...props} />));
  });

  app.get("/search", async (c) => {
    const query = (c.req.query("q") ?? "").slice(0, queryMaxChars);
    const found = await store.search(personOf(c).id, query, resultsMax);
    return c.html(String(<FoundList query={query} found={found} words={wordsFor(c)} />));
  });

  return app;
}
