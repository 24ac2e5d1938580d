// The doors for programs, by the real llama-server: /ask, the /chat socket in JSON, keys and what they
// open. If this fails, somebody's script hangs, gets what is not theirs, or goes on costing a slot when it
// is gone.
// Promises: S6, X4.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hashOf, newKey } from "../../src/auth/secrets.ts";
import type { KeyScope, Person } from "../../src/domain/account.ts";
import { type House, PageClient, rendered, startHouse } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";

let llama: Llama;
let house: House;
let closed: House;
let ada: Person;

beforeAll(async () => {
  llama = await startLlama();
  house = await startHouse({
    llama: llama.url,
    bounds: { slotsMax: 1, queueMaxRuns: 2 },
    allowOrigins: ["http://app.example"],
  });
  closed = await startHouse({ llama: llama.url, auth: "password" });
  for (const each of [house, closed])
    await until(() => each.upstream.state.status === "ready", "the house sees llama-server");
  ada = await closed.store.people.add({ name: "Ada", role: "member", password: null });
});
afterAll(async () => {
  await house.stop();
  await closed.stop();
  await llama.stop();
});

const idle = () => until(async () => (await llama.busySlots()) === 0, "no slot is held");
const ask = (
  body: string | object,
  headers: Record<string, string> = {},
  at: House = house,
): Promise<Response> =>
  fetch(`${at.url}/ask`, {
    method: "POST",
    headers: {
      ...(typeof body === "object"
        ? { "content-type": "application/json" }
        : { "content-type": "application/x-www-form-urlencoded" }),
      ...headers,
    },
    body: typeof body === "object" ? JSON.stringify(body) : body,
  });
const keyFor = async (...scopes: KeyScope[]): Promise<string> => {
  const key = newKey();
  await closed.store.keys.add(hashOf(key), { person: ada.id, name: "test", scopes });
  return key;
};

interface ProgramEvent {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** The other end of the socket in JSON. */
class JsonClient {
  readonly told: ProgramEvent[] = [];
  readonly ws: WebSocket;

  constructor(at: House, headers: Record<string, string> = {}, protocols: string[] = ["parlor.json"]) {
    this.ws = new WebSocket(`${at.url.replace("http", "ws")}/chat`, { headers, protocols } as never);
    this.ws.onmessage = ({ data }) => this.told.push(JSON.parse(String(data)));
  }

  async opened(): Promise<this> {
    await until(() => this.ws.readyState === WebSocket.OPEN, "the socket is open");
    return this;
  }

  send(wish: object): void {
    this.ws.send(JSON.stringify(wish));
  }

  async last(type: "done" | "error" | "history", from = 0): Promise<ProgramEvent> {
    await until(() => this.told.slice(from).some((each) => each.type === type), `${type} is told`);
    return this.told.slice(from).find((each) => each.type === type) as ProgramEvent;
  }

  textFrom(from = 0): string {
    return this.told
      .slice(from)
      .map(({ type, text }) => (type === "delta" ? text : ""))
      .join("");
  }
}

describe("POST /ask", () => {
  test("as curl does: the body is the question, plain text streams back", async () => {
    const response = await ask("long");
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/plain; charset=utf-8",
    ]);
    expect(await response.text()).toBe(`${textOf("long")}\n`);
    expect(await house.store.ids()).toEqual([]); // it is not kept
  });

  test("as events, where that is asked for", async () => {
    const text = await (await ask("think", { accept: "text/event-stream" })).text();
    const told = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, type, data]) => ({
      type,
      data: JSON.parse(data as string) as ProgramEvent,
    }));
    expect(told.map(({ type }) => type).filter((type) => type === "reasoning").length).toBeGreaterThan(0);
    expect(told.map(({ data }) => (data.type === "delta" ? data["text"] : "")).join("")).toBe(
      textOf("think"),
    );
    expect(told.at(-1)).toMatchObject({ type: "done", data: { finish: "stop", conversation: null } });
  });

  test("kept where that is wished, gone on with by its name, and seen on a page meanwhile", async () => {
    const first = await ask({ text: "count please", keep: true });
    const conversation = first.headers.get("x-conversation") as string;
    expect(await first.text()).toContain("1 messages");
    const page = await new PageClient(house, conversation).ready();
    expect(await (await ask({ text: "count again", conversation })).text()).toContain("3 messages");
    expect((await page.lastIs("done")).text).toContain("3 messages");
    page.close();
    expect((await ask({ text: "x", conversation: "AAAAAAAAAAAAAAAAAAAAAA" })).status).toBe(404);
  });

  test("what can't be done is said with a status and a sentence", async () => {
    expect((await ask("")).status).toBe(400);
    expect((await ask("x".repeat(300_000))).status).toBe(413);
    expect((await ask({ text: 7 })).status).toBe(400);
    expect((await ask({ text: "x", persona: "nobody" })).status).toBe(404);
    expect((await fetch(`${house.url}/ask`)).status).toBe(404);
    expect(
      (
        await fetch(`${house.url}/ask`, {
          method: "POST",
          body: "x",
          headers: { origin: "http://evil.example" },
        })
      ).status,
    ).toBe(403);
    expect(await (await ask("", { "accept-language": "de" })).text()).toMatch(/^\S.*\.\n$/);
  });

  test("who goes away stops it, whoever waits is served; a full line says when to come again", async () => {
    const gone = new AbortController();
    const first = await fetch(`${house.url}/ask`, { method: "POST", body: "endless", signal: gone.signal });
    const second = ask("twenty");
    const third = ask("twenty");
    await until(
      async () => ((await (await fetch(`${house.url}/readyz`)).json()) as { waiting: number }).waiting === 2,
      "two wait",
    );
    const refused = await ask("twenty");
    expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([429, true]);
    expect(first.status).toBe(200);
    gone.abort();
    for (const each of [second, third]) expect(await (await each).text()).toBe(`${textOf("twenty")}\n`);
    await idle();
  });

  test("a page of a listed site may ask, and its browser is told so", async () => {
    const origin = { origin: "http://app.example" };
    const preflight = await fetch(`${house.url}/v1/models`, {
      method: "OPTIONS",
      headers: { ...origin, "access-control-request-headers": "authorization" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
      204,
      "http://app.example",
    ]);
    expect((await ask("twenty", origin)).headers.get("access-control-allow-origin")).toBe(
      "http://app.example",
    );
    expect(
      (await ask("twenty", { origin: "http://evil.example" })).headers.get("access-control-allow-origin"),
    ).toBeNull();
  });
});

describe("the /chat socket in JSON", () => {
  test("an answer in pieces, its end with figures; what is said next goes on with the same conversation", async () => {
    const client = await new JsonClient(house).opened();
    client.send({ type: "say", text: "count please" });
    const done = await client.last("done");
    expect(client.textFrom()).toContain("1 messages");
    expect(done).toMatchObject({
      finish: "stop",
      usage: { completion_tokens: expect.any(Number) },
      timings: { queue_ms: expect.any(Number) },
    });
    const from = client.told.length;
    client.send({ type: "say", text: "count again" });
    expect((await client.last("done", from))["conversation"]).toBe(done["conversation"]);
    expect(client.textFrom(from)).toContain("3 messages");
    client.ws.close();
    const later = await new JsonClient(house).opened();
    later.send({ type: "history", conversation: done["conversation"] });
    expect(((await later.last("history"))["messages"] as { text: string }[]).map(({ text }) => text)[0]).toBe(
      "count please",
    );
    later.send({ type: "say", text: "count once more", conversation: done["conversation"] });
    await later.last("done");
    expect(later.textFrom()).toContain("5 messages");
    later.ws.close();
  });

  test("thoughts are told apart; a persona that is not there is said", async () => {
    const client = await new JsonClient(house).opened();
    client.send({ type: "say", text: "think" });
    await client.last("done");
    expect(client.textFrom()).toBe(textOf("think"));
    expect(client.told.some(({ type }) => type === "reasoning")).toBe(true);
    client.ws.close();
    const other = await new JsonClient(house).opened();
    other.send({ type: "say", text: "x", persona: "nobody" });
    expect(await other.last("error")).toMatchObject({
      code: "persona_missing",
      message: expect.stringContaining("nobody"),
    });
    other.ws.close();
  });

  test("a page of the conversation sees the answer grow, as if it had been asked there", async () => {
    const client = await new JsonClient(house).opened();
    client.send({ type: "say", text: "twenty" });
    const { conversation } = (await client.last("done")) as ProgramEvent & { conversation: string };
    const page = await new PageClient(house, conversation).ready();
    client.send({ type: "say", text: "endless" });
    await until(() => page.last?.status === "running" && page.last.text.length > 100, "it grows on the page");
    const from = client.told.length;
    client.send({ type: "stop" });
    expect(await client.last("done", from)).toMatchObject({ finish: "stopped", conversation });
    await page.lastIs("stopped");
    page.close();
    client.ws.close();
    await idle();
  });

  test("waiting is told with its place; a socket that closes stops what it asked", async () => {
    const [first, second] = [await new JsonClient(house).opened(), await new JsonClient(house).opened()];
    first.send({ type: "say", text: "endless" });
    await until(() => first.textFrom().length > 50, "it writes");
    second.send({ type: "say", text: "twenty" });
    await until(
      () => second.told.some(({ type, position }) => type === "queued" && position === 1),
      "its place is told",
    );
    second.send({ type: "say", text: "again" });
    expect(await second.last("error")).toMatchObject({ code: "conversation_busy" });
    first.ws.close();
    await second.last("done");
    expect(second.textFrom()).toBe(textOf("twenty"));
    second.ws.close();
    await idle();
  });

  test("raw: the prompt goes to /completion as it stands, and can be stopped", async () => {
    const template = (word: string) => `<|recite:${word}|>`;
    const direct = (await (
      await fetch(`${llama.url}/completion`, {
        method: "POST",
        body: JSON.stringify({ prompt: template("twenty") }),
      })
    ).json()) as {
      content: string;
    };
    const client = await new JsonClient(house).opened();
    client.send({ type: "say", text: template("twenty"), raw: true });
    expect(await client.last("done")).toMatchObject({
      conversation: null,
      finish: "stop",
      usage: { completion_tokens: expect.any(Number) },
    });
    expect(client.textFrom()).toBe(direct.content);
    expect(direct.content.length).toBeGreaterThan(20);
    const from = client.told.length;
    client.send({ type: "say", text: template("endless"), raw: true });
    await until(() => client.textFrom(from).length > 100, "it writes");
    client.send({ type: "stop" });
    expect(await client.last("done", from)).toMatchObject({ finish: "stopped" });
    client.ws.close();
    await idle();
  });

  test("a raw prompt that is refused leaves the next answer to be stopped", async () => {
    const waiting = ["endless", "twenty", "twenty"].map((text) => ask(text)); // one runs, two wait: the line is full
    await until(
      async () => ((await (await fetch(`${house.url}/readyz`)).json()) as { waiting: number }).waiting === 2,
      "two wait",
    );
    const client = await new JsonClient(house).opened();
    client.send({ type: "say", text: "x", raw: true });
    expect(await client.last("error")).toMatchObject({ code: "queue_full" });
    await (await waiting[0])?.body?.cancel();
    for (const each of waiting.slice(1)) await (await each).text();
    client.send({ type: "say", text: "endless" });
    await until(() => client.textFrom().length > 50, "it writes");
    client.send({ type: "stop" });
    expect(await client.last("done")).toMatchObject({ finish: "stopped" });
    client.ws.close();
    await idle();
  });

  test("nonsense is refused in words, and the socket stays open", async () => {
    const client = await new JsonClient(house).opened();
    for (const frame of ["x", "7", "[]", `{"type":"say"}`, `{"type":"dance"}`]) client.ws.send(frame);
    await until(() => client.told.filter(({ code }) => code === "bad_frame").length === 5, "each is refused");
    client.send({ type: "say", text: "twenty" });
    await client.last("done");
    client.ws.close();
  });
});

describe("what is answered without a slot", () => {
  test("takes none, however it ends", async () => {
    const others = [await startLlama({ args: ["-np", "1"] }), await startLlama({ args: ["-np", "1"] })];
    const both = await startHouse({ llama: others.map(({ url }) => url) });
    await until(() => both.upstream.state.slots === 2, "both are seen");
    const counts = (signal?: AbortSignal) =>
      fetch(`${both.url}/v1/messages/count_tokens`, {
        method: "POST",
        body: JSON.stringify({ model: "x", messages: [{ role: "user", content: "word ".repeat(50_000) }] }),
        ...(signal && { signal }),
      });
    for (let i = 0; i < 6; i++) {
      const leave = new AbortController();
      const asked = counts(leave.signal).catch(() => null);
      setImmediate(() => leave.abort());
      await asked;
    }
    const busy = await Promise.all([0, 1].map(() => ask("endless", {}, both)));
    expect((await counts()).status).toBe(200); // beside two answers that never end
    for (const each of busy) await each.body?.cancel();
    expect(await (await ask("twenty", {}, both)).text()).toBe(`${textOf("twenty")}\n`);
    await both.stop();
    await Promise.all(others.map((other) => other.stop()));
  });
});

describe("keys, where people have accounts", () => {
  test("without one nothing is opened, with one its owner asks; a revoked one opens nothing", async () => {
    expect((await ask("twenty", {}, closed)).status).toBe(401);
    expect((await ask("twenty", { authorization: "Bearer parlor_wrong" }, closed)).status).toBe(401);
    const key = await keyFor("answers");
    expect(await (await ask("twenty", { authorization: `Bearer ${key}` }, closed)).text()).toBe(
      `${textOf("twenty")}\n`,
    );
    expect((await fetch(`${closed.url}/v1/models`, { headers: { "x-api-key": key } })).status).toBe(200);
    expect((await closed.store.usage.today(ada.id)).runs).toBeGreaterThan(0);
    const [kept] = await closed.store.keys.of(ada.id);
    expect(kept?.seenAt).toBeGreaterThan(0);
    await closed.store.keys.revoke(ada.id, kept?.id as string);
    expect((await ask("twenty", { authorization: `Bearer ${key}` }, closed)).status).toBe(401);
  });

  test("what is being answered ends when its key is revoked, and what waits is never begun", async () => {
    const key = { authorization: `Bearer ${await keyFor("answers")}` };
    const stream = (content: string) => {
      const body = JSON.stringify({ stream: true, messages: [{ role: "user", content }] });
      return fetch(`${closed.url}/v1/chat/completions`, { method: "POST", headers: key, body });
    };
    const running = [await stream("endless"), await ask("endless", key, closed)]; // both slots
    await until(async () => (await llama.busySlots()) === 2, "both are answered");
    const waiting = stream("twenty");
    await until(
      async () => ((await (await fetch(`${closed.url}/readyz`)).json()) as { waiting: number }).waiting === 1,
      "another waits",
    );
    for (const { id } of await closed.store.keys.of(ada.id)) await closed.store.keys.revoke(ada.id, id);
    const read = (response: Response) =>
      response.text().then(
        () => "whole",
        () => "broken off",
      );
    expect(await Promise.all(running.map(read))).toEqual(["broken off", "broken off"]);
    expect(await waiting.then(read, () => "broken off")).toBe("broken off");
    await idle();
  });

  test("a key opens no page, and no more than its scopes", async () => {
    const key = { authorization: `Bearer ${await keyFor("answers")}` };
    expect((await fetch(`${closed.url}/account`, { headers: key, redirect: "manual" })).status).not.toBe(200);
    const embedded = await fetch(`${closed.url}/v1/embeddings`, {
      method: "POST",
      headers: key,
      body: `{"input":"x"}`,
    });
    expect([embedded.status, ((await embedded.json()) as { error: { type: string } }).error.type]).toEqual([
      403,
      "permission_error",
    ]);
    expect((await ask({ text: "twenty", keep: true }, key, closed)).status).toBe(403);
    const client = await new JsonClient(closed, key).opened();
    client.send({ type: "say", text: "twenty" });
    expect((await client.last("done"))["conversation"]).toBeNull(); // not kept
    client.ws.close();
    expect(await closed.store.ids()).toEqual([]);
  });

  test("a page of another site brings it as a sub-protocol; a socket whose key is revoked is closed", async () => {
    const key = await keyFor("answers", "conversations");
    const client = await new JsonClient(closed, {}, ["parlor.json", `key.${key}`]).opened();
    expect(client.ws.protocol).toBe("parlor.json");
    client.send({ type: "say", text: "twenty" });
    expect((await client.last("done"))["conversation"]).toMatch(/^[\w-]{22}$/);
    expect((await closed.store.ids()).length).toBe(1);
    for (const { id } of await closed.store.keys.of(ada.id)) await closed.store.keys.revoke(ada.id, id);
    await until(() => client.ws.readyState === WebSocket.CLOSED, "it is closed");
    expect(client.told.at(-1)).toMatchObject({ type: "error", code: "not_signed_in" });
  });

  test("what a persona recites there is what it recites on the page", async () => {
    const key = { authorization: `Bearer ${await keyFor("answers", "conversations")}` };
    expect(rendered((await (await ask("hello", key, closed)).text()).trim())).toBe(
      rendered(textOf("greeting")),
    );
  });
});
