// The pages of conversations, and the forms on them for browsers that run no scripts.

import { Hono } from "hono";
import type { Attachments } from "../chat/attachments.ts";
import { type Command, commandOf, execute } from "../chat/command.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { Person } from "../domain/account.ts";
import { asFailure, Failure, type Refuse, statusOf } from "../domain/failure.ts";
import type { StoredFile } from "../domain/file.ts";
import { isId, newId, newTemporaryId } from "../domain/id.ts";
import type { StoreOf } from "../store/chooser.ts";
import { type FileDependencies, takeForm } from "./files.ts";
import { hasFiles } from "./middleware.ts";
import { ConversationPages, type PageDependencies } from "./page.tsx";
import { allFieldsOf, conversationOf, type Env, personOf } from "./visitor.ts";

export interface ConversationDependencies extends PageDependencies, FileDependencies {
  /** Largest form without its files, in bytes. */
  readonly formMaxBytes: number;
  readonly storeOf: StoreOf;
  readonly actions: ConversationActions;
  readonly refuse: Refuse;
}

export function conversationRoutes(dependencies: ConversationDependencies): Hono<Env> {
  const { chat, threads, storeOf, actions, refuse } = dependencies;
  const pages = new ConversationPages(dependencies);
  const app = new Hono<Env>();

  app.get("/", (c) => pages.answer(c, newId(), { isNew: true }));

  app.get("/temporary", (c) => pages.answer(c, newTemporaryId(), { isNew: true }));

  app.get("/c/:id", async (c) => {
    const { id, head } = await conversationOf(c, chat);
    const at = c.req.query("at");
    if (!isId(at) || head === null) return pages.answer(c, id);
    const isShown = at === head || (await storeOf(id).history(head)).some((message) => message.id === at);
    // a message found by search may lie on another branch: select that branch, unless an answer is being
    // written
    const isThere = isShown || (await threads.select(id, at).then(() => true, falseWhenBusy));
    return pages.answer(c, id, { through: isThere ? at : null });
  });

  // where a browser runs no scripts, a form's fields arrive here instead of through the socket
  app.post("/c/:id", async (c) => {
    const id = c.req.param("id");
    if (!isId(id)) throw new Failure("not_found");
    const { fields, refused } = hasFiles(c.req.header("content-type"))
      ? await takeForm(c, id, dependencies)
      : { fields: await allFieldsOf(c), refused: null };
    const command = commandOf(fields);
    try {
      if (refused !== null) throw refused;
      const sender = { person: personOf(c), conversation: id, request: c.env.request };
      await execute(command, sender, { chat, threads, actions });
      if (command.type === "remove") return c.redirect("/", 303);
      return c.redirect(`/c/${id}?plain${command.type === "prune" ? `&pruned=${command.message}` : ""}`, 303);
    } catch (error) {
      const { code } = asFailure(error);
      if (code === "internal" || code === "not_found") throw error;
      const failure = refuse(error);
      c.status(statusOf(failure));
      return pages.answer(c, id, {
        isNew: (await storeOf(id).conversation(id)) === null,
        typed: command.type === "say" ? command.text : "",
        attached: await filesOf(command, personOf(c), dependencies.attachments),
        notice: failure.report,
      });
    }
  });

  return app;
}

/** Files of a question that was refused. Files that are somebody else's are left out. */
async function filesOf(command: Command, person: Person, attachments: Attachments): Promise<StoredFile[]> {
  if (command.type !== "say") return [];
  const found = (command.files ?? []).map((file) => attachments.of(person, file).catch(() => null));
  return (await Promise.all(found)).filter((file) => file !== null);
}

/** False for a conversation that is busy. Any other error is thrown again. */
function falseWhenBusy(error: unknown): false {
  if (asFailure(error).code !== "conversation_busy") throw error;
  return false;
}
