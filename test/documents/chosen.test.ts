// Collections from which a conversation answers: chosen in forms, said on the page, kept by exports, never
// another's. If this fails, an answer comes from documents that nobody has chosen, or that are somebody else's.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { localPerson } from "../../src/domain/account.ts";
import { newId, newTemporaryId } from "../../src/domain/id.ts";
import { sourcesIn } from "../../src/domain/part.ts";
import { type House, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";
import { putDocument } from "./put.ts";

let house: House;
let llama: Llama;
let [lease, manual, hers]: string[] = [];
const collectionOf = async (owner: string | null, name: string, text: string) => {
  const { id } = await house.store.collections.add(owner, name, null);
  const terms = { words: ["notic"], compounds: [] };
  await putDocument(house.store, id, { path: `${name}.txt`, hash: "1f" }, [
    { page: 1, start: 0, end: text.length, headings: [], text, ...terms },
  ]);
  return id;
};
beforeAll(async () => {
  llama = await startLlama();
  house = await startHouse({ llama: llama.url });
  lease = await collectionOf(localPerson, "Lease", "The notice of the lease.");
  manual = await collectionOf(null, "Manual", "The notice of the manual.");
  hers = await collectionOf("ada", "Hers", "The notice of Ada.");
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

async function open(path: string) {
  const response = await fetch(house.url + path, { headers: { "accept-language": "en" } });
  return { status: response.status, document: parseHTML(await response.text()).document };
}
async function send(conversation: string, fields: readonly (readonly [string, string])[]) {
  const response = await fetch(`${house.url}/c/${conversation}`, {
    method: "POST",
    body: new URLSearchParams(fields.map(([name, value]) => [name, value])),
    headers: { origin: house.url, "accept-language": "en" },
    redirect: "manual",
  });
  return { status: response.status, text: await response.text() };
}
const chosen = (...ids: string[]) => ["", ...ids].map((id) => ["documents", id] as const);
const say = (conversation: string, ...more: (readonly [string, string])[]) =>
  send(conversation, [["type", "say"], ["message", newId()], ["text", "Which notice?"], ...more]);
async function answered(conversation: string) {
  await until(async () => {
    const { thread } = await house.store.thread(conversation, { limit: 9 });
    return (
      thread.length > 0 &&
      thread.every(({ run }) => run === null || !["queued", "running"].includes(run.status))
    );
  }, "it is answered");
  const { thread } = await house.store.thread(conversation, { limit: 9 });
  return thread.at(-1);
}
const sourcesOf = async (conversation: string) =>
  sourcesIn((await answered(conversation))?.message.parts ?? []).map(({ text }) => text);

test("the first question chooses; the page says so; the settings take others, and none", async () => {
  const id = newId();
  expect((await say(id, ...chosen(lease as string, manual as string))).status).toBe(303);
  expect((await sourcesOf(id)).sort()).toEqual(["The notice of the lease.", "The notice of the manual."]);
  const { document } = await open(`/c/${id}`);
  expect(document.querySelector("#answers-from")?.textContent?.trim()).toBe("Answers from: Lease, Manual");
  const panel = await open(`/c/${id}/settings`);
  const boxes = [...panel.document.querySelectorAll("input[type=checkbox]")];
  expect(boxes.map((box) => [box.getAttribute("value"), box.hasAttribute("checked")])).toEqual([
    [lease, true],
    [manual, true],
  ] as never);
  expect((await open("/documents")).document.body.textContent).toContain("used in 1 conversation of yours");
  await send(id, [["type", "settle"], ...chosen(manual as string)]);
  await say(id);
  expect(await sourcesOf(id)).toEqual(["The notice of the manual."]);
  await send(id, [
    ["type", "settle"],
    ["temperature", "0.5"],
  ]);
  expect((await house.store.conversation(id))?.settings.documents).toEqual([manual as string]);
  await send(id, [["type", "settle"], ...chosen()]);
  await say(id);
  expect(await sourcesOf(id)).toEqual([]);
  expect((await open(`/c/${id}`)).document.querySelector("#answers-from")?.textContent?.trim()).toBe("");
});

test("another's collection can't be chosen, nor guessed", async () => {
  for (const id of [hers as string, newId()]) {
    const conversation = newId();
    expect((await say(conversation, ...chosen(id))).status).toBe(404);
    expect(await house.store.conversation(conversation)).toBeNull();
    await say(conversation);
    expect((await send(conversation, [["type", "settle"], ...chosen(id)])).status).toBe(404);
    expect((await house.store.conversation(conversation))?.settings.documents).toBeUndefined();
    const { document } = await open(`/?documents=${id}`);
    expect(document.querySelector("input[name=documents]")).toBeNull();
    expect(document.body.textContent).not.toContain("Hers");
  }
});

test("an address begins a conversation with a collection, without scripts", async () => {
  const { document } = await open(`/?documents=${manual}`);
  expect(document.querySelector("#answers-from")?.textContent?.trim()).toBe("Answers from: Manual");
  expect(document.querySelector("#say input[name=documents]")?.getAttribute("value")).toBe(manual as string);
});

test("a collection that is gone is said, by the answer and by the page, and can be left", async () => {
  const gone = await collectionOf(null, "Gone", "The notice that goes.");
  const id = newId();
  await say(id, ...chosen(gone));
  await answered(id);
  await house.store.collections.remove(gone);
  await say(id);
  expect((await answered(id))?.run).toMatchObject({
    status: "failed",
    failure: { code: "collection_unknown" },
  });
  const { document } = await open(`/c/${id}`);
  expect(document.querySelector("#answers-from")?.textContent).toContain("a collection that is gone");
  const panel = await open(`/c/${id}/settings`);
  expect(panel.document.querySelector("fieldset")?.textContent).toContain("no longer exists");
  await send(id, [["type", "settle"], ...chosen(lease as string)]);
  await say(id);
  expect(await sourcesOf(id)).toEqual(["The notice of the lease."]);
});

test("an export keeps what was chosen; an import drops what is not here, and says so", async () => {
  const id = newId();
  await say(id, ...chosen(lease as string, manual as string));
  await answered(id);
  const exported = await (await fetch(`${house.url}/c/${id}/export.json`)).json();
  expect(exported.settings.documents).toEqual([lease, manual]);
  const bring = async (at: House, record: object) => {
    const form = new FormData();
    form.append("file", new File([JSON.stringify(record)], "chat.json"));
    const headers = { origin: at.url, "accept-language": "en" };
    return (await fetch(`${at.url}/import`, { method: "POST", body: form, headers })).text();
  };
  const here = await bring(house, { ...exported, id: newId() });
  expect(here).not.toContain("collections");
  const there = await startHouse({ llama: llama.url });
  try {
    expect(await bring(there, exported)).toContain("collections of documents that are not here (2)");
    expect((await there.store.conversation(id))?.settings.documents ?? []).toEqual([]);
  } finally {
    await there.stop();
  }
});

test("a temporary conversation can answer from documents, too", async () => {
  const id = newTemporaryId();
  expect((await say(id, ...chosen(manual as string))).status).toBe(303);
  const source = async () => (await open(`/c/${id}/source/1`)).document.querySelector(".passage");
  await until(async () => (await source()) !== null, "the passage is there");
  expect((await source())?.textContent).toContain("The notice of the manual.");
  const { document } = await open(`/c/${id}`);
  expect(document.querySelector("#answers-from")?.textContent?.trim()).toBe("Answers from: Manual");
});
