// What a citation leads to: the passage, with the words that it shares with what cites it, what stands around
// it, and the file of its document.

import { type Context, Hono } from "hono";
import { SourcePage } from "../../views/page-source.tsx";
import { SourcePanel } from "../../views/source.tsx";
import type { Chat } from "../chat/chat.ts";
import type { Threads } from "../chat/threads.ts";
import { citing } from "../documents/citing.ts";
import { marked } from "../documents/marked.ts";
import { SourceDocuments } from "../documents/source-document.ts";
import type { Message } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, isId } from "../domain/id.ts";
import { passagesIn, plainText, type SourcePart } from "../domain/part.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { attachmentNamed, bodyOf } from "./download.ts";
import { conversationOf, type Env, html, personOf, wordsFor } from "./visitor.ts";

interface SourceDependencies {
  readonly chat: Chat;
  readonly threads: Pick<Threads, "live">;
  readonly storeOf: StoreOf;
  readonly store: Pick<Store, "collections" | "documents" | "files">;
}

export function sourceRoutes(dependencies: SourceDependencies): Hono<Env> {
  const { chat, storeOf } = dependencies;
  const documents = new SourceDocuments(dependencies.store);
  const app = new Hono<Env>();
  const sourceOf = async (c: Context<Env>) => {
    const { id } = await conversationOf(c, chat);
    const source = await storeOf(id).sources.find(id, Number(c.req.param("n")));
    if (!source) throw new Failure("not_found");
    return { id, source };
  };

  app.get("/c/:id/source/:n{[1-9][0-9]{0,5}}", async (c) => {
    const { id, source } = await sourceOf(c);
    const said = await saidOf(id, source, c.req.query("at"), dependencies);
    const shown = {
      ...{ source, pieces: marked(source.text, said), words: wordsFor(c) },
      ...{
        now: await documents.now(personOf(c).id, source),
        original: `/c/${id}/source/${source.n}/original`,
      },
    };
    c.header("vary", "hx-request");
    if (c.req.header("hx-request") !== undefined) return c.html(String(<SourcePanel {...shown} />));
    return c.html(html(<SourcePage {...shown} back={`/c/${id}`} assets={assetPaths} />));
  });

  app.get("/c/:id/source/:n{[1-9][0-9]{0,5}}/original", async (c) => {
    const { source } = await sourceOf(c);
    const original = await documents.original(personOf(c).id, source);
    if (original === null) throw new Failure("not_found");
    const pieces = original.content[Symbol.asyncIterator]();
    const first = await pieces.next();
    const isPdf =
      first.done !== true && Buffer.from(first.value).subarray(0, 5).toString("latin1") === "%PDF-";
    // everything but a PDF could run as a page of parlor's
    c.header("content-type", isPdf ? "application/pdf" : "application/octet-stream");
    const named = attachmentNamed(original.name);
    c.header("content-disposition", isPdf ? named.replace(/^attachment/, "inline") : named);
    c.header("content-length", String(original.bytes));
    c.header("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
    return c.body(bodyOf(joined(first, pieces)));
  });

  return app;
}

async function* joined<Each>(first: IteratorResult<Each>, rest: AsyncIterator<Each>): AsyncGenerator<Each> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/**
 * What was said of a passage: the sentences that cite it in the message `at`, else in the last answer that
 * has it; its question where none cites it.
 */
async function saidOf(
  conversation: ConversationId,
  { n }: SourcePart,
  at: string | undefined,
  { storeOf, threads }: SourceDependencies,
): Promise<string> {
  const store = storeOf(conversation);
  const last = isId(at) ? at : (await store.conversation(conversation))?.head;
  const message = last ? await store.message(conversation, last) : null;
  if (message === null) return "";
  const path = [...(await store.history(message.id)), message];
  const live = await threads.live(conversation);
  const textOf = ({ id, text }: Message) => {
    const parts = live.find(({ messageId }) => messageId === id)?.parts;
    return parts ? plainText(parts) : text;
  };
  const answer = path.findLastIndex(({ parts }) => passagesIn(parts).some((each) => each.n === n));
  const said = answer < 0 ? "" : citing(textOf(path[answer] as Message), n);
  return said || (path.slice(0, Math.max(0, answer)).findLast(({ role }) => role === "user")?.text ?? "");
}
