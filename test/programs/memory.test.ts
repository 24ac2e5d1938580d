// What programs ask leaves nothing behind: after requests of each kind as many objects are alive as before.
// If this fails, a parlor that is asked by programs all day grows until it is ended. `bench/memory.ts` is the
// long form, with the memory of the whole process.

import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type House, PlainClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    if (exchange.request.includes("endless")) {
      exchange.begin();
      exchange.delta("never ends");
      return;
    }
    if (exchange.request.includes('"stream":true')) {
      exchange.begin();
      exchange.delta("ok");
      exchange.finish();
      return;
    }
    exchange.write(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    );
  });
  house = await startHouse({ llama: upstream.url });
  await until(() => house.upstream.state.status === "ready", "the house sees its upstream");
});
afterAll(async () => {
  await house.stop();
  upstream.stop();
});

const post = (path: string, body: string | Uint8Array, init: RequestInit = {}) =>
  fetch(house.url + path, { method: "POST", body: body as BodyInit, keepalive: false, ...init });
const read = async (asked: Promise<Response>): Promise<void> => void (await (await asked).arrayBuffer());
const ignored = "x".repeat(200_000);

const kinds: Readonly<Record<string, () => Promise<void>>> = {
  "/v1, in one piece, with a large body": () =>
    read(post("/v1/completions", JSON.stringify({ prompt: "x", ignored }))),
  "/v1, a stream": () => read(post("/v1/chat/completions", `{"stream":true}`)),
  "/v1, compressed": () =>
    read(
      post("/v1/messages", gzipSync(JSON.stringify({ stream: true, ignored })), {
        headers: { "content-encoding": "gzip" },
      }),
    ),
  "/v1, refused": () => read(post("/v1/nothing", ignored)),
  "/v1, the list of models": () => read(fetch(`${house.url}/v1/models`, { keepalive: false })),
  "/v1, gone away": async () => {
    const leave = new AbortController();
    const asked = await post("/v1/chat/completions", `{"stream":true,"prompt":"endless"}`, {
      signal: leave.signal,
    });
    await asked.body?.getReader().read();
    leave.abort();
  },
  "/ask": () => read(post("/ask", "hello")),
  "/ask, events": () => read(post("/ask", "hello", { headers: { accept: "text/event-stream" } })),
  pages: () => read(fetch(`${house.url}/`, { keepalive: false })),
  "/chat": async () => {
    const client = await new PlainClient(house).opened();
    await client.ask("hello");
    client.close();
  },
};

for (const [name, kind] of Object.entries(kinds))
  test(`${name}: nothing is left`, async () => {
    const round = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) await kind();
      upstream.chats.length = 0;
      house.log.length = 0;
      await until(
        async () => !/_running [1-9]/.test(await (await fetch(`${house.url}/metrics`)).text()),
        "nothing runs",
      );
      for (let i = 0; i < 3; i++) {
        Bun.gc(true);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return heapStats().objectCount;
    };
    const count = 40;
    await round(count); // what is made once and kept
    const before = await round(count);
    // the less of two: a collection under way on a busy machine leaves some objects to the next
    const after = Math.min(await round(count), await round(count));
    expect((after - before) / count).toBeLessThan(12); // one request makes some hundred, of which a leak keeps 80 (tried)
  });
