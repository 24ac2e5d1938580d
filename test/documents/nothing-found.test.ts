// A question that the documents do not answer, with the real llama-server: what comes nearest is shown, and the same
// question can be asked without the documents. If this fails, an answer is made of passages that only share a word.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { passagesIn, sourcesIn } from "../../src/domain/part.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type House, PageClient, readable } from "../house.ts";
import { answerTo, documentFolder, houseWith, listenedLlama } from "./asking.ts";

const documents = documentFolder({
  "miete.txt": "Die Miete der Garage kostet 60 Euro im Monat.",
  "keller.txt": "Keller werden für 20 Euro im Monat vermietet. Die Miete ist im Voraus fällig.",
  "fahrrad.txt": "Fahrräder stehen im Hof.",
  "ruhe.txt": "Nachtruhe ist ab 22 Uhr.",
});
let llama: Awaited<ReturnType<typeof listenedLlama>>;
const houses: House[] = [];
const open = async (file?: string) => {
  const house = await houseWith(documents, { llama: llama.url, ...(file !== undefined && { file }) });
  houses.push(house);
  return house;
};
const partsOf = async ({ store }: House, conversation: string) =>
  (await store.record(conversation))?.messages.at(-1)?.parts ?? [];

beforeAll(async () => {
  llama = await listenedLlama();
});
afterEach(async () => {
  llama.asked.length = 0;
  for (const house of houses.splice(0)) await house.stop();
});
afterAll(() => llama.stop());

const far = "Was kostet ein Parkplatz für Wohnmobile am Flughafen?";
const own = "In den Dokumenten steht nichts, was zu dieser Frage passt.";

test("a passage that shares one weak word of several is no answer: it is shown as what comes nearest", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const article = await answerTo(page, far);
  expect(page.last?.text).toBe(own);
  expect(llama.asked).toEqual([]);
  const parts = await partsOf(house, page.conversation);
  expect(sourcesIn(parts)).toEqual([]);
  expect(passagesIn(parts)[0]).toMatchObject({ n: 1, document: "miete.txt", isNear: true });
  const links = [...article.querySelectorAll(".nearest a")];
  expect(links.map((a) => [a.textContent, a.getAttribute("href")])).toEqual([
    ["miete.txt › page 1", `/c/${page.conversation}/source/1`],
  ]);
  const shown = await fetch(`${house.url}/c/${page.conversation}/source/1`);
  const passage = (await shown.text()).replace(/<\/?mark>/g, "");
  expect(passage).toContain("Die Miete der Garage kostet");
  const [utterance] = (await house.store.thread(page.conversation, { limit: 1 })).thread;
  expect(utterance?.run?.stats).toMatchObject({ nothingFound: true });
  page.close();
});

test("one press asks the same question without the documents, as another version of the answer", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const form = (await answerTo(page, far)).querySelector("form:has([name=documents])") as Element;
  expect(readable(form)).toBe("Ask without the documents");
  expect([form.getAttribute("method"), form.getAttribute("action")]).toEqual([
    "post",
    `/c/${page.conversation}?plain`,
  ]);
  const message = form.querySelector("[name=message]")?.getAttribute("value");
  page.command({ type: "retry", message, documents: "off" });
  await page.lastIs("running");
  await page.lastIs("done");
  expect(llama.asked.map(({ messages }) => messages)).toEqual([
    [
      { role: "system", content: "Du hilfst Mietern." },
      { role: "user", content: far },
    ],
  ]);
  const article = [...page.document.querySelectorAll("article")].at(-1) as Element;
  expect(article.textContent).toContain("Answered without the documents.");
  expect(article.querySelector(".branches")?.textContent).toContain("2 / 2");
  expect(article.querySelector("[name=documents]")).toBeNull();
  page.close();
});

test("the wish is stored with the Run: it holds after a restart", async () => {
  const file = join(documents.folder, "parlor.db");
  const page = await new PageClient(await open(file)).ready();
  const { conversation } = page;
  await answerTo(page, far);
  const message = page.last?.id as string;
  page.close();
  await houses.pop()?.stop();
  const store = openSqlite(file);
  const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };
  await store.retry({ ...by, conversation, message, withoutDocuments: true });
  await store.close();
  const house = await open(file);
  const again = await new PageClient(house, conversation).ready();
  await again.lastIs("done");
  expect(llama.asked.map(({ messages }) => messages.at(-1)?.content)).toEqual([far]);
  const [utterance] = (await house.store.thread(conversation, { limit: 1 })).thread;
  expect(utterance?.run).toMatchObject({ status: "done", withoutDocuments: true });
  again.close();
});

test("a follow-up is looked for with the words of the question that it refers to", async () => {
  const house = await open();
  const page = await new PageClient(house).ready();
  const found = async () =>
    sourcesIn(await partsOf(house, page.conversation)).map(({ document }) => document);
  await answerTo(page, "Wie hoch ist die Miete der Garage?");
  expect((await found())[0]).toBe("miete.txt");
  await answerTo(page, "Und für Keller?");
  expect((await found())[0]).toBe("keller.txt");
  await answerTo(page, "Stehen Fahrräder im Hof?");
  expect((await found())[0]).toBe("fahrrad.txt");
  page.close();
});
