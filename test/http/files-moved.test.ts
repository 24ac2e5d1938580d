// Files that go with their conversation: out of a house and into another person's, and to those who have a link.
// Promises: X1.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { type FilePart, filesIn } from "../../src/domain/part.ts";
import type { ConversationRecord } from "../../src/domain/record.ts";
import { type House, PageClient } from "../house.ts";
import { until } from "../llama/server.ts";
import { startAnsweringHouse } from "./answering-house.ts";

let house: House;
let stop: () => Promise<void>;
beforeAll(async () => {
  const bounds = { filesMaxBytes: 3_000_000 };
  ({ house, stop } = await startAnsweringHouse({ auth: "header", trustedProxies: ["127.0.0.1"], bounds }));
});
afterAll(() => stop());

const as = (person: string) => ({ "remote-user": person, origin: house.url });
const text = "Good day, world. ".repeat(50_000);

async function put(person: string, name: string, content: string): Promise<string> {
  const form = new FormData();
  form.append("file", new File([content], name));
  const response = await fetch(`${house.url}/files`, { method: "POST", body: form, headers: as(person) });
  return ((await response.json()) as { id: string }).id;
}

/** A conversation of this person in which a question has these files. */
async function asked(person: string, file: readonly string[]): Promise<string> {
  const page = await new PageClient(house, newId(), as(person)).ready();
  page.command({ type: "say", message: newId(), text: "Read this", file });
  await until(() => page.last?.status === "done", "it is answered");
  page.gone = true;
  page.ws.close();
  return page.conversation;
}

const read = async (person: string, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(house.url + path, { headers: as(person) });
  return { status: response.status, text: await response.text() };
};

async function bring(person: string, json: string): Promise<string> {
  const form = new FormData();
  form.append("file", new File([json], "a.json"));
  const response = await fetch(`${house.url}/import`, { method: "POST", body: form, headers: as(person) });
  return response.text();
}

/** The files of a person's only conversation. */
async function filesOf(person: string): Promise<readonly FilePart[]> {
  const owner = (await house.store.people.named(person))?.id as string;
  const [id] = await house.store.ids({ owner });
  const { thread } = await house.store.thread(id as string, { limit: 10 });
  return filesIn(thread[0]?.message.parts ?? []);
}

for (const path of ["export.json", "export.jsonl"])
  test(`${path} brings the files to somebody else, byte for byte`, async () => {
    const [from, to] = [`from-${path}`, `to-${path}`];
    const ids = [await put(from, "long.txt", text), await put(from, "short.md", "# short")];
    const conversation = await asked(from, ids);
    const exported = await read(from, path === "export.json" ? `/c/${conversation}/${path}` : `/${path}`);
    expect((JSON.parse(exported.text) as ConversationRecord).messages).toHaveLength(2);
    expect(await bring(to, exported.text)).toContain("1 conversation imported.");
    const files = await filesOf(to);
    expect(files.map(({ name, type }) => [name, type])).toEqual([
      ["long.txt", "text"],
      ["short.md", "markdown"],
    ]);
    for (const [i, { file }] of files.entries()) {
      expect(ids).not.toContain(file as string);
      expect((await read(to, `/files/${file}`)).text).toBe(i === 0 ? text : "# short");
      expect((await read(from, `/files/${file}`)).status).toBe(404);
    }
  });

test("a file of conversations gives nobody another person's file by its id, and says what it lacks", async () => {
  const secret = await put("ada", "secret.txt", "secret");
  const conversation = await asked("ada", [secret]);
  const record = JSON.parse((await read("ada", `/c/${conversation}/export.json`)).text);
  expect(record.files).toHaveLength(1);
  const said = await bring("eve", JSON.stringify({ ...record, files: [] }));
  expect(said).toContain("images and files (1)");
  expect(await filesOf("eve")).toMatchObject([{ file: null, name: "secret.txt" }]);
  expect((await read("eve", `/files/${secret}`)).status).toBe(404);
});

test("what a file of conversations says of its files is not believed", async () => {
  const conversation = await asked("finn", [await put("finn", "a.txt", "text")]);
  const forged = (await read("finn", `/c/${conversation}/export.json`)).text
    .replace('"type": "text"', '"type": "picture"')
    .replace('"pages": 1', '"pages": 9');
  await bring("gina", forged);
  expect(await filesOf("gina")).toMatchObject([{ type: "text", pages: 1, bytes: 4 }]);
});

test("what a person may not keep is left out and counted; the conversation comes all the same", async () => {
  const conversation = await asked("bob", [await put("bob", "long.txt", text)]);
  const record = JSON.parse((await read("bob", `/c/${conversation}/export.json`)).text);
  for (let i = 0; i < 3; i++) await put("carl", "a.txt", text);
  expect(await bring("carl", JSON.stringify(record))).toContain("images and files (1)");
  expect(await filesOf("carl")).toMatchObject([{ file: null, name: "long.txt" }]);
});

test("a link shows the files of its conversation, and no others", async () => {
  const [shared, other] = [await put("dora", "a.txt", "shared"), await put("dora", "b.txt", "other")];
  const conversation = await asked("dora", [shared]);
  await asked("dora", [other]);
  const body = new URLSearchParams({ lifetime: "day" });
  await fetch(`${house.url}/c/${conversation}/share`, { method: "POST", body, headers: as("dora") });
  const [link] = await house.store.links.of(conversation);
  const get = (query: string) => fetch(`${house.url}/s/${link?.token}${query}`);
  const response = await get(`?file=${shared}`);
  expect(await response.text()).toBe("shared");
  expect(response.headers.get("content-security-policy")).toStartWith("default-src 'none'; sandbox");
  expect((await get(`?file=${other}`)).status).toBe(404);
  expect((await get("?file=..")).status).toBe(404);
  await house.store.links.remove(conversation, link?.token as string);
  expect((await get(`?file=${shared}`)).status).toBe(404);
});
