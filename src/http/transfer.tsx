// Exports conversations as files, and imports them from files.

import { type Context, Hono } from "hono";
import { Imported } from "../../views/transfer.tsx";
import type { Chat } from "../chat/chat.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";
import { isId } from "../domain/id.ts";
import type { ConversationRecord } from "../domain/record.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Store } from "../store/store.ts";
import type { ReadBounds } from "../transfer/read.ts";
import { read } from "../transfer/reading.ts";
import { toMarkdown } from "../transfer/write.ts";
import { type Env, personOf, wordsFor } from "./visitor.ts";

interface TransferDependencies {
  readonly chat: Chat;
  readonly storeOf: StoreOf;
  readonly store: Store;
  readonly actions: ConversationActions;
  readonly importing: ImportBounds;
  readonly readBody: ReadBody;
}

export interface ImportBounds extends ReadBounds {
  /** Largest file, in bytes. */
  readonly importMaxBytes: number;
  /** Longest time for one import, in ms. */
  readonly importMs: number;
}

/**
 * Imports that may run at once in the process. Each has a thread, which needs several times the file's size
 * in memory.
 */
const importsMax = 2;

type TransferAct = "exported" | "imported";

export function transferRoutes(dependencies: TransferDependencies): Hono<Env> {
  return new Hono<Env>().route("/", exportRoutes(dependencies)).route("/", importRoutes(dependencies));
}

function noteTo(
  { audit }: TransferDependencies["store"],
  c: Context<Env>,
  act: TransferAct,
  subject: string,
) {
  return audit.note({ actor: personOf(c).id, act, subject, address: c.env.client.address });
}

function exportRoutes({ chat, store, storeOf }: TransferDependencies): Hono<Env> {
  const app = new Hono<Env>();
  const recordOf = async (c: Context<Env>): Promise<ConversationRecord> => {
    const id = c.req.param("id") ?? "";
    const record = isId(id) && (await chat.enter(personOf(c), id)) ? await storeOf(id).record(id) : null;
    if (!record) throw new Failure("not_found");
    await noteTo(store, c, "exported", id);
    return record;
  };

  app.get("/c/:id/export.json", async (c) => {
    const record = await recordOf(c);
    return file(c, `${JSON.stringify(record, null, 2)}\n`, "application/json", `${record.title}.json`);
  });

  app.get("/c/:id/export.md", async (c) => {
    const [record, words] = [await recordOf(c), wordsFor(c)];
    return file(
      c,
      toMarkdown(record, { user: words.you, assistant: words.assistant }),
      "text/markdown; charset=utf-8",
      `${record.title}.md`,
    );
  });

  app.get("/export.jsonl", async (c) => {
    const ids = await store.ids({ owner: personOf(c).id });
    await noteTo(store, c, "exported", "");
    let next = 0;
    // one conversation at a time, so that the whole export never has to fit into memory
    const stream = new ReadableStream({
      async pull(controller) {
        const id = ids[next++];
        if (id === undefined) return controller.close();
        const record = await store.record(id);
        if (record) controller.enqueue(new TextEncoder().encode(`${JSON.stringify(record)}\n`));
      },
    });
    return file(c, stream, "application/jsonl", "parlor.jsonl");
  });

  return app;
}

function importRoutes({ store, actions, importing, readBody }: TransferDependencies): Hono<Env> {
  const app = new Hono<Env>();
  /** People whose files are being read. */
  const busy = new Set<string>();
  app.post("/import", async (c) => {
    const { id } = personOf(c);
    const { importMaxBytes: limitBytes, importMs, importUnpackedMaxBytes, importTextMaxBytes } = importing;
    const bounds = { importUnpackedMaxBytes, importTextMaxBytes };
    if (busy.has(id) || busy.size >= importsMax) throw new Failure("import_busy");
    busy.add(id);
    try {
      const { bytes, release } = await readBody(c.req.raw, { maxBytes: limitBytes, owner: id });
      release(); // from here on the bytes belong to the thread; `importsMax` bounds the threads
      const parts = read(
        { body: bytes, contentType: c.req.header("content-type") ?? "", name: "", bounds },
        importMs,
      );
      const brought = await actions.bring(parts, async () => id);
      await noteTo(store, c, "imported", "");
      return c.html(String(<Imported {...brought} words={wordsFor(c)} />));
    } finally {
      busy.delete(id);
    }
  });

  return app;
}

function file(c: Context<Env>, body: string | ReadableStream, type: string, name: string): Response {
  c.header("content-type", type);
  const plainName = name.replace(/[\\/:*?"<>|\p{Cc}]/gu, " ").trim();
  // RFC 6266 with RFC 8187: titles hold any character
  c.header(
    "content-disposition",
    `attachment; filename*=UTF-8''${encodeURIComponent(plainName).replace(/['()]/g, escape)}`,
  );
  return c.body(body);
}
