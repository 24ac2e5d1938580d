// Answers from documents for programs, with the real llama-server: the passages before the answer, what the check of
// its sentences found behind it, files beside the question. If this fails, a program cites what nobody can look up.
// Promises: X1, X8.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { hashOf, newKey } from "../../src/auth/secrets.ts";
import type { KeyScope, Person } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { documentFolder, listenedLlama } from "../documents/asking.ts";
import { type House, startHouse } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";

let llama: Awaited<ReturnType<typeof listenedLlama>>;
let house: House;
let [ada, bob]: Person[] = [];
let [hers, his]: string[] = [];
let collection: string;

const texts = {
  "vertrag.md": "# Vertrag\n\n## § 3 Kündigung\n\nDie Frist der Kündigung ist drei Monate.\n",
  "miete.txt": "Die Miete kostet 840 Euro im Monat.",
  "tiere.txt": "Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind. Tiere und Miete.",
};
const rent = "Welche Kündigungsfrist gilt, und was ist die Miete?";
const deposit = "Und die Kaution, wenn ein Hund bei der Miete ist?";

beforeAll(async () => {
  llama = await listenedLlama();
  const bounds = { filesMaxBytes: 10_000 };
  const { folder, put } = documentFolder({});
  put("personas/off.md", "---\ndocuments: [haus]\ngrounding: off\n---\nDu hilfst.");
  house = await startHouse({
    llama: llama.url,
    auth: "password",
    bounds,
    personas: join(folder, "personas"),
  });
  await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
  const add = (name: string) => house.store.people.add({ name, role: "member", password: null });
  [ada, bob] = [await add("Ada"), await add("Bob")];
  await house.store.people.change(ada.id, { ownLimits: { runsPerMinute: 1_000 } });
  [hers, his] = [await keyFor(ada), await keyFor(bob)];
  collection = await filled(hers, "haus", texts);
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

const all: readonly KeyScope[] = ["answers", "conversations", "documents"];
async function keyFor({ id: person }: Person, scopes = all): Promise<string> {
  const key = newKey();
  await house.store.keys.add(hashOf(key), { person, name: "test", scopes });
  return key;
}

async function post(
  key: string | undefined,
  path: string,
  body: object | string,
  headers = {},
): Promise<Response> {
  const isForm = body instanceof FormData;
  return fetch(house.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      ...(!isForm && { "content-type": typeof body === "string" ? "text/plain" : "application/json" }),
      ...headers,
    },
    body: isForm ? body : typeof body === "string" ? body : JSON.stringify(body),
  });
}
const formWith = (name: string, text: string): FormData => {
  const form = new FormData();
  form.append("file", new File([text], name));
  return form;
};
const idOf = async (response: Promise<Response>) => ((await (await response).json()) as { id: string }).id;
const sent = (key: string | undefined, name: string, text: string) =>
  idOf(post(key, "/files", formWith(name, text)));

/** A collection of these documents, all of them read. */
async function filled(key: string | undefined, name: string, documents: Readonly<Record<string, string>>) {
  const id = await idOf(post(key, "/collections", { name }));
  for (const [path, text] of Object.entries(documents))
    await post(key, `/collections/${id}/documents`, formWith(path, text));
  const isRead = async () =>
    (await house.store.documents.of(id)).every(({ state }) => state === "searchable");
  await until(isRead, `${name} is read`);
  return id;
}

interface Told {
  readonly type: string;
  readonly [name: string]: unknown;
}
const events = { accept: "text/event-stream" };
async function told(response: Promise<Response>): Promise<readonly Told[]> {
  const text = await (await response).text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string) as Told);
}
/** Kinds of events in their order, each once where it comes several times in a row. */
const kindsOf = (all: readonly Told[]) =>
  all
    .map(({ type }) => type)
    .filter((type, i, types) => type !== types[i - 1] && type !== "queued" && type !== "prompt");
const the = (all: readonly Told[], type: string) => all.find((each) => each.type === type);
const textIn = (all: readonly Told[]) => all.map(({ type, text }) => (type === "delta" ? text : "")).join("");
const codeOf = async (response: Promise<Response>) => {
  const answer = await response;
  return [answer.status, ((await answer.json()) as { code: string }).code];
};

describe("POST /ask", () => {
  test("plain text is the answer alone, from the collection, by its id or name", async () => {
    for (const named of [collection, "haus"]) {
      const response = await post(hers, `/ask?collection=${named}`, rent);
      expect([response.status, await response.text()]).toEqual([200, `${textOf("cited")}\n`]);
      expect(llama.asked.at(-1)?.messages.at(-1)?.content).toContain('<source n="1" document="Vertrag"');
    }
    await (await post(hers, "/ask", rent)).text();
    expect(llama.asked.at(-1)?.messages).toEqual([{ role: "user", content: rent }]);
  });

  test("as events: the passages come before the answer, what was found behind it", async () => {
    const all = await told(post(hers, `/ask?collection=${collection}`, rent, events));
    expect(kindsOf(all)).toEqual(["sources", "delta", "grounding", "done"]);
    expect(the(all, "sources")).toEqual({
      type: "sources",
      sources: expect.arrayContaining([
        { n: 1, document: "Vertrag", page: 1, text: expect.stringContaining("drei Monate") },
        { n: 2, document: "miete.txt", page: 1, text: texts["miete.txt"] },
      ]),
    });
    expect(textIn(all)).toBe(textOf("cited"));
    expect(the(all, "grounding")).toEqual({ type: "grounding", sentences: 2, supported: 2 });
  });

  test("wrong and missing citations are counted; nothing found is said, and no model is asked", async () => {
    const wrong = await told(post(hers, `/ask?collection=${collection}`, deposit, events));
    expect(the(wrong, "grounding")).toEqual({ type: "grounding", sentences: 3, supported: 0 });
    const before = llama.asked.length;
    const question = "Wer hat den Eiffelturm gebaut?";
    const none = await told(post(hers, `/ask?collection=${collection}`, question, events));
    expect(kindsOf(none)).toEqual(["delta", "done"]);
    expect(the(none, "done")).toMatchObject({ finish: "stop", nothing_found: true });
    expect(textIn(none)).toBe("In den Dokumenten steht nichts, was zu dieser Frage passt.");
    expect(llama.asked.length).toBe(before);
  });

  test("a persona's documents come with their passages, too; one that checks nothing has no `grounding`", async () => {
    const checked = await told(post(hers, "/ask", { text: rent, persona: "helper" }, events));
    expect(kindsOf(checked)).toEqual(["sources", "delta", "grounding", "done"]);
    const off = await told(post(hers, "/ask", { text: rent, persona: "off" }, events));
    expect(kindsOf(off)).toEqual(["sources", "delta", "done"]);
  });

  test("several collections; one that is named twice is searched once", async () => {
    const second = await filled(hers, "garten", {
      "garten.txt": "Im Garten ist Grillen bis zehn Uhr erlaubt.",
    });
    const path = `/ask?collection=haus&collection=${second}&collection=${second}`;
    const all = await told(post(hers, path, "Miete oder Garten und Grillen?", events));
    const { sources } = the(all, "sources") as unknown as { sources: { document: string }[] };
    expect(sources.map(({ document }) => document).sort()).toEqual(["garten.txt", "miete.txt", "tiere.txt"]);
  });

  test("a kept conversation keeps its collections, until others are named; its page leads to the passages", async () => {
    const kept = { text: rent, keep: true, collections: ["haus"] };
    const response = await post(hers, "/ask", kept, events);
    const conversation = response.headers.get("x-conversation") as string;
    expect(the(await told(Promise.resolve(response)), "done")).toMatchObject({ conversation });
    expect((await house.store.conversation(conversation))?.settings.documents).toEqual([collection]);
    const again = await told(post(hers, "/ask", { text: "Und die Miete?", conversation }, events));
    expect(kindsOf(again)).toContain("sources");
    const without = { text: rent, conversation, collections: [] };
    expect(kindsOf(await told(post(hers, "/ask", without, events)))).toEqual(["delta", "done"]);
    expect(await house.store.sources.find(conversation, 1)).toMatchObject({ document: "Vertrag" });
  });

  test("refused: what is out of reach, too much, or no list; in German, too", async () => {
    const ask = (key: string | undefined, path: string, body: object | string) =>
      codeOf(post(key, path, body, events));
    for (const name of [collection, "haus", newId(), "nobody's"]) {
      const path = `/ask?collection=${encodeURIComponent(name)}`;
      expect(await ask(his, path, rent)).toEqual([404, "collection_unknown"]);
    }
    const many = Array.from({ length: 21 }, () => "haus");
    for (const body of [{ collections: many }, { collections: "haus" }, { files: [7] }])
      expect(await ask(hers, "/ask", { text: "x", ...body })).toEqual([400, "bad_request"]);
    const german = { ...events, "accept-language": "de" };
    const response = await post(his, "/ask?collection=haus", rent, german);
    expect(await response.json()).toEqual({
      ...{ type: "error", code: "collection_unknown" },
      message: "Es gibt keine Sammlung haus, in der du suchen kannst.",
    });
  });

  test("without the scope `documents` a key gets neither, and its body is not read", async () => {
    const plain = await keyFor(ada as Person, ["answers", "conversations"]);
    const file = await sent(hers, "a.txt", "a");
    const large = "x".repeat(10_000_000);
    expect(await codeOf(post(plain, "/ask?collection=haus", large, events))).toEqual([403, "key_scope"]);
    for (const body of [{ collections: ["haus"] }, { files: [file] }])
      expect(await codeOf(post(plain, "/ask", { text: "x", ...body }, events))).toEqual([403, "key_scope"]);
    expect(await (await post(plain, "/ask", "Hallo")).text()).toBe(`${textOf("hallo")}\n`);
  });
});

describe("files of a question", () => {
  const lastQuestion = () => llama.asked.at(-1)?.messages.at(-1)?.content;

  test("what was sent before goes with it, as often as it is asked; copies are gone with the question", async () => {
    const file = await sent(hers, "notes.txt", "The boiler is in the cellar. ".repeat(100));
    for (const text of ["Where is the boiler?", "Really?", "Hallo?", "Hallo!", "Hallo."]) {
      // there is room for two copies: that of the question before may be being deleted
      const response = await post(hers, "/ask", { text, files: [file] });
      await response.text();
      expect(response.status).toBe(200);
      expect(lastQuestion()).toEndWith(text);
      expect(lastQuestion()).toContain("The boiler is in the cellar.");
    }
    expect(await house.store.files.remove(ada?.id ?? "", file)).toBe(true);
  });

  test("several questions at once, each with a copy of its own", async () => {
    const file = await sent(hers, "notes.txt", "The boiler is in the cellar.");
    const ask = async () => (await post(hers, "/ask", { text: "Hallo", files: [file] })).text();
    const text = `${textOf("hallo")}\n`;
    expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual([text, text, text, text]);
    expect(await house.store.files.remove(ada?.id ?? "", file)).toBe(true);
  });

  test("a kept question has the file itself", async () => {
    const file = await sent(hers, "kept.txt", "The bicycle is red.");
    const body = { text: "Which colour?", keep: true, files: [file] };
    const response = await post(hers, "/ask", body);
    await response.text();
    expect(lastQuestion()).toContain("The bicycle is red.");
    expect(await house.store.files.isIn(response.headers.get("x-conversation") as string, file)).toBe(true);
    expect(await house.store.files.remove(ada?.id ?? "", file)).toBe(false);
  });

  test("another person's, an unknown one, too many", async () => {
    const file = await sent(hers, "secret.txt", "secret");
    for (const body of [{ files: [file] }, { files: [newId()] }, { files: ["x"] }])
      for (const keep of [true, false])
        expect(await codeOf(post(his, "/ask", { text: "x", keep, ...body }, events))).toEqual([
          ...[404, "not_found"],
        ]);
    const many = Array.from({ length: 30 }, newId);
    expect(await codeOf(post(hers, "/ask", { text: "x", files: many }, events))).toEqual([
      ...[422, "too_many_files"],
    ]);
  });
});

describe("/chat in JSON", () => {
  async function opened(key: string | undefined) {
    const all: Told[] = [];
    const headers = { authorization: `Bearer ${key}` };
    const address = `${house.url.replace("http", "ws")}/chat`;
    const ws = new WebSocket(address, { headers, protocols: ["parlor.json"] } as never);
    ws.onmessage = ({ data }) => all.push(JSON.parse(String(data)));
    await until(() => ws.readyState === WebSocket.OPEN, "the socket is open");
    return {
      async say(fields: object): Promise<readonly Told[]> {
        const from = all.length;
        ws.send(JSON.stringify({ type: "say", ...fields }));
        const isLast = ({ type }: Told) => type === "done" || type === "error";
        await until(() => all.slice(from).some(isLast), "it is answered");
        return all.slice(from);
      },
      close: () => ws.close(),
    };
  }

  test("collections and files of a message; the conversation goes on with its collections", async () => {
    const socket = await opened(hers);
    const first = await socket.say({ text: rent, collections: ["haus"] });
    expect(kindsOf(first)).toEqual(["sources", "delta", "grounding", "done"]);
    expect(the(first, "grounding")).toMatchObject({ sentences: 2, supported: 2 });
    expect(kindsOf(await socket.say({ text: deposit }))).toEqual(["sources", "delta", "grounding", "done"]);
    const file = await sent(hers, "boiler.txt", "The boiler is in the cellar.");
    const plain = await socket.say({ text: "Where is the boiler?", collections: [], files: [file] });
    expect(kindsOf(plain)).toEqual(["delta", "done"]);
    expect(llama.asked.at(-1)?.messages.at(-1)?.content).toContain("The boiler is in the cellar.");
    socket.close();
  });

  test("refusals are events, and the socket goes on; without kept conversations it works, too", async () => {
    const stranger = await opened(his);
    expect(the(await stranger.say({ text: rent, collections: [collection] }), "error")).toMatchObject({
      code: "collection_unknown",
    });
    expect(kindsOf(await stranger.say({ text: "Hallo" }))).toEqual(["delta", "done"]);
    stranger.close();
    const plain = await opened(await keyFor(ada as Person, ["answers"]));
    const code = async (fields: object) => the(await plain.say({ text: rent, ...fields }), "error")?.["code"];
    expect([await code({ collections: ["haus"] }), await code({ files: [newId()] })]).toEqual([
      ...["key_scope", "key_scope"],
    ]);
    plain.close();
    const passing = await opened(await keyFor(ada as Person, ["answers", "documents"]));
    const answer = await passing.say({ text: rent, collections: ["haus"] });
    expect(the(answer, "grounding")).toMatchObject({ supported: 2 });
    expect(the(answer, "done")).toMatchObject({ conversation: null });
    passing.close();
  });
});
