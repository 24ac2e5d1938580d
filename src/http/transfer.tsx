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
import { recordJson } from "../transfer/record-json.ts";
import { toMarkdown } from "../transfer/write.ts";
import { attachmentNamed } from "./download.ts";
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
    const { files } = storeOf(record.id);
    const json = recordJson(record, (id) => files.content(id), 2);
    return file(c, streamOf(lineOf(json)), "application/json", `${record.title}.json`);
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
    // one conversation at a time, so that the whole export never has to fit into memory
    const lines = async function* () {
      for (const id of ids) {
        const record = await store.record(id);
        if (record) yield* lineOf(recordJson(record, (file) => store.files.content(file)));
      }
    };
    return file(c, streamOf(lines()), "application/jsonl", "parlor.jsonl");
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

async function* lineOf(json: AsyncIterable<string>): AsyncGenerator<string> {
  yield* json;
  yield "\n";
}

/** Text as a stream of UTF-8, read no faster than it is sent. */
function streamOf(pieces: AsyncGenerator<string>): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
    cancel: async () => void (await pieces.return(undefined)),
  });
}

function file(c: Context<Env>, body: string | ReadableStream, type: string, name: string): Response {
  c.header("content-type", type);
  c.header("content-disposition", attachmentNamed(name));
  return c.body(body);
}
