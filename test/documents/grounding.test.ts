// The check of answers from documents, with the real llama-server: right, wrong and missing citations, a wrong number, an
// invented quotation, while the answer is written and afterwards. If this fails, an invented fact has a source.
// Promises: R9.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { sourcesIn } from "../../src/domain/part.ts";
import { groundingOf } from "../../views/answer.tsx";
import { type House, PageClient, readable } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";
import { answerTo, documentFolder, houseWith, listenedLlama } from "./asking.ts";

const documents = documentFolder({
  "vertrag.md": "# Vertrag\n\n## § 3 Kündigung\n\nDie Frist der Kündigung ist drei Monate.\n",
  "miete.txt": "Die Miete kostet 840 Euro im Monat.",
  "tiere.txt": "Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind. Tiere und Miete.",
});
for (const grounding of ["strict", "off"])
  documents.put(
    `personas/${grounding}.md`,
    `---\ndocuments: [haus]\ngrounding: ${grounding}\n---\nDu hilfst.`,
  );
let llama: Awaited<ReturnType<typeof listenedLlama>>;
const houses: House[] = [];
const open = async (enforcedPersona = "helper") => {
  const house = await houseWith(documents, { llama: llama.url, enforcedPersona });
  houses.push(house);
  return { house, page: await new PageClient(house).ready() };
};

beforeAll(async () => {
  llama = await listenedLlama();
});
afterEach(async () => {
  for (const house of houses.splice(0)) await house.stop();
});
afterAll(() => llama.stop());

const rent = "Welche Kündigungsfrist gilt, und was ist die Miete?";
const deposit = "Und die Kaution, wenn ein Hund bei der Miete ist?";
const quoted = "Was steht wörtlich über Hund, Miete, Vertrag, Kündigung?";

/** Marks of an answer, with their words; the line below it. */
const foundIn = (article: Element) => ({
  marks: [...article.querySelectorAll("[data-says]")].map((each) => [
    each.getAttribute("data-grounding"),
    each.getAttribute("data-says"),
    readable(each),
  ]),
  line: readable(article.querySelector("p.grounding") ?? undefined),
  text: readable(article.querySelector(".text") ?? undefined),
});
const stored = async ({ url }: House, conversation: string, headers = {}): Promise<Element[]> => {
  const { document } = parseHTML(await (await fetch(`${url}/c/${conversation}`, { headers })).text());
  return [...document.querySelectorAll('article[data-role="assistant"]')] as unknown as Element[];
};

test("what is in the sources has no mark; a wrong number and a sentence without a source have one", async () => {
  const { house, page } = await open();
  const right = foundIn(await answerTo(page, rent));
  expect(right).toMatchObject({ marks: [], line: "2 of 2 sentences found in their sources" });
  const wrong = foundIn(await answerTo(page, deposit));
  expect(wrong.marks).toEqual([
    ["unsupported", "not found in [2]", "Die Miete kostet 950 Euro [2]."],
    ["unsourced", "without a source", "Die Kaution wird verzinst."],
    ["unsourced", "without a source", "Das ist fast überall so."],
  ]);
  expect(wrong.line).toBe("0 of 3 sentences found in their sources");
  // the page that is opened again, in another language
  const again = await stored(house, page.conversation, { "accept-language": "de" });
  expect(again.map((article) => foundIn(article).line)).toEqual([
    "2 von 2 Sätzen in ihren Quellen gefunden",
    "0 von 3 Sätzen in ihren Quellen gefunden",
  ]);
  expect(foundIn(again[1] as Element).marks.map(([, says]) => says)).toEqual([
    "nicht gefunden in [2]",
    "ohne Quelle",
    "ohne Quelle",
  ]);
  // programs compute the same
  const message = (await house.store.record(page.conversation))?.messages.at(-1);
  const asStored = {
    text: message?.text ?? "",
    parts: message?.parts ?? [],
    conversation: page.conversation,
  };
  expect(await groundingOf(asStored)).toEqual({
    sentences: 3,
    supported: 0,
  });
  page.close();
});

test("a quotation that is not there is marked; one that is there is not", async () => {
  const { page } = await open();
  await answerTo(page, rent);
  const { marks, line } = foundIn(await answerTo(page, quoted));
  expect(marks).toEqual([["unsupported", "not found in [3]", "„Katzen sind willkommen“ [3]."]]);
  expect(line).toBe("1 of 2 sentences found in their sources");
  page.close();
});

test("a sentence without a number gets that of the passage that says so; the text stays the model's", async () => {
  const { house, page } = await open();
  const article = await answerTo(page, "Was weiß der Hausmeister über Miete, Hund und Kündigung?");
  const message = (await house.store.record(page.conversation))?.messages.at(-1);
  const sources = sourcesIn(message?.parts ?? []);
  const numbers = ["miete.txt", "tiere.txt"].map(
    (name) => sources.find(({ document }) => document === name)?.n,
  );
  const added = [...article.querySelectorAll("a.cite[data-by=parlor]")];
  expect(added.map((a) => [a.textContent, a.getAttribute("title"), a.getAttribute("href")])).toEqual(
    numbers.map((n) => [`[${n}]`, "found by parlor", `/c/${page.conversation}/source/${n}`]),
  );
  const { marks, line } = foundIn(article);
  expect(marks.map(([kind]) => kind)).toEqual(["unsourced"]);
  expect(line).toBe("2 of 3 sentences found in their sources");
  expect(message?.text).toBe(textOf("uncited"));
  const copied = article.querySelector("[data-copy^='/c/']")?.getAttribute("data-copy");
  expect(await (await fetch(house.url + copied)).text()).toBe(textOf("uncited"));
  page.close();
});

test("a mark is there as soon as its sentence has ended, while the answer goes on", async () => {
  const { page } = await open();
  page.say("Was kostet die Miete im Dauerlauf?");
  await until(() => page.document.querySelector("[data-grounding]") !== null, "a sentence is marked");
  const article = [...page.document.querySelectorAll("article")].at(-1) as Element;
  expect(article.getAttribute("data-status")).toBe("running");
  const { marks, line } = foundIn(article);
  expect(marks[0]).toEqual(["unsupported", "not found in [1]", "Die Miete kostet 950 Euro [1]."]);
  expect(line).toBe("");
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  page.close();
});

test("strict marks strongly, and says what that means; off checks nothing; an old answer keeps its way", async () => {
  const { house, page } = await open("strict");
  await answerTo(page, rent);
  await answerTo(page, deposit);
  const [right, wrong] = (await stored(house, page.conversation)) as [Element, Element];
  expect(right.querySelector(".strict")).toBeNull();
  expect(wrong.querySelectorAll("[data-grounding].strict")).toHaveLength(3);
  expect(foundIn(wrong).line).toBe(
    "0 of 3 sentences found in their sources. The marked ones were not found in the documents.",
  );
  documents.put("personas/strict.md", "---\ndocuments: [haus]\ngrounding: off\n---\nDu hilfst.");
  await answerTo(page, deposit);
  const kept = (await stored(house, page.conversation)).map(
    (each) => each.querySelectorAll(".strict").length,
  );
  expect(kept).toEqual([0, 4, 0]);
  page.close();

  const off = await open("off");
  await answerTo(off.page, rent);
  const { text, marks, line } = foundIn(await answerTo(off.page, deposit));
  expect(text).toContain("Die Miete kostet 950 Euro [2].");
  expect([marks, line]).toEqual([[], ""]);
  off.page.close();
});

test("who reads along with a link sees the marks", async () => {
  const { house, page } = await open();
  await answerTo(page, rent);
  await answerTo(page, deposit);
  const token = "a".repeat(22);
  const { conversation } = page;
  await house.store.links.add({ token, conversation, createdAt: Date.now(), expiresAt: null });
  const { document } = parseHTML(await (await fetch(`${house.url}/s/${token}`)).text());
  expect(document.querySelectorAll("[data-grounding]")).toHaveLength(3);
  expect(document.querySelectorAll("a.cite[href]")).toHaveLength(0);
  expect(document.querySelectorAll("p.grounding")).toHaveLength(2);
  page.close();
});
