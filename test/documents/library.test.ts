// Documents that people add one by one: who may, within which bounds, and how they are read behind everything
// else. If this fails, somebody sees another's documents, or a document is never read.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import type { Library } from "../../src/documents/library.ts";
import type { Person } from "../../src/domain/account.ts";
import type { Collection, StoredDocument } from "../../src/domain/document.ts";
import { newId } from "../../src/domain/id.ts";
import { openAttachments } from "../../src/server/attached-files.ts";
import { openLibrary } from "../../src/server/library.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { until } from "../llama/server.ts";
import { pdf } from "./fixtures.ts";

const file = () => join(mkdtempSync(join(tmpdir(), "parlor-library-")), "parlor.db");
let path: string;
let store: Store;
let library: Library;
let background: { start(): void; stop(): Promise<void> };
let [ada, bob, root]: Person[] = [];
let hers: Collection;

function open(wished: Partial<typeof defaultBounds> = {}): void {
  store = openSqlite(path);
  const bounds = { ...defaultBounds, ...wished };
  const log = openLog({ level: "error", format: "json", write() {} });
  const attachments = openAttachments([store], () => store, bounds);
  const bug = (error: unknown) => {
    throw error;
  };
  ({ library, background } = openLibrary({ store, documents: null, bounds, log }, attachments, bug));
}
beforeEach(async () => {
  path = file();
  open();
  const add = (name: string, role: "admin" | "member") => store.people.add({ name, role, password: "hash" });
  [ada, bob, root] = [await add("ada", "member"), await add("bob", "member"), await add("root", "admin")];
  hers = await library.add(ada, { name: " My  papers ", isHouse: false });
});
afterEach(async () => {
  await background.stop();
  await store.close();
});

const put = (name: string, content: string | Uint8Array, person = ada, to = hers) =>
  library.put(person as Person, to.id, { name, bytes: Buffer.from(content) });
const state = async ({ id }: StoredDocument) => (await store.documents.document(id))?.state;
const settled = (document: StoredDocument) =>
  until(async () => (await state(document)) !== "reading", `${document.path} is read`);
/** Some passages of a document that is not searchable yet are in the file. */
function isStoring(): boolean {
  const db = new Database(path, { readonly: true });
  try {
    return db.query("select 1 from passages limit 1").get() !== null;
  } finally {
    db.close();
  }
}
const find = async (person: Person | undefined, question: string) =>
  (await library.search(person as Person, hers.id, { question, limit: 5 })).map((hit) => hit.path);

test("what is added is read behind this, and found", async () => {
  expect(hers).toMatchObject({ name: "My papers", owner: ada?.id, folder: null });
  const document = await put("../letter.md", "# Letter\n\nThe notice period is three months.");
  expect(document).toMatchObject({ path: "letter.md", state: "reading", passages: 0 });
  await settled(document);
  expect(await library.documents(ada as Person, hers.id)).toMatchObject([
    { id: document.id, path: "letter.md", state: "searchable", pages: 1, passages: 1, bytes: 44 },
  ]);
  expect(await find(ada, "notice")).toEqual(["letter.md"]);
  expect(await library.passages(ada as Person, document.id, { from: 0, limit: 9 })).toMatchObject([
    { page: 1, text: "# Letter\n\nThe notice period is three months." },
  ]);
  const scanned = await put("scan.pdf", pdf([[["Heating is read in June, on paper.", 0]], [], []]));
  await settled(scanned);
  expect(await store.documents.document(scanned.id)).toMatchObject({ pages: 3, picturePages: [2, 3] });
});

test("the same content changes nothing; another takes the place of the one with its name, once it is read", async () => {
  const first = await put("letter.txt", "notice");
  await settled(first);
  expect((await put("letter.txt", "notice")).id).toBe(first.id);
  const second = await put("letter.txt", "deposit");
  await settled(second);
  expect(await find(ada, "notice deposit")).toEqual(["letter.txt"]);
  expect(await state(first)).toBeUndefined();
  expect(await store.files.usedBytes(ada?.id ?? "")).toBe(7);
  await library.forget(ada as Person, hers.id, second.id);
  expect(await find(ada, "deposit")).toEqual([]);
  expect(await store.files.usedBytes(ada?.id ?? "")).toBe(0);
});

test("what can't be read is refused, at once or with its reason", async () => {
  await expect(put("a.png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10]))).rejects.toMatchObject({
    code: "file_unsupported",
  });
  await expect(put("a.txt", "")).rejects.toMatchObject({ code: "file_empty" });
  const broken = await put("broken.pdf", "%PDF-1.7 cut off");
  await settled(broken);
  expect(await store.documents.document(broken.id)).toMatchObject({
    state: "refused",
    failure: { code: "file_unreadable" },
  });
  const other = await put("fine.txt", "notice");
  await settled(other);
  expect(await find(ada, "notice")).toEqual(["fine.txt"]);
});

test("bounds: documents, bytes of one and of all, collections", async () => {
  await background.stop();
  await store.close();
  open({ documentMaxBytes: 2_000, collectionDocumentsMax: 2, filesMaxBytes: 3_000 });
  await expect(put("a.txt", "x".repeat(2_001))).rejects.toMatchObject({ code: "too_large" });
  await put("a.txt", "x".repeat(1_900));
  await expect(put("b.txt", "x".repeat(1_900))).rejects.toMatchObject({ code: "files_full" });
  await put("b.txt", "b");
  await expect(put("c.txt", "c")).rejects.toMatchObject({ code: "collection_full" });
  await put("b.txt", "bb");
  for (let i = 1; i < 100; i++) await library.add(ada as Person, { name: `${i}`, isHouse: false });
  const one = { name: "one more", isHouse: false };
  await expect(library.add(ada as Person, one)).rejects.toMatchObject({ code: "too_many_collections" });
  await library.add(bob as Person, one);
  for (const name of ["", "x".repeat(65), "a\u0000b"])
    await expect(library.add(bob as Person, { name, isHouse: false })).rejects.toMatchObject({
      code: "bad_name",
    });
});

test("nobody sees, searches, changes or guesses another's collection; an admin's are no exception", async () => {
  const document = await put("letter.txt", "notice");
  await settled(document);
  for (const other of [bob, root] as Person[]) {
    const attempts = [
      () => library.collection(other, hers.id),
      () => library.documents(other, hers.id),
      () => library.search(other, hers.id, { question: "notice", limit: 5 }),
      () => library.document(other, document.id),
      () => library.passages(other, document.id, { from: 0, limit: 5 }),
      () => put("more.txt", "notice", other),
      () => library.forget(other, hers.id, document.id),
      () => library.remove(other, hers.id),
      () => library.collection(other, newId()),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: "not_found" });
    expect(await library.reachable(other)).toEqual([]);
  }
  const own = await library.add(bob as Person, { name: "My papers", isHouse: false });
  await expect(library.forget(bob as Person, own.id, document.id)).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await find(ada, "notice")).toEqual(["letter.txt"]);
});

test("the house's collections: everybody searches them, admins change them, nobody those of a folder", async () => {
  const made = library.add(ada as Person, { name: "manual", isHouse: true });
  await expect(made).rejects.toMatchObject({ code: "not_admin" });
  const manual = await library.add(root as Person, { name: "manual", isHouse: true });
  await settled(await put("washing.txt", "The machine washes.", root, manual));
  const hits = library.search(bob as Person, manual.id, { question: "machine", limit: 5 });
  expect((await hits).map((hit) => hit.path)).toEqual(["washing.txt"]);
  await expect(put("b.txt", "b", ada, manual)).rejects.toMatchObject({ code: "not_admin" });
  const ofFolder = await store.collections.add(null, "lease", "/files/lease");
  await expect(put("b.txt", "b", root, ofFolder)).rejects.toMatchObject({ code: "collection_read_only" });
  await expect(library.remove(root as Person, ofFolder.id)).rejects.toMatchObject({
    code: "collection_read_only",
  });
  await store.people.add({ name: "another", role: "admin", password: "hash" });
  await store.people.erase(root?.id ?? "");
  expect((await library.search(bob as Person, manual.id, { question: "machine", limit: 5 })).length).toBe(1);
  await store.files.removeUnsent(Date.now() + 1_000);
  const [document] = await store.documents.of(manual.id);
  const pieces = await Array.fromAsync(store.files.content(document?.file ?? ""));
  expect(Buffer.concat(pieces).toString()).toBe("The machine washes.");
});

test("a document whose reading a process did not end is read by the next one", async () => {
  await background.stop();
  const document = await put("letter.txt", "notice");
  await store.close();
  open();
  expect(await state(document)).toBe("reading");
  background.start();
  await settled(document);
  expect(await find(ada, "notice")).toEqual(["letter.txt"]);
});

test("a process ends at once while a long document is stored; the next one begins it anew", async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `The notice period of line ${i} is three months.`);
  const document = await put("long.txt", lines.join("\n\n"));
  const passages = () => store.documents.passages(document.id, 0, 1);
  const begun = () => store.documents.document(document.id);
  await until(async () => (await begun())?.state === "reading" && isStoring(), "it is being stored");
  await background.stop();
  expect(await begun()).toMatchObject({ state: "reading" });
  expect(await passages()).toEqual([]);
  await store.close();
  open();
  background.start();
  await settled(document);
  const { passages: count = 0 } = (await begun()) ?? {};
  expect(count).toBeGreaterThan(100);
  expect(await store.documents.passages(document.id, 0, 2 * count)).toHaveLength(count);
});

test("the same content attached to a question has its text, though the document's content has none", async () => {
  await settled(await put("letter.txt", "notice"));
  const attachments = openAttachments([store], () => store, defaultBounds);
  const attached = await attachments.take(ada as Person, null, {
    name: "letter.txt",
    bytes: Buffer.from("notice"),
  });
  expect(attached).toMatchObject({ type: "text", pages: 1 });
  const [document] = await store.documents.of(hers.id);
  await library.forget(ada as Person, hers.id, document?.id ?? "");
  const pieces = await Array.fromAsync(store.files.content(attached.id));
  expect(Buffer.concat(pieces).toString()).toBe("notice");
});

test("X7: an erased person's collections leave no byte in the file", async () => {
  await settled(await put("secret.md", "Zwiebelkuchenrezept\n\nQuittengelee"));
  await store.people.erase(ada?.id ?? "");
  await expect(library.collection(ada as Person, hers.id)).rejects.toMatchObject({ code: "not_found" });
  await background.stop();
  await store.close();
  const bytes = readFileSync(path, "latin1");
  for (const word of ["Zwiebelkuchen", "zwiebelkuch", "Quittengelee", "secret.md", "My papers"])
    expect({ word, isThere: bytes.includes(word) }).toEqual({ word, isThere: false });
  open();
});
