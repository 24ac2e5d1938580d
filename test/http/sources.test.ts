// What a citation leads to, with the real llama-server: the passage with marked words, its neighbours, its document's
// file. If this fails, a source shows somebody what is not theirs, or a file runs as a page of parlor's.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { sourcesIn } from "../../src/domain/part.ts";
import { answerTo, documentFolder, houseWith, indexed, listenedLlama } from "../documents/asking.ts";
import { pdf } from "../documents/fixtures.ts";
import { type House, PageClient } from "../house.ts";

const long = (text: string) => `${text} `.repeat(40).trim();
const contract = [
  "# Vertrag",
  `## § 2 Hausordnung\n\n${long("Treppen werden wöchentlich geputzt.")}`,
  "## § 3 Kündigung\n\nDer Vertrag kann mit drei Monaten Frist gekündigt werden. <b>Schriftform</b> & Siegel.",
  `## § 4 Garten\n\n${long("Bäume werden im Herbst geschnitten.")}`,
].join("\n\n");
const documents = documentFolder({
  "vertrag.md": contract,
  "miete.txt": "Die Miete kostet 840 Euro im Monat.",
});
let llama: Awaited<ReturnType<typeof listenedLlama>>;
let house: House;
/** Address of the conversation's first source; each test has a conversation of its own. */
let source: string;
/** Document of each source, in order. */
let names: string[];

const ask = async (text: string) => {
  const page = await new PageClient(house, undefined, { "remote-user": "ada" }).ready();
  await answerTo(page, text);
  const parts = (await house.store.record(page.conversation))?.messages.at(-1)?.parts ?? [];
  names = sourcesIn(parts).map(({ document }) => document);
  const message = page.last?.id;
  page.close();
  return { path: `/c/${page.conversation}/source/`, message };
};
const get = (path: string, headers: Record<string, string> = {}, person = "ada") =>
  fetch(house.url + path, { headers: { "remote-user": person, ...headers } });
const documentOf = async (path: string, headers: Record<string, string> = {}) =>
  parseHTML(await (await get(path, headers)).text()).document;
const notes = async (path = source) =>
  [...(await documentOf(path)).querySelectorAll(".note")].slice(1).map((note) => note.textContent);

beforeAll(async () => {
  llama = await listenedLlama();
  writeFileSync(
    join(documents.haus, "garage.pdf"),
    pdf([[["Vorwort der Anlage", 0]], [["Garagenplatz vier gilt als Parkdeck", 0]]]),
  );
  house = await houseWith(documents, { llama: llama.url, auth: "header", trustedProxies: ["127.0.0.1"] });
});
beforeEach(async () => {
  documents.put("haus/vertrag.md", contract);
  await indexed(house, documents.haus);
  const { path } = await ask("Welche Kündigungsfrist gilt im Vertrag, und ist Schriftform nötig?");
  expect(names[0]).toBe("vertrag.md");
  source = `${path}1`;
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

test("the words that the citing sentence shares with the passage are marked; its neighbours stand around it", async () => {
  const document = await documentOf(source);
  expect(document.querySelector("h1")?.textContent).toBe("Source 1");
  const passage = document.querySelector("blockquote.passage");
  expect(passage?.textContent).toContain("gekündigt werden. <b>Schriftform</b> & Siegel.");
  expect(passage?.querySelector("b")).toBeNull();
  expect([...document.querySelectorAll(".passage mark")].map((mark) => mark.textContent)).toEqual([
    ...["Vertrag", "drei", "Monaten", "Frist", "gekündigt"],
  ]);
  const beside = [...document.querySelectorAll(".beside")].map((each) => each.textContent ?? "");
  expect(beside).toHaveLength(2);
  expect(beside[0]).toMatch(/^… .*wöchentlich geputzt\.$/);
  expect(beside[1]).toMatch(/^## § 4 Garten\s+Bäume .* …$/);
  expect(await notes()).toEqual([]);
});

test("the page is also a fragment; the message that cites says which sentence it is", async () => {
  const { path, message } = await ask("Kündigungsfrist: Schriftform im Vertrag? Miete im Monat?");
  const miete = `${path}${names.indexOf("miete.txt") + 1}`;
  const fragment = await (await get(`${miete}?at=${message}`, { "hx-request": "true" })).text();
  expect(fragment).not.toContain("<html");
  const { document } = parseHTML(`<body>${fragment}</body>`);
  expect(document.querySelector("form[method=dialog] h2")?.textContent).toStartWith("Source ");
  expect(document.querySelector("form[method=dialog] button")?.getAttribute("aria-label")).toBe("Close");
  expect([...document.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual([
    "Miete",
    "kostet",
    "840",
    "Euro",
  ]);
  for (const at of ["x", "0".repeat(22), "<"]) expect((await get(`${miete}?at=${at}`)).status).toBe(200);
});

test("a document that has changed, is back as it was, or is gone is said to be so; the passage stays", async () => {
  const text = (await documentOf(source)).querySelector(".passage")?.textContent;
  const isShown = async () =>
    expect((await documentOf(source)).querySelector(".passage")?.textContent).toBe(text as string);
  documents.put("haus/vertrag.md", contract.replace("drei", "sechs"));
  await indexed(house, documents.haus);
  expect(await notes()).toEqual(["The document has changed since. This is the passage as it was read."]);
  expect((await documentOf(source)).querySelector(".beside, a[download]")).toBeNull();
  await isShown();
  expect((await get(`${source}/original`)).status).toBe(404);
  documents.put("haus/vertrag.md", contract);
  await indexed(house, documents.haus);
  expect(await notes()).toEqual([]);
  rmSync(join(documents.haus, "vertrag.md"));
  // not read anew yet: the text is known, the file is not there
  expect(await notes()).toEqual([]);
  expect((await documentOf(source)).querySelector("a[download]")).toBeNull();
  expect((await get(`${source}/original`)).status).toBe(404);
  await indexed(house, documents.haus);
  expect((await notes())[0]).toStartWith("The document was removed since, or is no longer open to you.");
  await isShown();
});

test("the file of a document is saved, never shown as a page; a PDF is shown at its page", async () => {
  const link = (await documentOf(source)).querySelector("a[download]");
  expect([link?.getAttribute("href"), link?.getAttribute("download")]).toEqual([
    `${source}/original`,
    "vertrag.md",
  ]);
  const file = await get(`${source}/original`);
  expect(await file.text()).toBe(contract);
  const safe = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
  };
  const headers = (response: Response, ...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, response.headers.get(name)]));
  expect(headers(file, ...Object.keys(safe), "content-type", "content-disposition")).toEqual({
    ...{ ...safe, "content-type": "application/octet-stream" },
    "content-disposition": "attachment; filename*=UTF-8''vertrag.md",
  });
  const { path } = await ask("Welcher Garagenplatz gilt als Parkdeck?");
  const shown = await documentOf(`${path}1`);
  expect(names[0]).toBe("garage.pdf");
  const opened = [...shown.querySelectorAll("a")].find(
    (a) => a.textContent === "Open the document at page 2",
  );
  expect(opened?.getAttribute("href")).toBe(`${path}1/original#page=2`);
  const asPdf = await get(`${path}1/original`);
  expect(headers(asPdf, ...Object.keys(safe), "content-type", "content-disposition")).toEqual({
    ...{ ...safe, "content-type": "application/pdf" },
    "content-disposition": "inline; filename*=UTF-8''garage.pdf",
  });
  expect((await asPdf.bytes()).slice(0, 5)).toEqual(new TextEncoder().encode("%PDF-"));
});

test("a file that was exchanged without being read is not given out", async () => {
  documents.put("haus/vertrag.md", contract.replace("drei", "vier"));
  expect((await get(`${source}/original`)).status).toBe(404);
});

test("nobody else opens a source or its file, and a collection out of reach gives nothing but the passage", async () => {
  for (const path of [source, `${source}/original`, `${source}?at=x`])
    expect((await get(path, {}, "bob")).status).toBe(404);
  expect((await get(`${source}9`)).status).toBe(404);
  const conversation = source.split("/")[2] as string;
  const found = await house.store.sources.find(conversation, 1);
  const hidden = await house.store.collections.add("bob", "haus", documents.haus);
  const { collections } = house.store;
  const reachable = collections.reachable.bind(collections);
  expect((await reachable("ada")).some(({ id }) => id === found?.place?.collection)).toBe(true);
  expect((await reachable("ada")).some(({ id }) => id === hidden.id)).toBe(false);
  await collections.remove(found?.place?.collection as string);
  expect((await notes())[0]).toStartWith("The document was removed since, or is no longer open to you.");
  expect((await get(`${source}/original`)).status).toBe(404);
});
