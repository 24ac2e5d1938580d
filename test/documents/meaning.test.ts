// Search by meaning, with real llama-servers: what words don't find, what is kept up to date, and what happens while
// a server is away. If this fails, people get passages of others, of yesterday, or none at all.
// Promises: R10.

import { Database } from "bun:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { passagesOf } from "../../src/documents/passages.ts";
import { passageTerms } from "../../src/documents/words.ts";
import type { IndexedPassage, PassageHit } from "../../src/domain/document.ts";
import type { CollectionId, PersonId } from "../../src/domain/id.ts";
import { lease, leaseQuestions } from "../llama/lease.ts";
import { freePort, type Llama, startLlama, until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";
import { type Meant, type MeantOptions, openMeant } from "./meant.ts";
import { putDocument } from "./put.ts";

let magpie: Llama;
let judge: Llama;
const houses: Meant[] = [];

beforeAll(async () => {
  [magpie, judge] = await Promise.all([startLlama({ model: "magpie" }), startLlama({ model: "judge" })]);
});
afterEach(async () => {
  for (const house of houses.splice(0)) await house.stop();
});
afterAll(async () => {
  await Promise.all([magpie, judge].map((llama) => llama?.stop()));
});

async function open(options: MeantOptions = {}): Promise<Meant> {
  const house = await openMeant({ embed: magpie.url, ...options });
  houses.push(house);
  return house;
}

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

const put = (house: Meant, collection: CollectionId, path: string, text: string) =>
  putDocument(house.store, collection, { path, hash: path }, indexed(text));

/** A collection with a document for each text. */
async function collection(
  house: Meant,
  texts: readonly string[],
  { owner = null, name = "haus" }: { owner?: PersonId | null; name?: string } = {},
): Promise<CollectionId> {
  const { id } = await house.store.collections.add(owner, name, null);
  for (const [i, text] of texts.entries()) await put(house, id, `${i}`, text);
  return id;
}

const isFilled = (house: Meant) => async () => {
  const progress = await house.meaning.progress();
  return progress?.model !== null && progress?.done === progress?.total;
};
/** Waits until all passages have their vectors and these are in memory. */
async function filled(house: Meant, ...collections: CollectionId[]): Promise<void> {
  await until(isFilled(house), "all passages are embedded");
  const total = (await house.meaning.progress())?.total ?? 0;
  if (total === 0 || collections.length === 0) return;
  const near = async () => (await house.near("Haus Auto Monat", { collections, limit: 1 }))?.hits.length;
  await until(async () => ((await near()) ?? 0) > 0, "they are compared");
}

const find = (house: Meant, question: string, ...collections: CollectionId[]) =>
  house.find([question], { collections, limit: 5 });
const paths = (hits: readonly PassageHit[]) => hits.map(({ path }) => path);

const cars = ["Das Auto parkt am Haus.", "Der Hund bellt im Garten.", "Die Heizung wird im Mai abgelesen."];

describe("with a model that embeds", () => {
  test("a passage is found that has none of the words; without one, words decide alone", async () => {
    const house = await open();
    const id = await collection(house, cars);
    await filled(house, id);
    const found = await until2(async () => {
      const result = await find(house, "Wo ist mein Fahrzeug?", id);
      return result.isAnswerable ? result : null;
    }, "it is found by meaning");
    expect(found.hits[0]?.path).toBe("0");
    const plain = await open({ embed: null });
    const other = await collection(plain, cars);
    expect(await find(plain, "Wo ist mein Fahrzeug?", other)).toEqual({ hits: [], isAnswerable: false });
    expect(await plain.meaning.progress()).toBeNull();
  });

  test("what shares no meaning with any passage is no answer", async () => {
    const house = await open();
    const id = await collection(house, [...cars, ...lease]);
    await filled(house, id);
    expect((await find(house, "Xylophon Quadrille", id)).isAnswerable).toBe(false);
  });

  test("people don't find what others have, whatever it means", async () => {
    const house = await open();
    const [ada, bert] = await Promise.all(
      ["ada", "bert"].map((name) => house.store.people.add({ name, role: "member", password: null })),
    );
    const his = await collection(house, ["Das Auto parkt am Haus."], { owner: (bert as { id: string }).id });
    const hers = await collection(house, ["Der Hund bellt.", "Die Katze schläft."], {
      owner: (ada as { id: string }).id,
    });
    await filled(house, his, hers);
    await until(async () => (await find(house, "Fahrzeug", his)).hits.length > 0, "bert's is in memory");
    expect(paths((await find(house, "Fahrzeug", hers)).hits)).not.toContain("0 Auto");
    for (const hit of (await find(house, "Fahrzeug", hers)).hits) expect(hit.text).not.toContain("Auto");
    expect((await find(house, "Fahrzeug")).hits).toEqual([]);
  });

  test("a document that is added, replaced or removed is found as it is now, and no vector stays", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "parlor-meaning-")), "parlor.db");
    const house = await open({ file });
    const id = await collection(house, cars);
    const nearest = async () => (await house.near("Wagen", { collections: [id], limit: 1 }))?.hits[0];
    await until(async () => (await nearest())?.text === cars[0], "the first is found");
    await put(house, id, "0", "Das Fahrrad steht im Keller.");
    await until(async () => (await nearest())?.text !== cars[0], "it is replaced");
    await put(house, id, "new", "Ein PKW darf hier nicht stehen.");
    await until(async () => (await nearest())?.path === "new", "the new one is found");
    await house.store.collections.remove(id);
    expect(await nearest()).toBeUndefined();
    const db = new Database(file, { readonly: true });
    const left = () => (db.query("select count(*) as n from passage_vectors").get() as { n: number }).n;
    await until(() => left() === 0, "all vectors are erased");
    db.close();
  });

  test("a document that gets the number of an erased one is found by its own meaning", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "parlor-meaning-")), "parlor.db");
    const house = await open({ file });
    const first = await collection(house, ["Das Auto parkt am Haus."]);
    await filled(house, first);
    await house.store.collections.remove(first);
    const db = new Database(file, { readonly: true });
    const left = () => (db.query("select count(*) as n from documents").get() as { n: number }).n;
    await until(() => left() === 0, "it is erased");
    const second = await collection(house, ["Der Hund bellt im Garten."]);
    expect(db.query("select seq from documents").all()).toEqual([{ seq: 1 }]);
    db.close();
    const nearest = async () =>
      (await house.near("Hunde", { collections: [second], limit: 1 }))?.hits[0]?.score ?? 0;
    await until(async () => (await nearest()) > 0.5, "it is near its own word");
  });

  test("a start with the same file embeds nothing again", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "parlor-meaning-")), "parlor.db");
    const first = await open({ file });
    const id = await collection(first, cars);
    await filled(first, id);
    await first.stop();
    houses.splice(0);
    let texts = 0;
    const wire = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        const body = request.method === "POST" ? await request.text() : null;
        if (pathname === "/v1/embeddings") texts += (JSON.parse(body ?? "{}").input as string[]).length;
        return fetch(magpie.url + pathname, { method: request.method, body });
      },
    });
    const second = await open({ file, embed: wire.url.href });
    await until(async () => {
      return (await find(second, "Fahrzeug", id)).hits[0]?.path === "0";
    }, "it is found by meaning");
    const asked = second.log.length; // a question and the look at the model are all that was embedded
    expect(asked).toBeGreaterThan(0);
    await filled(second, id);
    expect(texts).toBeLessThan(cars.length + 40);
    await wire.stop(true);
  });
});

test("while answers are written, most of the time is left to them", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/props") return Response.json({ total_slots: 1, model_alias: "slow" });
      if (pathname !== "/v1/embeddings") return Response.json(pathname === "/slots" ? [] : { status: "ok" });
      const { input } = (await request.json()) as { input: string[] };
      const isBatch = input[0] !== "document"; // by which it asks for the model
      if (isBatch) begun.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, 40));
      const embedding = Buffer.from(Float32Array.of(1, 0).buffer).toString("base64");
      if (isBatch) ended.push(performance.now());
      return Response.json({ model: "slow", data: input.map((_, index) => ({ index, embedding })) });
    },
  });
  const house = await open({ embed: server.url.href, isBusy: true });
  await collection(house, [...cars, ...lease]);
  await until(isFilled(house), "all passages are embedded");
  const pauses = begun.slice(1).map((at, i) => at - (ended[i] as number));
  expect(pauses.length).toBeGreaterThan(2);
  for (const pause of pauses) expect(pause).toBeGreaterThan(100);
  await house.stop();
  houses.splice(0);
  await server.stop(true);
});

describe("a server that embeds and", () => {
  test("dies: words go on at once; when it is back, so does meaning", async () => {
    const port = freePort();
    let own = await startLlama({ model: "magpie", port });
    const house = await open({ embed: own.url, bounds: { embedMs: 3_000 } });
    const id = await collection(house, cars);
    await filled(house, id);
    await own.stop();
    expect(paths((await find(house, "Heizung", id)).hits)[0]).toBe("2");
    await put(house, id, "late", "Der Arzt hat Urlaub.");
    expect(paths((await find(house, "Arzt", id)).hits)).toEqual(["late"]);
    own = await startLlama({ model: "magpie", port });
    await until(
      async () => paths((await find(house, "Ferien des Doktors", id)).hits)[0] === "late",
      "what was added meanwhile is found by meaning",
    );
    expect(house.log.filter((line) => line.includes("can't be embedded now")).length).toBeLessThan(3);
    await own.stop();
  });

  test("is slow: the question is answered by words, within the time", async () => {
    const slow = startScripted((exchange) => void exchange.closed); // it never answers
    const house = await open({ embed: slow.url, bounds: { embedMs: 100 } });
    const id = await collection(house, cars);
    const startedAt = performance.now();
    expect(paths((await find(house, "Heizung", id)).hits)).toEqual(["2"]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    slow.stop();
  });

  test("has another model: all is embedded anew, and old vectors are never compared", async () => {
    const server = startScripted();
    const answersWith = (model: string, vectorOf: (text: string) => number[]) => {
      server.looks.props = JSON.stringify({ total_slots: 1, model_alias: model });
      server.script = (exchange) => embed(exchange, model, vectorOf);
    };
    answersWith("one", (text) => (/Auto|car/.test(text) ? [1, 0, 0] : [0, 1, 0]));
    const house = await open({ embed: server.url });
    const id = await collection(house, cars);
    await filled(house, id);
    expect((await house.meaning.progress())?.model).toBe("one");
    const nearest = async () => (await house.near("car", { collections: [id], limit: 1 }))?.hits[0];
    await until(async () => (await nearest())?.path === "0", "the first model decides");
    answersWith("two", (text) => (/Hund|car/.test(text) ? [1, 0] : [0, 1]));
    await until(async () => (await nearest())?.path === "1", "the second model decides");
    expect(await house.meaning.progress()).toEqual({ model: "two", done: 3, total: 3 });
    server.stop();
  });

  test("refuses one passage: the others are embedded, and it is not asked about that one for ever", async () => {
    const server = startScripted();
    server.looks.props = JSON.stringify({ total_slots: 1, model_alias: "picky" });
    server.script = (exchange) =>
      exchange.request.includes("Hund")
        ? refuse(exchange)
        : embed(exchange, "picky", (text) => (/Auto/.test(text) ? [1, 0] : [0, 1]));
    const house = await open({ embed: server.url });
    const id = await collection(house, cars);
    await filled(house, id);
    expect(await house.meaning.progress()).toEqual({ model: "picky", done: 3, total: 3 });
    const near = await house.near("Auto", { collections: [id], limit: 9 });
    expect(paths(near?.hits ?? [])).toEqual(["0"]);
    server.stop();
  });
});

type Exchange = Scripted["chats"][number];

function embed({ request, write }: Exchange, model: string, vectorOf: (text: string) => number[]): void {
  const { input } = JSON.parse(request.slice(request.indexOf("\r\n\r\n") + 4)) as { input: string[] };
  const data = input.map((text, index) => {
    const embedding = Buffer.from(new Float32Array(vectorOf(text)).buffer).toString("base64");
    return { index, embedding };
  });
  const body = JSON.stringify({ model, data });
  write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

function refuse({ write }: Exchange): void {
  const body = `{"error":{"code":500,"message":"it can't be embedded"}}`;
  write(`HTTP/1.1 500 X\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

/** What `look` finds, as soon as it finds something. */
async function until2<T>(look: () => Promise<T | null>, what: string): Promise<T> {
  let found: T | null = null;
  await until(async () => {
    found = await look();
    return found !== null;
  }, what);
  return found as T;
}

describe("with a model that ranks", () => {
  for (const [question, passage] of leaseQuestions)
    test(`"${question}" finds the passage that answers it first`, async () => {
      const house = await open({ rerank: judge.url, bounds: { rerankMs: 20_000 } });
      const id = await collection(house, lease);
      await filled(house, id);
      const first = async () => paths((await find(house, question, id)).hits)[0];
      await until(async () => (await first()) === `${passage}`, "it is ranked");
    });

  test("a passage that it thinks likely to answer is one, although only a weak word is shared", async () => {
    const server = startScripted();
    const ranks = (score: number) => {
      server.script = ({ request, write }) => {
        const { documents } = JSON.parse(request.slice(request.indexOf("\r\n\r\n") + 4)) as {
          documents: string[];
        };
        const results = documents.map((text, index) => {
          return { index, relevance_score: text.includes("Hund") ? score : score - 1 };
        });
        const body = JSON.stringify({ results });
        write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      };
    };
    const house = await open({ embed: null, rerank: server.url, bounds: { rerankMs: 20_000 } });
    const id = await collection(house, ["Der Garten ist weit.", "Der Hund liegt im Garten."]);
    const question = "Welcher Vierbeiner vertreibt Einbrecher, bewacht Grund und Garten?";
    ranks(-3);
    const first = async () => paths((await find(house, question, id)).hits)[0];
    await until(async () => (await first()) === "1", "it is ranked");
    expect((await find(house, question, id)).isAnswerable).toBe(false);
    ranks(2.5);
    expect((await find(house, question, id)).isAnswerable).toBe(true);
    server.stop();
  });

  test("the order of the search stays while it is away", async () => {
    const house = await open({ embed: null, rerank: `http://127.0.0.1:${freePort()}` });
    const id = await collection(house, cars);
    expect(paths((await find(house, "Heizung Hund", id)).hits).length).toBe(2);
  });
});
