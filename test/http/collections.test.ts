// Files and collections of documents for programs: what a key opens, and what it does not. If this fails, a script
// reads another person's documents, or an old key can do more than its owner allowed.
// Promises: L2, X1.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hashOf, newKey } from "../../src/auth/secrets.ts";
import type { KeyScope, Person } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { pdf } from "../documents/fixtures.ts";
import type { House } from "../house.ts";
import { until } from "../llama/server.ts";
import { startAnsweringHouse } from "./answering-house.ts";

const origin = "http://app.example";
let house: House;
let stop: () => Promise<void>;
let [ada, bob, root]: Person[] = [];
let [hers, his, roots]: string[] = [];

beforeAll(async () => {
  ({ house, stop } = await startAnsweringHouse({
    ...{ auth: "password", allowOrigins: [origin] },
    bounds: { documentMaxBytes: 100_000, collectionDocumentsMax: 4, fileMaxBytes: 100_000 },
  }));
  const add = (name: string, role: "admin" | "member") =>
    house.store.people.add({ name, role, password: null });
  [ada, bob, root] = [await add("Ada", "member"), await add("Bob", "member"), await add("Root", "admin")];
  [hers, his, roots] = [
    await keyFor(ada, "documents"),
    await keyFor(bob, "documents"),
    await keyFor(root, "documents"),
  ];
});
afterAll(() => stop());

async function keyFor(person: Person | undefined, ...scopes: KeyScope[]): Promise<string> {
  const key = newKey();
  await house.store.keys.add(hashOf(key), { person: person?.id ?? "", name: "test", scopes });
  return key;
}

interface Answered {
  readonly status: number;
  /** null for none. */
  // biome-ignore lint/suspicious/noExplicitAny: what is read of it is what the test is about
  readonly body: any;
}

async function call(
  key: string | undefined,
  what: string,
  body?: object | FormData,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const [method = "", path = ""] = what.split(" ");
  const isForm = body instanceof FormData;
  const response = await fetch(house.url + path, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body && !isForm && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body && { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}
const formWith = (name: string, content: string | Uint8Array): FormData => {
  const form = new FormData();
  form.append("file", new File([content as BlobPart], name));
  return form;
};
const refused = async (answered: Promise<Answered>) => {
  const { status, body } = await answered;
  return [status, body.error.code];
};
const made = async (key: string | undefined, name: string): Promise<string> =>
  (await call(key, "POST /collections", { name })).body.id;
/** Adds a document and waits until it is read. */
async function added(
  key: string | undefined,
  collection: string,
  name: string,
  content: string | Uint8Array,
) {
  const { status, body } = await call(
    key,
    `POST /collections/${collection}/documents`,
    formWith(name, content),
  );
  expect(status).toBe(201);
  const at = `GET /collections/${collection}/documents/${body.id}`;
  await until(async () => (await call(key, at)).body.state !== "reading", `${name} is read`);
  return (await call(key, at)).body;
}

describe("collections", () => {
  test("one is made, filled, searched, emptied and deleted", async () => {
    const { status, body } = await call(hers, "POST /collections", { name: " Lease  papers " });
    const head = { id: expect.any(String), name: "Lease papers", owner: "me", state: "searchable" };
    expect([status, body]).toEqual([201, { ...head, documents: 0, passages: 0 }]);
    const at = `/collections/${body.id}`;
    const letter = await added(hers, body.id, "letter.md", "# Letter\n\nThe notice period is three months.");
    expect(letter).toEqual({
      ...{ id: expect.any(String), path: "letter.md", title: "Letter", bytes: 44, state: "searchable" },
      ...{ pages: 1, picturePages: [], passages: 1, failure: null },
    });
    const scan = await added(
      hers,
      body.id,
      "scan.pdf",
      pdf([[["Heating is read in June, on paper.", 0]], []]),
    );
    expect(scan).toMatchObject({ pages: 2, picturePages: [2], state: "searchable" });
    expect((await call(hers, "GET /collections")).body).toEqual([{ ...body, documents: 2, passages: 2 }]);
    expect((await call(hers, `GET ${at}`)).body).toEqual({ ...head, documents: [letter, scan] });
    expect((await call(hers, `GET ${at}/search?q=notice%20period`)).body).toEqual([
      {
        ...{ document: "Letter", id: letter.id, path: "letter.md", page: 1, headings: ["Letter"] },
        ...{ text: "# Letter\n\nThe notice period is three months.", score: expect.any(Number) },
      },
    ]);
    expect((await call(hers, `GET ${at}/search?q=notice%20heating&limit=1`)).body).toHaveLength(1);
    expect((await call(hers, `DELETE ${at}/documents/${letter.id}`)).status).toBe(204);
    expect((await call(hers, `GET ${at}/search?q=notice`)).body).toEqual([]);
    expect((await call(hers, `DELETE ${at}`)).status).toBe(204);
    expect(await refused(call(hers, `GET ${at}`))).toEqual([404, "not_found"]);
  });

  test("a document that can't be read says why, in the language that is asked for", async () => {
    const id = await made(hers, "broken");
    const broken = await added(hers, id, "broken.pdf", "%PDF-1.7 cut off");
    expect(broken).toMatchObject({ state: "refused", failure: { code: "file_unreadable" } });
    const german = { "accept-language": "de" };
    const { body } = await call(hers, `GET /collections/${id}`, undefined, german);
    expect(body.documents[0].failure.message).toContain("beschädigt");
    expect(broken.failure.message).toContain("damaged");
    await call(hers, `DELETE /collections/${id}`);
  });

  test("a file that was sent before becomes a document; what is no text is refused", async () => {
    const id = await made(hers, "sent before");
    const { body: file } = await call(hers, "POST /files", formWith("rent.txt", "The rent is 900 euros."));
    const { status, body } = await call(hers, `POST /collections/${id}/documents`, { file: file.id });
    expect([status, body.path]).toEqual([201, "rent.txt"]);
    const search = `GET /collections/${id}/search?q=rent`;
    await until(async () => (await call(hers, search)).body.length === 1, "it is found");
    const put = (given: object | FormData) => refused(call(hers, `POST /collections/${id}/documents`, given));
    expect(await put({ file: newId() })).toEqual([404, "not_found"]);
    expect(await put({})).toEqual([400, "bad_request"]);
    expect(await put(formWith("a.bin", new Uint8Array([1, 0, 255, 254])))).toEqual([415, "file_unsupported"]);
    expect(await put(formWith("a.txt", ""))).toEqual([422, "file_empty"]);
    await call(hers, `DELETE /collections/${id}`);
  });

  test("the house's are everybody's to search, and an admin's to change", async () => {
    expect(await refused(call(hers, "POST /collections", { name: "h", owner: "house" }))).toEqual([
      ...[403, "not_admin"],
    ]);
    const { body } = await call(roots, "POST /collections", { name: "handbook", owner: "house" });
    expect(body.owner).toBe("house");
    const document = await added(roots, body.id, "a.txt", "The laundry closes at ten.");
    expect((await call(hers, `GET /collections/${body.id}/search?q=laundry`)).body).toHaveLength(1);
    const at = `/collections/${body.id}`;
    for (const what of [`DELETE ${at}`, `DELETE ${at}/documents/${document.id}`])
      expect(await refused(call(hers, what))).toEqual([403, "not_admin"]);
    const form = formWith("b.txt", "b");
    expect(await refused(call(hers, `POST ${at}/documents`, form))).toEqual([403, "not_admin"]);
    expect((await call(roots, `DELETE ${at}`)).status).toBe(204);
  });
});

describe("what a key does not open", () => {
  test("another person's collections, documents and files are as if they were not there", async () => {
    const id = await made(hers, "private");
    const document = await added(hers, id, "secret.txt", "The secret is a word.");
    const { body: file } = await call(hers, "POST /files", formWith("secret.txt", "secret"));
    expect((await call(his, "GET /collections")).body).toEqual([]);
    const [collection, own] = [`/collections/${id}`, await made(his, "own")];
    for (const what of [
      ...[`GET ${collection}`, `DELETE ${collection}`, `GET ${collection}/search?q=secret`],
      ...[`GET ${collection}/documents/${document.id}`, `DELETE ${collection}/documents/${document.id}`],
      ...[`GET /collections/${own}/documents/${document.id}`, "GET /collections/x"],
      ...[`DELETE /collections/${own}/documents/${document.id}`],
      ...[`GET /files/${file.id}`, `DELETE /files/${file.id}`],
    ])
      expect({ what, answer: await refused(call(his, what)) }).toEqual({ what, answer: [404, "not_found"] });
    const [into, from] = [`POST ${collection}/documents`, `POST /collections/${own}/documents`];
    expect(await refused(call(his, into, formWith("a.txt", "a")))).toEqual([404, "not_found"]);
    expect(await refused(call(his, from, { file: file.id }))).toEqual([404, "not_found"]);
    expect((await call(hers, `GET /collections/${id}/search?q=secret`)).body).toHaveLength(1);
    await call(hers, `DELETE ${collection}`);
  });

  test("without the scope a key opens none of it, and nothing of its body is read", async () => {
    const old = await keyFor(ada, "answers", "embeddings", "conversations");
    for (const what of ["GET /collections", `GET /collections/${newId()}`, `GET /files/${newId()}`])
      expect(await refused(call(old, what))).toEqual([403, "key_scope"]);
    expect(await refused(call(old, "POST /collections", { name: "x" }))).toEqual([403, "key_scope"]);
    const large = formWith("large.txt", "x".repeat(1_000_000));
    for (const path of ["/files", `/collections/${newId()}/documents`])
      expect(await refused(call(old, `POST ${path}`, large))).toEqual([403, "key_scope"]);
    const german = await call(old, "GET /collections", undefined, { "accept-language": "de" });
    expect(german.body.error.message).toStartWith("Diesem Schlüssel fehlt der Bereich documents.");
    const english = await call(old, "GET /collections");
    expect(english.body.error.message).toStartWith("This key lacks the scope documents.");
  });

  test("no key, and one that is not known", async () => {
    expect(await refused(call(undefined, "GET /collections"))).toEqual([401, "not_signed_in"]);
    expect(await refused(call(newKey(), "GET /collections"))).toEqual([401, "bad_key"]);
    expect(await refused(call(newKey(), "POST /files", formWith("a.txt", "a")))).toEqual([401, "bad_key"]);
  });

  test("pages: a key signs nobody in", async () => {
    const all = await keyFor(ada, "answers", "embeddings", "conversations", "documents");
    for (const path of ["/account", "/list", "/export"])
      expect((await call(all, `GET ${path}`)).status).toBe(401);
  });
});

test("bounds: a document's size, documents of a collection, names, and what a search asks for", async () => {
  const id = await made(hers, "bounds");
  const put = (name: string, content: string) =>
    refused(call(hers, `POST /collections/${id}/documents`, formWith(name, content)));
  expect(await put("large.txt", "x".repeat(100_001))).toEqual([413, "too_large"]);
  expect(await put("larger.txt", "x".repeat(400_000))).toEqual([413, "too_large"]);
  for (const name of ["1.txt", "2.txt", "3.txt", "4.txt"]) await added(hers, id, name, `text ${name}`);
  expect(await put("5.txt", "5")).toEqual([413, "collection_full"]);
  expect(await refused(call(hers, "POST /collections", { name: "bounds" }))).toEqual([409, "name_taken"]);
  expect(await refused(call(hers, "POST /collections", { name: "" }))).toEqual([400, "bad_name"]);
  for (const body of [{}, { name: 7 }, { name: "x", owner: "bob" }, []])
    expect(await refused(call(hers, "POST /collections", body))).toEqual([400, "bad_request"]);
  for (const query of ["", "?q=", "?q=x&limit=0", "?q=x&limit=51", "?q=x&limit=many"])
    expect(await refused(call(hers, `GET /collections/${id}/search${query}`))).toEqual([400, "bad_request"]);
  const two = formWith("a.txt", "a");
  two.append("file", new File(["b"], "b.txt"));
  expect(await refused(call(hers, `POST /collections/${id}/documents`, two))).toEqual([400, "bad_request"]);
  await call(hers, `DELETE /collections/${id}`);
});

test("a program that misses an address is told the right ones", async () => {
  for (const what of ["PUT /collections", "GET /collections/", `PATCH /collections/${newId()}/documents`]) {
    const { status, body } = await call(hers, what);
    expect([status, body.error.code]).toEqual([404, "no_such_address"]);
    expect(body.error.message).toContain("GET /collections, POST /collections, GET /collections/ID,");
  }
});

test("a file with a key: sent, told of, fetched, deleted", async () => {
  const { status, body } = await call(hers, "POST /files", formWith("notes.md", "# Notes"));
  expect(status).toBe(201);
  expect(body).toMatchObject({ name: "notes.md", type: "markdown", state: "ready" });
  expect((await call(hers, `GET /files/${body.id}`, undefined, { accept: "application/json" })).body).toEqual(
    body,
  );
  const authorization = { authorization: `Bearer ${hers}` };
  const content = await fetch(`${house.url}/files/${body.id}`, { headers: authorization });
  expect(await content.text()).toBe("# Notes");
  expect((await call(hers, `DELETE /files/${body.id}`)).status).toBe(204);
  expect(await refused(call(hers, `GET /files/${body.id}`))).toEqual([404, "not_found"]);
});

test("pages of an allowed origin may use both with a key; others can't read the answers", async () => {
  const key = { authorization: `Bearer ${hers}` };
  const answers = async (from: string) => {
    const headers = { origin: from, "access-control-request-headers": "authorization" };
    const asked = await fetch(`${house.url}/collections`, { method: "OPTIONS", headers });
    const answer = await fetch(`${house.url}/collections`, { headers: { ...key, origin: from } });
    const failed = await fetch(`${house.url}/files/x`, { headers: { ...key, origin: from } });
    return [asked, answer, failed].map((each) => [
      ...[each.status, each.headers.get("access-control-allow-origin")],
    ]);
  };
  expect(await answers(origin)).toEqual([...[204, 200, 404].map((status) => [status, origin])]);
  expect(await answers("http://other.example")).toEqual([...[403, 200, 404].map((status) => [status, null])]);
});
