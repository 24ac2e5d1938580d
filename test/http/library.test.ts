// The page of documents over plain HTTP: what people see of their collections and the house's, and that nobody
// sees, changes or guesses another's. If this fails, documents are shown to the wrong people.
// Promises: L2, X8.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { newId } from "../../src/domain/id.ts";
import type { House } from "../house.ts";
import { until } from "../llama/server.ts";
import { startAnsweringHouse } from "./answering-house.ts";

let house: House;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ house, stop } = await startAnsweringHouse({
    auth: "header",
    trustedProxies: ["127.0.0.1"],
    bounds: { documentMaxBytes: 2_000 },
  }));
  await house.store.people.add({ name: "root", role: "admin", password: null });
});
afterAll(() => stop());

const as = (person: string, lang = "en") => ({
  "remote-user": person,
  "accept-language": lang,
  origin: house.url,
});

async function open(person: string, path: string, lang = "en") {
  const response = await fetch(house.url + path, { headers: as(person, lang) });
  return { status: response.status, document: parseHTML(await response.text()).document };
}
async function send(person: string, path: string, fields: Record<string, string | File | File[]>) {
  const form = new FormData();
  for (const [name, values] of Object.entries(fields))
    for (const value of [values].flat()) form.append(name, value);
  const isUpload = Object.values(fields).some((value) => typeof value !== "string");
  const body = isUpload ? form : new URLSearchParams([...form.entries()] as [string, string][]);
  const options = { method: "POST", body, headers: as(person), redirect: "manual" as const };
  const response = await fetch(house.url + path, options);
  return {
    status: response.status,
    to: response.headers.get("location"),
    document: parseHTML(await response.text()).document,
  };
}
async function make(person: string, name: string, isHouse = false): Promise<string> {
  const { status, to } = await send(person, "/documents", { name, ...(isHouse && { house: "on" }) });
  expect(status).toBe(303);
  return /#c-(.+)$/.exec(to ?? "")?.[1] as string;
}
const upload = (person: string, id: string, ...files: [name: string, text: string][]) =>
  send(person, `/documents/${id}`, { file: files.map(([name, text]) => new File([text], name)) });
const read = (id: string) =>
  until(
    async () => (await house.store.documents.of(id)).every(({ state }) => state !== "reading"),
    "all are read",
  );

test("a person makes a collection, adds documents, reads their text, removes them", async () => {
  expect((await open("ada", "/documents")).document.querySelector("h1")?.textContent).toBe("Documents");
  expect((await open("ada", "/documents", "de")).document.querySelector("h1")?.textContent).toBe("Dokumente");
  const id = await make("ada", "Lease");
  expect((await send("ada", "/documents", { name: "Lease" })).status).toBe(409);
  const { status, to } = await upload(
    "ada",
    id,
    ["contract.md", "# Contract\n\nThe notice period is <b>three</b> months."],
    ["broken.pdf", "%PDF-1.7 cut off"],
  );
  expect([status, to]).toEqual([303, `/documents/${id}`]);
  await read(id);
  const { document } = await open("ada", `/documents/${id}`);
  expect(document.querySelector("h1")?.textContent).toBe("Lease");
  const items = [...document.querySelectorAll("li")].map((li) => li.textContent?.replace(/\s+/g, " ").trim());
  expect(items).toEqual(
    [
      "broken.pdf 1 kB Remove Not read: This file can't be read: it is damaged, or locked with a password.",
      "contract.md searchable · 1 kB Remove",
    ].map((line) => expect.stringContaining(line.split(" ")[0] as string)) as never,
  );
  expect(items[0]).toContain("Not read: This file can't be read");
  expect(items[1]).toContain("searchable");
  const link = document.querySelector("li a")?.getAttribute("href") ?? "";
  const text = await open("ada", link);
  expect(text.document.querySelector(".passage")?.textContent).toContain("<b>three</b>");
  expect(text.document.querySelector(".passage b")).toBeNull();
  const [broken] = await house.store.documents.of(id);
  expect((await send("ada", `/documents/${id}/forget`, { document: broken?.id ?? "" })).status).toBe(303);
  expect(await house.store.documents.of(id)).toHaveLength(1);
  expect((await send("ada", `/documents/${id}/remove`, {})).to).toBe("/documents");
  expect((await open("ada", `/documents/${id}`)).status).toBe(404);
  expect((await open("ada", link)).status).toBe(404);
});

test("what is refused is named on the page; the rest of the form is kept", async () => {
  const id = await make("ada", "Bounds");
  const { status, document } = await upload("ada", id, ["empty.txt", ""], ["fine.txt", "fine"]);
  expect(status).toBe(422);
  expect(document.querySelector("[role=alert]")?.textContent).toContain("empty.txt is empty.");
  expect((await house.store.documents.of(id)).map(({ path }) => path)).toEqual(["fine.txt"]);
  expect((await upload("ada", id, ["long.txt", "x".repeat(90_000)])).status).toBe(413);
  expect(
    (await upload("ada", id, ["long.txt", "x".repeat(2_001)])).document.querySelector("[role=alert]")
      ?.textContent,
  ).toContain("long.txt: This is larger than the limit");
  expect((await upload("ada", id)).status).toBe(422);
});

test("nobody sees, reads, changes or guesses another's collection", async () => {
  const id = await make("ada", "Secrets");
  await upload("ada", id, ["secret.txt", "Zwiebelkuchen"]);
  await read(id);
  const [document] = await house.store.documents.of(id);
  for (const other of ["eve", "root"]) {
    expect((await open(other, "/documents")).document.body.textContent).not.toContain("Secrets");
    for (const collection of [id, newId(), "x"]) {
      for (const path of ["", "/list", `/${document?.id}`])
        expect((await open(other, `/documents/${collection}${path}`)).status).toBe(404);
      expect((await upload(other, collection, ["a.txt", "a"])).status).toBe(404);
      expect((await send(other, `/documents/${collection}/remove`, {})).status).toBe(404);
      const forget = { document: document?.id ?? "" };
      expect((await send(other, `/documents/${collection}/forget`, forget)).status).toBe(404);
    }
  }
  const own = await make("eve", "Mine");
  expect((await open("eve", `/documents/${own}/${document?.id}`)).status).toBe(404);
  expect((await send("eve", `/documents/${own}/forget`, { document: document?.id ?? "" })).status).toBe(404);
  expect(await house.store.documents.of(id)).toHaveLength(1);
});

test("the house's collections: admins change them, everybody reads them, nobody those of a folder", async () => {
  expect((await send("ada", "/documents", { name: "Manual", house: "on" })).status).toBe(403);
  expect((await open("ada", "/documents")).document.querySelector("input[name=house]")).toBeNull();
  const id = await make("root", "Manual", true);
  await upload("root", id, ["washing.txt", "The machine washes."]);
  await read(id);
  const { document } = await open("ada", `/documents/${id}`);
  expect(document.querySelectorAll("input[type=file], button").length).toBe(0);
  expect(document.body.textContent).toContain("everybody can search it");
  expect((await upload("ada", id, ["a.txt", "a"])).status).toBe(403);
  expect((await send("ada", `/documents/${id}/remove`, {})).status).toBe(403);
  const ofFolder = await house.store.collections.add(null, "Folder", "/secret/place");
  const page = await open("root", `/documents/${ofFolder.id}`);
  expect(page.document.body.textContent).toContain("read from a folder");
  expect(page.document.body.textContent).not.toContain("/secret/place");
  expect(page.document.querySelectorAll("input[type=file], button").length).toBe(0);
  expect((await upload("root", ofFolder.id, ["a.txt", "a"])).status).toBe(403);
});

test("a list in which a document is being read fetches itself again; others do not", async () => {
  const { id } = await house.store.collections.add(null, "Large", null);
  const head = { path: "a.pdf", hash: "1f", bytes: 7, file: null };
  const reading = await house.store.documents.begin(id, head);
  const listOf = async () => (await open("ada", `/documents/${id}/list`)).document.querySelector("div");
  expect((await listOf())?.getAttribute("hx-trigger")).toBe("every 2s");
  expect((await open("ada", `/documents/${id}`)).document.querySelector("noscript meta")).not.toBeNull();
  await house.store.documents.fill(reading, { title: null, pages: 9, picturePages: [3, 4, 5, 9] }, []);
  expect((await listOf())?.getAttribute("hx-trigger")).toBeNull();
  expect((await listOf())?.textContent).toContain(
    "These pages are pictures, so their text can't be found: 3–5, 9",
  );
});

test("a long list and a long text come in pages", async () => {
  const { id } = await house.store.collections.add(null, "Long", null);
  for (let i = 0; i < 203; i++) {
    const head = { path: `${1000 + i}.txt`, hash: "1f", bytes: 7, file: null };
    const document = await house.store.documents.begin(id, head);
    const passage = { page: 1, start: 0, end: 1, headings: [], words: ["a"], compounds: [] };
    const passages = Array.from({ length: i === 0 ? 52 : 1 }, (_, n) => ({ ...passage, text: `line ${n}` }));
    await house.store.documents.fill(document, { title: null, pages: 1, picturePages: [] }, passages);
  }
  expect((await open("ada", "/documents")).document.body.textContent).toContain("All 203 documents");
  const first = await open("ada", `/documents/${id}`);
  expect(first.document.querySelectorAll("li")).toHaveLength(200);
  const rest = await open("ada", `/documents/${id}?from=200`);
  expect(rest.document.querySelectorAll("li")).toHaveLength(3);
  const address = first.document.querySelector("li a")?.getAttribute("href");
  expect((await open("ada", `${address}`)).document.querySelectorAll(".passage")).toHaveLength(50);
  const second = await open("ada", `${address}?from=50`);
  expect([...second.document.querySelectorAll(".passage")].map((each) => each.textContent?.trim())).toEqual([
    "line 50",
    "line 51",
  ]);
});
