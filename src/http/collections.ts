// Collections of documents as JSON, for programs: what a person may search, its documents, and a search in
// it. The page about them is not here.

import { type Context, Hono } from "hono";
import { sentenceOf, type Words } from "../../views/words.ts";
import type { Library } from "../documents/library.ts";
import type { Collection, ListedCollection, PassageHit, StoredDocument } from "../domain/document.ts";
import { Failure } from "../domain/failure.ts";
import { type CollectionId, isId } from "../domain/id.ts";
import { isJsonObject, isString, type JsonObject } from "../domain/json.ts";
import type { FileDependencies } from "./files.ts";
import { formOf, formOverheadBytes } from "./form.ts";
import { hasFiles } from "./middleware.ts";
import { type Env, personOf, wordsFor } from "./visitor.ts";

export interface CollectionDependencies extends FileDependencies {
  readonly library: Library;
}

/** Passages of one search: what it gives unless it asks for a number, and the most that it can ask for. */
const [hitsUsual, hitsMax] = [8, 50];

export function collectionRoutes(dependencies: CollectionDependencies): Hono<Env> {
  const { library } = dependencies;
  const app = new Hono<Env>();

  app.get("/", async (c) => c.json((await library.reachable(personOf(c))).map(collectionJson)));

  app.post("/", async (c) => {
    const { name, owner = "me" } = await jsonOf(c);
    if (!isString(name)) throw new Failure("bad_request", { detail: "name" });
    if (owner !== "me" && owner !== "house") throw new Failure("bad_request", { detail: "owner" });
    const made = await library.add(personOf(c), { name, isHouse: owner === "house" });
    return c.json(collectionJson({ ...made, documents: 0, passages: 0, reading: 0, refused: 0 }), 201);
  });

  app.get("/:id", async (c) => {
    const collection = await library.collection(personOf(c), idOf(c));
    const documents = await library.documents(personOf(c), collection.id);
    const words = wordsFor(c);
    return c.json({
      ...headOf(collection),
      state: stateOf(documents.some(({ state }) => state === "reading")),
      documents: documents.map((each) => documentJson(each, words)),
    });
  });

  app.delete("/:id", async (c) => {
    await library.remove(personOf(c), idOf(c));
    return c.body(null, 204);
  });

  app.get("/:id/search", async (c) => {
    const { q = "", limit = String(hitsUsual) } = c.req.query();
    if (q.trim() === "") throw new Failure("bad_request", { detail: "q" });
    const number = /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
    if (number < 1 || number > hitsMax) throw new Failure("bad_request", { detail: `limit: 1 – ${hitsMax}` });
    const hits = await library.search(personOf(c), idOf(c), { question: q, limit: number });
    return c.json(hits.map(hitJson));
  });

  app.route("/:id/documents", documentRoutes(dependencies));
  app.all("*", (c) => {
    const path = `${c.req.method} ${c.env.base}${c.req.path}`.slice(0, 200);
    throw new Failure("no_such_address", { path, known: addresses(c.env.base) });
  });
  return app;
}

/** The addresses of this file, for programs that miss them. */
const addresses = (base: string): string =>
  ["GET /", "POST /", "GET /ID", "DELETE /ID", "GET /ID/search?q=", "POST /ID/documents"]
    .map((each) => each.replace("/", `${base}/collections/`).replace(/\/$/, ""))
    .join(", ");

function documentRoutes({ library, attachments, readBody }: CollectionDependencies): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/", async (c) => {
    const [person, id] = [personOf(c), idOf(c)];
    await library.changeable(person, id);
    const stored = async (given: { readonly name: string; readonly bytes: Uint8Array }) =>
      c.json(documentJson(await library.put(person, id, given), wordsFor(c)), 201);
    const contentType = c.req.header("content-type") ?? "";
    if (!hasFiles(contentType)) {
      const { file } = await jsonOf(c);
      if (file === undefined) throw new Failure("bad_request", { detail: "file" });
      if (!isId(file)) throw new Failure("not_found");
      return attachments.whole(person, file, stored);
    }
    const maxBytes = library.bounds.documentMaxBytes + formOverheadBytes;
    const { bytes, release } = await readBody(c.req.raw, { maxBytes, owner: person.id });
    try {
      const [given, second] = (await formOf(bytes, contentType)).files;
      if (!given || second) throw new Failure("bad_request", { detail: "one file" });
      return await stored(given);
    } finally {
      release();
    }
  });

  app.get("/:document", async (c) => {
    const { document, collection } = await library.document(personOf(c), c.req.param("document"));
    if (collection.id !== idOf(c)) throw new Failure("not_found");
    return c.json(documentJson(document, wordsFor(c)));
  });

  app.delete("/:document", async (c) => {
    await library.forget(personOf(c), idOf(c), c.req.param("document"));
    return c.body(null, 204);
  });

  return app;
}

/** The collection that the path names. The library decides whether it is one. */
const idOf = (c: Context<Env>): CollectionId => c.req.param("id") ?? "";

/** @throws Failure `bad_request` for a body that is no JSON object */
async function jsonOf(c: Context<Env>): Promise<JsonObject> {
  const value: unknown = await c.req.json().catch(() => null);
  if (!isJsonObject(value)) throw new Failure("bad_request", { detail: "JSON" });
  return value;
}

const stateOf = (isReading: boolean) => (isReading ? "reading" : "searchable");

const headOf = ({ id, name, owner }: Collection) => ({ id, name, owner: owner === null ? "house" : "me" });

const collectionJson = (collection: ListedCollection) => ({
  ...headOf(collection),
  state: stateOf(collection.reading > 0),
  documents: collection.documents,
  passages: collection.passages,
});

function documentJson(document: StoredDocument, words: Words) {
  const { id, path, title, bytes, state, pages, picturePages, passages, failure } = document;
  const why = failure && { code: failure.code, message: sentenceOf(failure, words) };
  return { id, path, title, bytes, state, pages, picturePages, passages, failure: why };
}

/** `document` is named as in citations. */
const hitJson = ({ document: id, path, title, page, headings, text, score }: PassageHit) => ({
  ...{ document: title ?? path, id, path, page, headings, text, score },
});
