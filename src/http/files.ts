// Attached files over HTTP: one is sent, fetched, deleted; which of them no question has yet; and the form of
// a browser that runs no scripts, which sends files together with the question.

import { type Context, Hono } from "hono";
import { notesOf } from "../../views/files.tsx";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import { audioTypeOf } from "../documents/audio.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";
import type { FileId, StoredFile } from "../domain/file.ts";
import { type ConversationId, isId, newId } from "../domain/id.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import { attachmentNamed, bodyOf } from "./download.ts";
import { announcedBytes, formOf, formOverheadBytes } from "./form.ts";
import { type Env, personOf, shownFailure, wordsFor } from "./visitor.ts";

export interface FileDependencies {
  readonly chat: Chat;
  readonly settings: SettingsResolver;
  readonly attachments: Attachments;
  readonly readBody: ReadBody;
}

export function fileRoutes({ attachments, chat, settings, readBody }: FileDependencies): Hono<Env> {
  const app = new Hono<Env>();
  const idOf = (c: Context<Env>): FileId => {
    const id = c.req.param("id");
    if (!isId(id)) throw new Failure("not_found");
    return id;
  };

  /** What is known of the model that would answer in the conversation for which files are sent. */
  const modelFacts = async (c: Context<Env>) => {
    const conversation = c.req.query("c");
    const first = await settings.first(c.req.query("persona") ?? null);
    return chat.modelFacts(isId(conversation) ? conversation : newId(), first);
  };
  /** What is said of a file to its owner. */
  const told = async (c: Context<Env>, file: StoredFile) => {
    const { vision } = await modelFacts(c);
    const notes = notesOf(file, { isUnseen: vision === false, words: wordsFor(c) });
    return { ...factsOf(file), ...(notes.length > 0 && { notes }) };
  };

  app.get("/files", async (c) => {
    const ids = (c.req.queries("id") ?? []).filter(isId).slice(0, attachments.bounds.messageFilesMax);
    const files: object[] = [];
    for (const file of await attachments.unsent(personOf(c), ids)) files.push(await told(c, file));
    return c.json({ files });
  });

  app.post("/files", async (c) => {
    const person = personOf(c);
    const conversation = c.req.query("c");
    const { fileMaxBytes } = attachments.bounds;
    await attachments.needRoom(person, Math.min(fileMaxBytes, announcedBytes(c.req.raw.headers)));
    const maxBytes = fileMaxBytes + formOverheadBytes;
    const { bytes, release } = await readBody(c.req.raw, { maxBytes, owner: person.id });
    try {
      const { files } = await formOf(bytes, c.req.header("content-type") ?? "");
      const [given, second] = files;
      if (!given || second) throw new Failure("bad_request", { detail: "one file" });
      const isUnheard = (await modelFacts(c)).hearing === false;
      if (isUnheard && audioTypeOf(given.bytes) !== null) throw new Failure("no_hearing");
      const file = await attachments.take(person, isId(conversation) ? conversation : null, given);
      return c.json(await told(c, file), 201);
    } finally {
      release();
    }
  });

  app.get("/files/:id", async (c) => {
    const file = await attachments.of(personOf(c), idOf(c));
    c.header("vary", "accept");
    if (c.req.header("accept")?.includes("application/json")) return c.json(factsOf(file));
    return sendFile(c, attachments, file);
  });

  app.delete("/files/:id", async (c) => {
    await attachments.remove(personOf(c), idOf(c));
    return c.body(null, 204);
  });

  return app;
}

/** What is told of a file, as JSON. */
const factsOf = ({ id, name, type, bytes, pages }: StoredFile) => ({
  ...{ id, name, type, bytes, pages, state: "ready" },
});

/** A file as an answer: to be saved, or shown within a page; never a page of its own. */
export function sendFile(c: Context<Env>, attachments: Attachments, file: StoredFile): Response {
  const isPicture = file.type === "picture";
  c.header("content-type", isPicture ? file.mediaType : "application/octet-stream");
  c.header("content-length", String(file.bytes));
  c.header("content-disposition", attachmentNamed(file.name));
  c.header("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'");
  return c.body(bodyOf(attachments.content(file)));
}

interface TakenForm {
  /** `file` has the ids of all files: those that came now, and those that were stored before. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Why files that came now are not among them. */
  readonly refused: Failure | null;
}

/**
 * The fields of a form with files, as a browser without scripts sends it. The files are stored.
 * @throws Failure as `ReadBody`; `bad_request`
 */
export async function takeForm(
  c: Context<Env>,
  conversation: ConversationId,
  { attachments, readBody, formMaxBytes }: FileDependencies & { readonly formMaxBytes: number },
): Promise<TakenForm> {
  const person = personOf(c);
  const { fileMaxBytes, messageFilesMax: limit } = attachments.bounds;
  const bound = { maxBytes: fileMaxBytes + formMaxBytes, owner: person.id };
  const { bytes, release } = await readBody(c.req.raw, bound);
  try {
    const { fields, files, stored } = await formOf(bytes, c.req.header("content-type") ?? "");
    const ids: FileId[] = [...stored];
    let refused = files.length + ids.length > limit ? new Failure("too_many_files", { limit }) : null;
    for (const given of refused === null ? files : [])
      await attachments.take(person, conversation, given).then(
        ({ id }) => ids.push(id),
        (error) => {
          refused ??= shownFailure(error);
        },
      );
    return { fields: { ...fields, file: ids }, refused };
  } finally {
    release();
  }
}
