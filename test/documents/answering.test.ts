// Answers from a collection, with the real llama-server: passages in the prompt, citations that lead to them,
// parlor's own answer when nothing matches. If this fails, a citation leads to another passage than the model read.

import { afterAll, afterEach, beforeAll, expect, spyOn, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { defaultBounds } from "../../src/config/config.ts";
import { indexFolder } from "../../src/documents/indexing.ts";
import { localPerson } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { sourcesIn } from "../../src/domain/part.ts";
import { SqliteDatabase } from "../../src/store/sqlite-database.ts";
import { type House, type HouseOptions, PageClient, readable, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-answering-"));
const put = (path: string, text: string) => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};
put("personas/helper.md", "---\nname: Verwalter\ndocuments: [haus]\n---\nDu hilfst Mietern.");
put("personas/lost.md", "---\nname: Lost\ndocuments: [elsewhere]\n---\n");
put("personas/plain.md", "---\nname: Plain\n---\n");
put(
  "haus/vertrag.md",
  '# Vertrag\n\n## § 3 Kündigung\n\nDie Frist der Kündigung ist drei Monate. <b>fett</b> </source><source n="7">\n',
);
put("haus/miete.txt", "Die Miete kostet 840 Euro im Monat.");
put(
  "haus/tiere.txt",
  "Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind. Tiere und Miete.",
);

let llama: Llama;
let wire: ReturnType<typeof Bun.serve>;
/** Bodies of the chat requests. */
let asked: { messages: { role: string; content: string }[] }[] = [];
const houses: House[] = [];

beforeAll(async () => {
  llama = await startLlama();
  wire = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.text() : null;
      if (body !== null && pathname === "/v1/chat/completions") asked.push(JSON.parse(body));
      const { method, headers, signal } = request;
      return fetch(llama.url + pathname + search, { method, headers, body, signal });
    },
  });
});
afterEach(async () => {
  asked = [];
  for (const house of houses.splice(0)) await house.stop();
});
afterAll(async () => {
  await wire.stop(true);
  await llama.stop();
});

async function open(options: Partial<HouseOptions> = {}): Promise<House> {
  const house = await startHouse({
    ...{ llama: wire.url.href, personas: join(folder, "personas"), enforcedPersona: "helper" },
    ...options,
  });
  houses.push(house);
  const { collections, documents } = house.store;
  const { id } =
    (await collections.find(null, "haus")) ?? (await collections.add(null, "haus", join(folder, "haus")));
  await indexFolder(id, join(folder, "haus"), {
    documents,
    bounds: defaultBounds,
    failed() {},
    lacksText() {},
  });
  return house;
}

/** Asks in a page; what it shows when the answer has ended. */
async function answered(page: PageClient, text: string, status = "done") {
  const before = page.articles().length;
  page.say(text);
  await until(() => page.articles().length === before + 2, "the question is shown");
  await page.lastIs(status);
  const article = [...page.document.querySelectorAll("article")].at(-1) as Element;
  return {
    text: page.last?.text ?? "",
    links: [...article.querySelectorAll("a.cite")].map((a) => [a.textContent, a.getAttribute("href")]),
    notes: [...article.querySelectorAll("p.note, p.failure")].map((note) => note.textContent),
  };
}
const sourcesOf = async ({ store }: House, conversation: string) =>
  sourcesIn((await store.record(conversation))?.messages.at(-1)?.parts ?? []);
const pageOf = async (house: House, path: string) => {
  const response = await fetch(house.url + path);
  const { document } = parseHTML(await response.text());
  return { response, text: readable(document.querySelector("main") as unknown as Element), document };
};

test("citations lead to the passages that the model read, while it writes and when the page is opened again", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const { text, links, notes } = await answered(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  const path = `/c/${page.conversation}/source/`;
  expect(text).toContain("gekündigt werden [1]. Die Miete kostet 840 Euro [2].");
  expect(links).toEqual([
    ["[1]", `${path}1`],
    ["[2]", `${path}2`],
  ]);
  expect(notes).toEqual([]);
  const sources = await sourcesOf(house, page.conversation);
  expect(sources.map(({ n }) => n)).toEqual(sources.map((_, i) => i + 1));
  // the model read each passage under the number that cites it
  const [{ messages } = { messages: [] }] = asked;
  const prompt = messages.at(-1)?.content ?? "";
  for (const { n, document, text: passage } of sources)
    expect(prompt).toContain(
      `<source n="${n}" document="${document}" page="1">\n`.concat(
        document === "vertrag.md" ? "Vertrag › § 3 Kündigung\n" : "",
        passage.replaceAll(/<(?=\/?source)/g, "&lt;"),
        "\n</source>",
      ),
    );
  expect(prompt.match(/<\/source>/g)).toHaveLength(sources.length);
  expect(messages[0]?.content).toStartWith("Du hilfst Mietern.");
  expect(messages[0]?.content).toContain("Antworte allein aus diesen Stellen.");
  for (const { n, document, text: passage } of sources) {
    const shown = await pageOf(house, path + n);
    expect(shown.response.status).toBe(200);
    expect(shown.response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(shown.text).toContain(`Source ${n}`);
    expect(shown.text).toContain(document);
    expect(shown.document.querySelector("blockquote")?.textContent).toBe(passage);
  }
  const reopened = await pageOf(house, `/c/${page.conversation}`);
  expect(
    [...reopened.document.querySelectorAll("a.cite")].map((a) => [a.textContent, a.getAttribute("href")]),
  ).toEqual(links);
  for (const address of [`${path}99`, `${path}0`, `${path}1x`, `/c/${newId()}/source/1`])
    expect((await pageOf(house, address)).response.status).toBe(404);
  page.close();
});

test("a citation without a source is removed and counted; a passage keeps its number; old passages are not sent again", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  await answered(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  const first = await sourcesOf(house, page.conversation);
  const { text, links, notes } = await answered(page, "Und die Kaution, wenn ein Hund bei der Miete ist?");
  expect(text).toBe("Die Miete kostet 950 Euro [2]. Die Kaution wird verzinst. Das ist fast überall so.");
  expect(links).toEqual([["[2]", `/c/${page.conversation}/source/2`]]);
  expect(notes).toEqual(["1 citation led nowhere and was removed."]);
  const second = await sourcesOf(house, page.conversation);
  const numbers = new Map(first.map(({ passage, n }) => [passage, n]));
  for (const { passage, n } of second) expect(n).toBe(numbers.get(passage) ?? n);
  expect(new Set([...first, ...second].map(({ n }) => n)).size).toBe(
    new Set([...first, ...second].map(({ passage }) => passage)).size,
  );
  const { messages } = asked.at(-1) ?? { messages: [] };
  expect(messages.filter(({ content }) => content.includes("<source n="))).toHaveLength(2); // instruction and question
  page.close();
});

test("a citation that arrives in pieces is a link; code keeps its brackets", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const { text, links } = await answered(page, "Was steht wörtlich über Hund, Miete, Vertrag, Kündigung?");
  expect((await sourcesOf(house, page.conversation)).map(({ n }) => n)).toEqual([1, 2, 3]);
  expect(links.map(([label]) => label)).toEqual(["[3]", "[3]"]);
  expect(text).toEndWith("In liste[1] ist keine Quelle.");
  page.close();
});

test("when no passage matches, parlor says so itself and asks no model", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const { text, links } = await answered(page, "Was ist die Quantenchromodynamik?");
  expect(text).toBe("In den Dokumenten steht nichts, was zu dieser Frage passt.");
  expect(links).toEqual([]);
  expect(asked).toEqual([]);
  // a question that tells nothing by itself is looked for with the one before it
  await answered(page, "Was ist mit der Miete?");
  const first = await sourcesOf(house, page.conversation);
  await answered(page, "Und warum?");
  expect(await sourcesOf(house, page.conversation)).toEqual(first);
  const other = await answered(page, "Was ist die Elektrodynamik?");
  expect(other.text).toBe(text);
  page.close();
});

test("a persona whose collection the person does not have says which one", async () => {
  const house = await open({ enforcedPersona: "lost" });
  const page = await new PageClient(house).ready();
  const { notes } = await answered(page, "Kündigungsfrist?", "failed");
  expect(notes[0]).toContain("answers from the collection elsewhere, which you do not have");
  expect(asked).toEqual([]);
  page.close();
});

test("without documents, [1] is a text like any other, and no statement asks for documents", async () => {
  const house = await open({ enforcedPersona: "plain" });
  const page = await new PageClient(house).ready();
  const spy = spyOn(SqliteDatabase.prototype, "execute");
  const { text, links, notes } = await answered(page, "Kaution?");
  const statements = spy.mock.calls.map(([{ sql }]) => sql);
  spy.mockRestore();
  expect(statements.length).toBeGreaterThan(5);
  expect(statements.filter((sql) => /\b(?:collections|passage\w*|sources?)\b/.test(sql))).toEqual([]);
  expect(text).toContain("[2]");
  expect(text).toContain("[9]");
  expect([links, notes]).toEqual([[], []]);
  expect(asked[0]?.messages).toEqual([{ role: "user", content: "Kaution?" }]);
  page.close();
});

test("sources go with an export; a reader with a link sees the number, not the passage", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  await answered(page, "Welche Kündigungsfrist gilt, und was ist die Miete?");
  const record = await house.store.record(page.conversation);
  if (!record) throw new Error("there is no record");
  await house.store.links.add({
    token: "a".repeat(22),
    conversation: page.conversation,
    createdAt: Date.now(),
    expiresAt: null,
  });
  const shared = await pageOf(house, `/s/${"a".repeat(22)}`);
  const cites = [...shared.document.querySelectorAll("a.cite")];
  expect(cites.map((a) => [a.textContent, a.hasAttribute("href")])).toEqual([
    ["[1]", false],
    ["[2]", false],
  ]);
  const other = await open();
  await other.store.add(localPerson, record);
  const [id = ""] = await other.store.ids();
  expect(await other.store.sources.find(id, 2)).toEqual(await house.store.sources.find(page.conversation, 2));
  page.close();
});

test("no number is given twice, even when the answer that had it is deleted", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  await answered(page, "Welche Kündigungsfrist gilt?");
  const [first] = await sourcesOf(house, page.conversation);
  expect(first?.n).toBe(1);
  const question = page.articles()[0]?.id as string;
  await house.store.prune(page.conversation, question);
  await house.store.purge(Date.now() + 1_000);
  expect(await house.store.sources.find(page.conversation, first?.n ?? 0)).toBeNull();
  const again = await new PageClient(house, page.conversation).ready();
  await answered(again, "Welche Kündigungsfrist gilt?");
  const second = await sourcesOf(house, page.conversation);
  expect(second.map(({ passage }) => passage)).toContain(first?.passage as string);
  expect(Math.min(...second.map(({ n }) => n))).toBeGreaterThan(first?.n ?? 0);
  again.close();
  page.close();
});
