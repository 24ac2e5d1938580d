// Bodies of requests, at every door that takes one. If this fails, a compressed request is answered with an error of parlor's own, a few
// large ones fill the memory, or one that never comes holds a connection for ever.
// Promises: L2, L3, P2.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { hashOf, newKey } from "../../src/auth/secrets.ts";
import type { KeyScope, Person } from "../../src/domain/account.ts";
import { asFailure } from "../../src/domain/failure.ts";
import { newId } from "../../src/domain/id.ts";
import { Bodies } from "../../src/server/bodies.ts";
import { type House, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
let closed: House;
let ada: Person;

const maxBytes = 100_000;

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("ok");
    exchange.finish();
  });
  const bounds = { programMaxBytes: maxBytes, importMaxBytes: maxBytes, messageMaxBytes: 1_000, bodyMs: 200 };
  house = await startHouse({ llama: upstream.url, bounds });
  closed = await startHouse({ llama: upstream.url, bounds, auth: "password" });
  for (const each of [house, closed])
    await until(() => each.upstream.state.status === "ready", "the house sees its upstream");
  ada = await closed.store.people.add({ name: "Ada", role: "member", password: null });
});
afterAll(async () => {
  await house.stop();
  await closed.stop();
  upstream.stop();
});

const chat = JSON.stringify({ stream: true, messages: [{ role: "user", content: "hello" }] });
const form = () => `type=say&message=${newId()}&text=hello`;
const post = (
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  at: House = house,
) => fetch(at.url + path, { method: "POST", body: body as BodyInit, headers, redirect: "manual" });
const formType = { "content-type": "application/x-www-form-urlencoded" };

/** Endpoints that take a body, what is sent there, and the status of what is taken. */
const doors: [path: () => string, body: () => string, headers: Record<string, string>, taken: number][] = [
  [() => "/v1/chat/completions", () => chat, {}, 200],
  [() => "/v1/messages", () => chat, {}, 200],
  [() => "/v1/embeddings", () => `{"input":"x"}`, {}, 200],
  [() => "/ask", () => "hello", {}, 200],
  [() => `/c/${newId()}`, form, formType, 303],
  [() => "/import", () => "x", formType, 400],
];

/** What is answered to bytes that are sent as they are, and after how long the connection was closed. */
async function raw(
  at: House,
  head: string,
  then?: (write: (text: string) => void) => () => void,
): Promise<{ text: string; ms: number }> {
  const startedAt = performance.now();
  const socket = connect(Number(new URL(at.url).port), "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => {});
  socket.write(head);
  const stop = then?.((more) => socket.write(more));
  const isOver = Promise.withResolvers<void>();
  socket.on("close", () => isOver.resolve());
  await isOver.promise;
  stop?.();
  return { text, ms: performance.now() - startedAt };
}
const head = (path: string, more = "") => `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${more}`;

describe("a compressed request", () => {
  const codings: [name: string, compress: (text: string) => Uint8Array][] = [
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
    ["identity", (text) => Buffer.from(text)],
    ["", (text) => Buffer.from(text)],
  ];

  for (const [coding, compress] of codings)
    test(`${coding || "(an empty name)"} (${compress.name}): is taken at every door, and llama-server gets it plain`, async () => {
      for (const [path, body, headers, taken] of doors) {
        const response = await post(path(), compress(body()), { ...headers, "content-encoding": coding });
        expect([path(), response.status]).toEqual([expect.any(String), taken]);
        await response.text();
      }
      const sent =
        upstream.chats.find(
          ({ request }) => request.startsWith("POST /v1/chat") && !request.includes("x-conversation-id"),
        )?.request ?? "";
      expect(sent).toEndWith(chat);
      expect(sent).not.toMatch(/content-encoding/i);
      upstream.chats.length = 0;
    });

  test("an unknown one is refused with 415 and a sentence, never with a fault of ours", async () => {
    for (const coding of ["compress", "lz4", "gzip, br", "x", "identity, rot13"])
      for (const [path, body, headers] of doors) {
        const response = await post(path(), body(), { ...headers, "content-encoding": coding });
        expect([response.status, await response.text()]).toEqual([
          415,
          expect.stringContaining("Content-Encoding"),
        ]);
      }
  });

  test("one that is damaged, cut off or something else is a bad request", async () => {
    const whole = gzipSync(chat);
    for (const body of [
      whole.subarray(0, whole.length - 9),
      Buffer.from("no gzip at all"),
      Buffer.concat([whole, Buffer.from("more")]),
    ])
      for (const [path, , headers] of doors)
        expect((await post(path(), body, { ...headers, "content-encoding": "gzip" })).status).toBe(400);
  });

  test("a few kB that unpack to much are refused at the bound", async () => {
    const much = Buffer.alloc(16 << 20, 32);
    for (const [coding, compressed] of [
      ["gzip", gzipSync(much)] as const,
      ["br", brotliCompressSync(much)] as const,
      ["zstd", zstdCompressSync(much)] as const,
    ]) {
      expect(compressed.length).toBeLessThan(maxBytes);
      const before = process.memoryUsage.rss();
      for (const [path, , headers] of doors)
        expect((await post(path(), compressed, { ...headers, "content-encoding": coding })).status).toBe(413);
      expect(process.memoryUsage.rss() - before).toBeLessThan(12 << 20);
    }
  });
});

describe("before a body is read", () => {
  const keyFor = async (...scopes: KeyScope[]): Promise<string> => {
    const key = newKey();
    await closed.store.keys.add(hashOf(key), { person: ada.id, name: "test", scopes });
    return key;
  };
  /** The status that is answered while nothing of the body has been sent. */
  const refused = async (path: string, more: string): Promise<number> => {
    const { text } = await raw(
      closed,
      head(path, `${more}content-length: 50000\r\nconnection: close\r\n\r\n`),
    );
    return Number(text.split(" ")[1]);
  };

  test("account, key, scope and limits are asked", async () => {
    const answers = `authorization: Bearer ${await keyFor("answers")}\r\n`;
    expect(await refused("/v1/chat/completions", "")).toBe(401);
    expect(await refused("/ask", "authorization: Bearer parlor_wrong\r\n")).toBe(401);
    expect(await refused("/v1/embeddings", answers)).toBe(403);
    expect(await refused("/v1/nothing", answers)).toBe(404);
    expect(await refused(`/c/${newId()}`, "origin: null\r\n")).toBe(403);
    expect(await refused(`/c/${newId()}`, "")).toBe(401);
    for (const ownLimits of [{ tokensPerDay: 0 }, { waitingRunsMax: 0 }, { runsPerMinute: 1 }]) {
      await closed.store.people.change(ada.id, { ownLimits });
      if ("runsPerMinute" in ownLimits)
        await (await post("/ask", "one", { authorization: answers.slice(15).trim() }, closed)).text();
      for (const path of ["/v1/chat/completions", "/ask"])
        expect([ownLimits, await refused(path, answers)]).toEqual([ownLimits, 429]);
    }
    await closed.store.people.change(ada.id, { ownLimits: {} });
  });
});

describe("a body that does not come", () => {
  for (const [path] of doors)
    test(`${path().slice(0, 20)}: one that is announced and never sent, or comes byte by byte, is given up and its connection closed`, async () => {
      const trickle = (write: (text: string) => void) => {
        const timer = setInterval(() => write("x"), 20);
        return () => clearInterval(timer);
      };
      const sent = [
        () => raw(house, head(path(), "content-length: 5000\r\n\r\n")),
        () => raw(house, head(path(), "content-length: 5000\r\n\r\n"), trickle),
        () => raw(house, head(path(), "transfer-encoding: chunked\r\n\r\n1\r\nx\r\n")),
        () => raw(house, head(path(), "content-encoding: gzip\r\ncontent-length: 5000\r\n\r\n")),
      ];
      const isOneAtATime = path() === "/import";
      const answers = isOneAtATime ? [] : await Promise.all(sent.map((send) => send()));
      if (isOneAtATime) for (const send of sent) answers.push(await send());
      for (const { text, ms } of answers) {
        expect(text).toStartWith("HTTP/1.1 408");
        expect(ms).toBeLessThan(3_000);
      }
    });

  test("one that is slow and steady is read", async () => {
    const body = chat.padEnd(20_000, " ");
    const times: number[] = [];
    const send = () =>
      raw(
        house,
        head("/v1/chat/completions", `content-length: ${body.length}\r\nconnection: close\r\n\r\n`),
        (write) => {
          let at = 0;
          times.splice(0, times.length, performance.now());
          const timer = setInterval(() => {
            write(body.slice(at, at + 1_000)); // 25 kB a second: twice as fast as the slowest that is waited for, for four times as long as the least
            at += 1_000;
            times.push(performance.now());
          }, 40);
          return () => clearInterval(timer);
        },
      );
    /** On a busy machine a sender may stop for a while, and then it is given up rightly. */
    const wasSteady = () => times.every((time, i) => time - (times[i - 1] ?? time) < 120);
    let text = "";
    do {
      ({ text } = await send());
    } while (!text.startsWith("HTTP/1.1 200") && !wasSteady());
    expect(text).toStartWith("HTTP/1.1 200");
  });
});

describe("all bodies together", () => {
  const bodies = () => new Bodies({ bodiesMaxBytes: 1 << 20, bodyMs: 1_000 });
  const request = (bytes: number) =>
    new Request("http://localhost/", { method: "POST", body: new Uint8Array(bytes) });
  const code = (read: Promise<unknown>) =>
    read.then(
      () => "read",
      (error) => asFailure(error).code,
    );
  const bound = { maxBytes: 8 << 20 };

  test("no more than the bound is in memory, however many come; what is released makes room", async () => {
    const all = bodies();
    const owners = ["a", "b", "c", "d", "e"];
    const reads = await Promise.allSettled(
      owners.map((owner) => all.read(request(300_000), { ...bound, owner })),
    );
    const held = reads.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(held.length).toBe(3);
    expect(all.heldBytes).toBeLessThanOrEqual(1 << 20);
    structuredClone(held[0]?.bytes, { transfer: [held[0]?.bytes.buffer as ArrayBuffer] }); // to another thread
    held[0]?.release();
    held[0]?.release();
    expect(await code(all.read(request(300_000), { ...bound, owner: "f" }))).toBe("read");
    expect(await code(all.read(request(300_000), { ...bound, owner: "g" }))).toBe("bodies_full");
  });

  test("one person has no more than half, and small bodies of others still find room", async () => {
    const all = bodies();
    expect(await code(all.read(request(400_000), { ...bound, owner: "a" }))).toBe("read");
    expect(await code(all.read(request(400_000), { ...bound, owner: "a" }))).toBe("bodies_full");
    expect(await code(all.read(request(500_000), { ...bound, owner: "b" }))).toBe("read");
    expect(await code(all.read(request(400_000), { ...bound, owner: "c" }))).toBe("bodies_full");
    expect(await code(all.read(request(60_000), { ...bound, owner: "c" }))).toBe("read");
  });

  test("one that is alone is read although it is larger than the bound on all", async () => {
    const all = bodies();
    const body = await all.read(request(3 << 20), { ...bound, owner: "a" });
    expect(body.bytes.length).toBe(3 << 20);
    body.release();
    expect(all.heldBytes).toBe(0);
  });

  test("a body that is refused or breaks off holds nothing", async () => {
    const all = bodies();
    expect(await code(all.read(request(300_000), { maxBytes: 200_000, owner: "a" }))).toBe("too_large");
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(200_000));
        controller.error(new Error("gone"));
      },
    });
    expect(
      await code(
        all.read(new Request("http://localhost/", { method: "POST", body: broken }), {
          ...bound,
          owner: "a",
        }),
      ),
    ).toBe("internal");
    expect(all.heldBytes).toBe(0);
  });
});
