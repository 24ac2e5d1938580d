// The page of documents, its forms, and the text of each document.

import { type Context, Hono } from "hono";
import { DocumentList, documentsShownMax, type LibraryFault, LibraryPage } from "../../views/library.tsx";
import { DocumentTextPage, textPassagesMax } from "../../views/library-text.tsx";
import type { Library } from "../documents/library.ts";
import type { ReadBody } from "../domain/body.ts";
import type { ListedCollection } from "../domain/document.ts";
import { Failure, statusOf } from "../domain/failure.ts";
import type { CollectionId } from "../domain/id.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import { assetPaths } from "./assets.ts";
import { formOf, formOverheadBytes } from "./form.ts";
import { type Env, fieldsOf, html, personOf, shownFailure, wordsFor } from "./visitor.ts";

export interface LibraryDependencies {
  readonly library: Library;
  readonly settings: SettingsResolver;
  readonly readBody: ReadBody;
}

interface Shown {
  /** Id of the collection that the page is about; absent: all. */
  readonly only?: CollectionId;
  readonly faults?: readonly LibraryFault[];
}

/** Documents that the page of one collection shows at once. */
const pageDocumentsMax = 200;

/** To be mounted at /documents. */
export function libraryRoutes(dependencies: LibraryDependencies): Hono<Env> {
  const { library } = dependencies;
  const app = new Hono<Env>();
  /** Does what a form asks for; a failure is shown on the page. */
  const act = async (c: Context<Env>, shown: Shown, work: () => Promise<string>) => {
    try {
      return c.redirect(await work(), 303);
    } catch (error) {
      const failure = shownFailure(error);
      if (failure.code === "not_found") throw failure;
      c.status(statusOf(failure));
      return page(c, dependencies, { ...shown, faults: [{ failure: failure.report }] });
    }
  };

  app.get("/", (c) => page(c, dependencies, {}));
  app.post("/", (c) =>
    act(c, {}, async () => {
      const { name = "", house } = await fieldsOf(c);
      const { id } = await library.add(personOf(c), { name, isHouse: house !== undefined });
      return `/documents#c-${id}`;
    }),
  );

  app.get("/:id", (c) => page(c, dependencies, { only: c.req.param("id") }));
  app.get("/:id/list", async (c) => {
    const isWhole = c.req.query("short") === undefined;
    const collection = await listed(c, library, c.req.param("id"));
    const shown = await shownOf(c, dependencies, collection, isWhole ? pageDocumentsMax : documentsShownMax);
    return c.html(String(<DocumentList shown={shown} isWhole={isWhole} words={wordsFor(c)} />));
  });
  app.post("/:id", (c) => upload(c, dependencies, c.req.param("id")));
  app.post("/:id/remove", (c) =>
    act(c, {}, async () => {
      await library.remove(personOf(c), c.req.param("id"));
      return "/documents";
    }),
  );
  app.post("/:id/forget", (c) => {
    const id = c.req.param("id");
    return act(c, { only: id }, async () => {
      const { document = "" } = await fieldsOf(c);
      await library.forget(personOf(c), id, document);
      return `/documents/${id}`;
    });
  });

  app.get("/:id/:document", async (c) => {
    const person = personOf(c);
    const { collection, document } = await library.document(person, c.req.param("document"));
    if (collection.id !== c.req.param("id")) throw new Failure("not_found");
    const from = numberIn(c.req.query("from"));
    const passages = await library.passages(person, document.id, { from, limit: textPassagesMax });
    const props = { collection, document, passages, from, assets: assetPaths, words: wordsFor(c) };
    return c.html(html(<DocumentTextPage {...props} />));
  });

  return app;
}

/** Stores the documents of a form. Those that are refused are named on the page; the others are kept. */
async function upload(
  c: Context<Env>,
  dependencies: LibraryDependencies,
  id: CollectionId,
): Promise<Response> {
  const { library, readBody } = dependencies;
  const person = personOf(c);
  await library.changeable(person, id);
  const maxBytes = library.bounds.documentMaxBytes + formOverheadBytes;
  const { bytes, release } = await readBody(c.req.raw, { maxBytes, owner: person.id });
  const faults: LibraryFault[] = [];
  try {
    const { files } = await formOf(bytes, c.req.header("content-type") ?? "");
    if (files.length === 0) faults.push({ failure: new Failure("bad_request", { detail: "file" }).report });
    for (const given of files)
      await library.put(person, id, given).catch((error) => {
        faults.push({ name: given.name, failure: shownFailure(error).report });
      });
  } finally {
    release();
  }
  if (faults.length === 0) return c.redirect(`/documents/${id}`, 303);
  c.status(422);
  return page(c, dependencies, { only: id, faults });
}

async function page(
  c: Context<Env>,
  dependencies: LibraryDependencies,
  { only, faults = [] }: Shown,
): Promise<Response> {
  const { library } = dependencies;
  const person = personOf(c);
  const all = only === undefined ? await library.reachable(person) : [await listed(c, library, only)];
  const limit = only === undefined ? documentsShownMax : pageDocumentsMax;
  const props = {
    collections: await Promise.all(all.map((each) => shownOf(c, dependencies, each, limit))),
    only: only === undefined ? null : (all[0] as ListedCollection),
    meaning: only === undefined ? await library.meaningProgress() : null,
    mayMakeForHouse: person.role === "admin",
    uploadMaxBytes: library.bounds.documentMaxBytes,
    faults,
    assets: assetPaths,
    words: wordsFor(c),
  };
  return c.html(html(<LibraryPage {...props} />));
}

/** @throws Failure `not_found` */
async function listed(c: Context<Env>, library: Library, id: CollectionId): Promise<ListedCollection> {
  const found = (await library.reachable(personOf(c))).find((each) => each.id === id);
  if (!found) throw new Failure("not_found");
  return found;
}

async function shownOf(
  c: Context<Env>,
  { library, settings }: LibraryDependencies,
  collection: ListedCollection,
  limit: number,
) {
  const person = personOf(c);
  const from = numberIn(c.req.query("from"));
  const documents = await library.documents(person, collection.id, { from, limit });
  const isMeant = (await library.meant(person, collection.name))?.id === collection.id;
  const personas = (await settings.all()).filter(
    ({ documents: names }) => isMeant && names?.includes(collection.name),
  );
  return {
    collection,
    documents,
    from,
    mayChange: library.mayChange(person, collection),
    personas: personas.map(({ name }) => name),
    conversations: (await library.chosenBy(person)).get(collection.id) ?? 0,
  };
}

/** A number in an address; 0 for anything else. */
const numberIn = (value: string | undefined): number => (/^\d{1,9}$/.test(value ?? "") ? Number(value) : 0);
