// Attached files over HTTP: what is sent comes back to its owner and to nobody else, within bounds that are said.
// Promises: L2, X1, X8.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId, newTemporaryId } from "../../src/domain/id.ts";
import { filesIn } from "../../src/domain/part.ts";
import { type House, PageClient } from "../house.ts";
import { until } from "../llama/server.ts";
import { startAnsweringHouse } from "./answering-house.ts";

let house: House;
let stop: () => Promise<void>;
beforeAll(async () => {
  ({ house, stop } = await startAnsweringHouse({
    auth: "header",
    trustedProxies: ["127.0.0.1"],
    bounds: { fileMaxBytes: 100_000, filesMaxBytes: 250_000, messageFilesMax: 3 },
  }));
});
afterAll(() => stop());

interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const as = (person: string) => ({ "remote-user": person, origin: house.url });

async function put(
  person: string,
  name: string,
  content: string | Uint8Array,
  query = "",
): Promise<Answered> {
  const form = new FormData();
  form.append("file", new File([content as BlobPart], name));
  const response = await fetch(`${house.url}/files${query}`, {
    method: "POST",
    body: form,
    headers: as(person),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const get = (person: string, id: unknown) => fetch(`${house.url}/files/${id}`, { headers: as(person) });
const remove = (person: string, id: unknown) =>
  fetch(`${house.url}/files/${id}`, { method: "DELETE", headers: as(person) });
const read = async (person: string, path: string) =>
  (await fetch(house.url + path, { headers: as(person) })).text();
const codeOf = ({ body }: Answered) => (body["error"] as { code?: string } | undefined)?.code;

test("a file that was sent comes back byte for byte, to be saved and never as a page of its own", async () => {
  const text = "# Grüße\r\n\n<script>alert(1)</script>\n";
  const { status, body } = await put("ada", "../notes & more.md", text);
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.any(String),
    name: "notes & more.md",
    type: "markdown",
    bytes: Buffer.byteLength(text),
    pages: 1,
    state: "ready",
  });
  const response = await get("ada", body["id"]);
  expect(await response.text()).toBe(text);
  expect(response.headers.get("content-type")).toBe("application/octet-stream");
  expect(response.headers.get("content-disposition")).toBe(
    "attachment; filename*=UTF-8''notes%20%26%20more.md",
  );
  expect(response.headers.get("content-security-policy")).toStartWith("default-src 'none'; sandbox");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
});

test("another person gets the answer that an unknown file gets, and can't delete or send it", async () => {
  const { body } = await put("ada", "secret.txt", "secret");
  for (const id of [body["id"], newId(), "x"]) {
    expect((await get("eve", id)).status).toBe(404);
    expect((await remove("eve", id)).status).toBe(404);
  }
  const page = await new PageClient(house, newId(), as("eve")).ready();
  page.command({ type: "say", message: newId(), text: "What does it say?", file: body["id"] });
  await until(() => page.element("notice").textContent !== "", "it is refused");
  expect(page.articles()).toEqual([]);
  page.gone = true;
  page.ws.close();
  expect(await (await get("ada", body["id"])).text()).toBe("secret");
  expect((await remove("ada", body["id"])).status).toBe(204);
  expect((await get("ada", body["id"])).status).toBe(404);
});

describe("refused with a sentence", () => {
  for (const [what, name, content, status, code] of [
    ["too large", "a.txt", "x".repeat(100_001), 413, "too_large"],
    ["far too large", "a.txt", "x".repeat(400_000), 413, "too_large"],
    ["empty", "a.txt", "", 422, "file_empty"],
    ["no text", "a.txt", new Uint8Array([1, 0, 255, 254]), 415, "file_unsupported"],
  ] as const)
    test(what, async () => {
      const answered = await put("bob", name, content);
      expect([answered.status, codeOf(answered)]).toEqual([status, code]);
    });

  test("more than a person may keep, until something is deleted", async () => {
    const texts = ["a", "b", "c"].map((letter) => letter.repeat(100_000));
    const sent = [];
    for (const text of texts) sent.push(await put("carl", "a.txt", text));
    expect(sent.map(({ status }) => status)).toEqual([201, 201, 413]);
    expect(codeOf(sent[2] as Answered)).toBe("files_full");
    expect((await put("dora", "a.txt", texts[0] as string)).status).toBe(201);
    const account = await (await fetch(`${house.url}/account`, { headers: as("carl") })).text();
    expect(account).toContain("<dd>0.191 of 0.238 MB</dd>");
    await remove("carl", sent[0]?.body["id"]);
    expect((await put("carl", "a.txt", texts[2] as string)).status).toBe(201);
  });

  test("more than this person, or their role, may keep, which is less than the house allows", async () => {
    const { people } = house.store;
    expect((await put("gus", "a.txt", "a")).status).toBe(201);
    const gus = await people.named("gus");
    const roles = await people.roleLimits();
    await people.setRoleLimits("member", { ...roles.member, filesMaxBytes: 3_000 });
    const [page, refused] = [await read("gus", "/"), await put("gus", "b.txt", "b".repeat(3_000))];
    expect(page).toContain("Your files take 1 kB of 3 kB; 3 kB are left.");
    expect([refused.status, codeOf(refused)]).toEqual([413, "files_full"]);
    expect(refused.body["error"]).toMatchObject({
      message: expect.stringContaining("This file has 3 kB, and your files already take 1 kB of 3 kB"),
    });
    await people.change(gus?.id as string, { ownLimits: { filesMaxBytes: 5_000 } });
    expect((await put("gus", "b.txt", "b".repeat(3_000))).status).toBe(201);
    expect(await read("gus", "/account")).toContain("<dd>0.00286 of 0.00477 MB</dd>");
    await people.setRoleLimits("member", roles.member);
  });

  test("what surely finds no room is refused before it is read", async () => {
    for (const name of ["a.txt", "b.txt"]) await put("hal", name, name.repeat(20_000));
    const { port } = new URL(house.url);
    const head = `POST /files HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${house.url}\r\nRemote-User: hal\r\n`;
    let answer = "";
    const socket = await Bun.connect({
      ...{ hostname: "127.0.0.1", port: Number(port) },
      socket: {
        data(_, data) {
          answer += data.toString();
        },
      },
    });
    // none of the announced body is sent
    socket.write(`${head}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 150000\r\n\r\n`);
    await until(() => answer.includes("files_full"), "it is refused");
    expect(answer).toStartWith("HTTP/1.1 413");
    socket.end();
  });

  test("a form without a file, or with two", async () => {
    for (const files of [[], ["a", "b"]]) {
      const form = new FormData();
      form.append("x", "y");
      for (const text of files) form.append("file", new File([text], "a.txt"));
      const request = { method: "POST", body: form, headers: as("bob") };
      expect((await fetch(`${house.url}/files`, request)).status).toBe(400);
    }
  });
});

test("a question has the files that were sent for it; they can't be deleted apart from it", async () => {
  const page = await new PageClient(house, newId(), as("ada")).ready();
  const { body } = await put("ada", "notes.txt", "Notes");
  const message = newId();
  page.command({ type: "say", message, text: "Read this", file: body["id"] });
  await until(() => page.last?.status === "done", "it is answered");
  const stored = await house.store.message(page.conversation, message);
  expect(filesIn(stored?.parts ?? []).map(({ name }) => name)).toEqual(["notes.txt"]);
  expect((await remove("ada", body["id"])).status).toBe(409);
  page.gone = true;
  page.ws.close();
});

test("files that are not sent yet are told to their owner alone", async () => {
  const [mine, sent] = [await put("ada", "mine.txt", "mine"), await put("ada", "sent.txt", "sent")];
  const page = await new PageClient(house, newId(), as("ada")).ready();
  page.command({ type: "say", message: newId(), text: "Read this", file: sent.body["id"] });
  await until(() => page.last?.status === "done", "it is answered");
  page.close();
  const asked = `/files?id=${mine.body["id"]}&id=${sent.body["id"]}&id=${newId()}&id=x`;
  expect(JSON.parse(await read("ada", asked))).toEqual({ files: [mine.body] });
  expect(JSON.parse(await read("eve", asked))).toEqual({ files: [] });
  expect(JSON.parse(await read("ada", "/files"))).toEqual({ files: [] });
});

test("without scripts a question and its files are one form", async () => {
  const conversation = newId();
  const post = async (names: readonly string[], text: string) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ type: "say", message: newId(), text }))
      form.append(name, value);
    for (const name of names) form.append("file", new File(name === "" ? [] : [name], name));
    const url = `${house.url}/c/${conversation}`;
    return fetch(url, { method: "POST", body: form, headers: as("ada"), redirect: "manual" });
  };
  expect((await post(["one.txt", "two.txt"], "Read these")).status).toBe(303);
  const { thread } = await house.store.thread(conversation, { limit: 10 });
  expect(filesIn(thread[0]?.message.parts ?? []).map(({ name }) => name)).toEqual(["one.txt", "two.txt"]);
  expect((await post(["1", "2", "3", "4"], "Too many")).status).toBe(422);
  await until(async () => (await house.store.listed(conversation))?.active === false, "it is answered");
  expect((await post([""], "An input that was left empty")).status).toBe(303);
});

test("a file for a temporary chat is not in the Store that is on disk", async () => {
  const conversation = newTemporaryId();
  const { body } = await put("ada", "a.txt", "temporary", `?c=${conversation}`);
  expect(await house.store.files.file(body["id"] as string)).toBeNull();
  expect(await (await get("ada", body["id"])).text()).toBe("temporary");
  const page = await new PageClient(house, conversation, as("ada")).ready();
  page.command({ type: "say", message: newId(), text: "Read this", file: body["id"] });
  await until(() => page.last?.status === "done", "it is answered");
  page.gone = true;
  page.ws.close();
});
