// The passages behind the citations of a shared conversation: readers open those that the link shows as cited, where
// its owner has chosen so, and no other that was found.
// Promises: X1.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { localPerson } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { noSettings } from "../../src/domain/persona.ts";
import { applyFrame, emptyPage, type House } from "../house.ts";
import { until } from "../llama/server.ts";
import { startAnsweringHouse } from "./answering-house.ts";

let house: House;
let stop: () => Promise<void>;
const conversation = newId();

beforeAll(async () => {
  ({ house, stop } = await startAnsweringHouse({}));
  const source = (n: number) => ({
    ...{ kind: "source" as const, n, passage: `p${n}`, document: "Lease", page: 1, headings: [] },
    text: `Passage ${n}`,
  });
  const [asked, other, shown] = [newId(), newId(), newId()];
  const message = (id: string, role: "user" | "assistant", parent: string | null, text: string) => ({
    ...{ id, role, parent, text, createdAt: Date.now() },
    ...(role === "assistant" && {
      parts: [source(1), source(2), source(3), { kind: "text" as const, text }],
    }),
  });
  await house.store.add(localPerson, {
    ...{ parlor: 2, id: conversation, title: "Notice", head: shown, settings: noSettings },
    ...{ createdAt: Date.now(), updatedAt: Date.now() },
    messages: [
      message(asked, "user", null, "What notice?"),
      message(other, "assistant", asked, "On another branch [2]."),
      message(shown, "assistant", asked, "Three months [1], not `[3]`."),
    ],
  } as never);
});
afterAll(() => stop());

const get = (path: string) => fetch(house.url + path, { redirect: "manual" });
const dialog = async () => (await get(`/c/${conversation}/share`)).text();

/** Makes a link by the form, as a browser does; its token. */
async function share(fields: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ lifetime: "day", ...fields });
  const headers = { origin: house.url };
  const response = await fetch(`${house.url}/c/${conversation}/share`, { method: "POST", body, headers });
  expect(response.status).toBe(200);
  const links = await house.store.links.of(conversation);
  return links.find(({ showsSources = false }) => showsSources === (fields["sources"] === "on"))?.token ?? "";
}
const citesOf = (document: Document) =>
  [...document.querySelectorAll("a.cite")].map((a) => [a.textContent, a.getAttribute("href")]);

/** The page of a link as its socket draws it. */
async function live(token: string): Promise<Document> {
  const page = emptyPage();
  const socket = new WebSocket(`${house.url.replace("http", "ws")}/live?s=${token}`);
  socket.onmessage = ({ data }) => applyFrame(page, String(data));
  await until(() => page.querySelector("a.cite") !== null, "the thread is shown");
  socket.close();
  return page;
}

test("a link shows no passages unless its owner says so", async () => {
  expect(await dialog()).toContain('type="checkbox" name="sources"');
  const token = await share({});
  const { document } = parseHTML(await (await get(`/s/${token}`)).text());
  expect(citesOf(document as unknown as Document)).toEqual([["[1]", null]]);
  expect(citesOf(await live(token))).toEqual([["[1]", null]]);
  expect((await get(`/s/${token}/source/1`)).status).toBe(404);
});

test("with passages: those that the shown branch cites, and no others", async () => {
  const token = await share({ sources: "on" });
  expect(await dialog()).toContain("with the cited passages");
  const { document } = parseHTML(await (await get(`/s/${token}`)).text());
  const cites = [["[1]", `/s/${token}/source/1`]];
  expect(citesOf(document as unknown as Document)).toEqual(cites);
  expect(citesOf(await live(token))).toEqual(cites);
  const response = await get(`/s/${token}/source/1`);
  const page = await response.text();
  expect(response.headers.get("x-robots-tag")).toBe("noindex, nofollow");
  expect(page).toContain("Passage 1");
  expect(page).toContain(`href="/s/${token}"`);
  expect(page).not.toContain(conversation);
  for (const n of [2, 3, 4]) expect((await get(`/s/${token}/source/${n}`)).status).toBe(404);
  await house.store.links.remove(conversation, token);
  expect((await get(`/s/${token}/source/1`)).status).toBe(404);
});

test("a conversation without passages is not asked about them", async () => {
  const plain = newId();
  const [question] = [newId()];
  await house.store.add(localPerson, {
    ...{ parlor: 2, id: plain, title: "Plain", head: question, settings: noSettings },
    ...{ createdAt: Date.now(), updatedAt: Date.now() },
    messages: [{ id: question, parent: null, role: "user", text: "Hello", createdAt: Date.now() }],
  } as never);
  expect(await (await get(`/c/${plain}/share`)).text()).not.toContain('name="sources"');
});
