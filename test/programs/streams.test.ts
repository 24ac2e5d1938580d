// Streams and large answers on their way to programs, over networks and through proxies as people have
// them: silence is told from death, a slow reader gets the whole, one that does not read holds nothing for
// ever.
// Promises: P3.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type House, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let llama: Llama;
let house: House;
beforeAll(async () => {
  llama = await startLlama();
  house = await startHouse({
    llama: llama.url,
    bounds: { slotsMax: 1, heartbeatMs: 100, programSlowMs: 1_500 },
  });
  await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
});
afterAll(async () => {
  await house?.stop();
  await llama?.stop();
});

const chat = (at: House, fields: object, signal?: AbortSignal, path = "/v1/chat/completions") =>
  fetch(at.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "parrot",
      max_tokens: 100_000,
      messages: [{ role: "user", content: "twenty" }],
      ...fields,
    }),
    ...(signal && { signal }),
  });

/**
 * Takes the only slot with an answer that is read for ever; resolves, once it is being written, with what
 * ends it.
 */
async function takeSlot(): Promise<() => void> {
  const end = new AbortController();
  const response = await chat(
    house,
    { stream: true, messages: [{ role: "user", content: "endless" }] },
    end.signal,
  );
  const begun = Promise.withResolvers<void>();
  void (async () => {
    for await (const bytes of response.body as ReadableStream<Uint8Array>)
      if (Buffer.from(bytes).includes('"content":"')) begun.resolve();
  })().catch(() => {});
  await begun.promise;
  return () => end.abort();
}

describe("who waits in line hears from us, so that no proxy takes the silence for the end", () => {
  const doors: Record<string, { path: string; sign: RegExp; end: RegExp; body: object }> = {
    "OpenAI's": {
      path: "/v1/chat/completions",
      sign: /^: alive$/gm,
      end: /data: \[DONE\]\n\n$/,
      body: { stream: true },
    },
    "Anthropic's": {
      path: "/v1/messages",
      sign: /^event: ping\ndata: \{"type": "ping"\}$/gm,
      end: /event: message_stop\n.*\n\n$/,
      body: { stream: true },
    },
  };
  for (const [name, { path, sign, end, body }] of Object.entries(doors))
    test(`a program of ${name} kind`, async () => {
      const free = await takeSlot();
      const waiting = await chat(house, body, undefined, path);
      let text = "";
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const bytes of waiting.body as ReadableStream<Uint8Array>)
          text += decoder.decode(bytes, { stream: true });
      })();
      await until(() => [...text.matchAll(sign)].length >= 3, "three signs of life");
      free();
      await reading;
      expect(text).toMatch(end);
      for (const line of text.split("\n")) expect(line).toMatch(/^(|:.*|data: .*|event: \w+)$/);
    });

  test("a script that asks for events", async () => {
    const free = await takeSlot();
    const waiting = await fetch(`${house.url}/ask`, {
      method: "POST",
      body: "twenty",
      headers: { accept: "text/event-stream" },
    });
    let text = "";
    const reading = (async () => {
      for await (const bytes of waiting.body as ReadableStream<Uint8Array>)
        text += new TextDecoder().decode(bytes);
    })();
    await until(() => [...text.matchAll(/^: alive$/gm)].length >= 2, "two signs of life");
    free();
    await reading;
    expect(text).toMatch(/event: done\n.*\n\n$/);
  });
});

test("a sign of life tears no event apart that comes in pieces", async () => {
  const upstream: Scripted = startScripted(async (exchange) => {
    exchange.begin();
    exchange.chunk('data: {"choices":[{"delta":');
    await until(() => ready, "many heartbeats have passed");
    exchange.chunk('{"content":"x"}}]}\n\n');
    exchange.finish();
  });
  let ready = false;
  const beside = await startHouse({ llama: upstream.url, bounds: { heartbeatMs: 100 } });
  await until(() => beside.upstream.state.status === "ready", "the house sees the scripted upstream");
  const response = await chat(beside, { stream: true });
  const since = performance.now();
  await until(() => performance.now() - since > 500, "five heartbeats");
  ready = true;
  expect((await response.text()).split("\n\n")[0]).toBe('data: {"choices":[{"delta":{"content":"x"}}]}');
  await beside.stop();
  upstream.stop();
});

/**
 * Reads an answer with a small window, at most so many bytes a tick of 10 ms; resolves with the bytes of the
 * whole.
 */
async function slowly(body: string, bytesPerTick: number): Promise<number> {
  const { hostname, port } = new URL(house.url);
  const program = `
    const net = require("node:net");
    let bytes = 0;
    const socket = net.connect(${port}, "${hostname}", () => { socket.write(require("node:fs").readFileSync(0)); });
    socket.on("readable", () => {});
    const timer = setInterval(() => { const piece = socket.read(Math.min(${bytesPerTick}, socket.readableLength)); if (piece) bytes += piece.length; }, 10);
    socket.on("error", () => {});
    socket.on("close", () => { clearInterval(timer); for (let piece; (piece = socket.read()); ) bytes += piece.length; console.log(bytes); });
    socket.on("end", () => socket.end());
    setInterval(() => { if (socket.destroyed) process.exit(); }, 20);
  `;
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const child = Bun.spawn(["node", "-e", program], {
    stdin: Buffer.from(head.replace("host: x", `host: 127.0.0.1:${port}`) + body),
    stdout: "pipe",
  });
  return Number(await new Response(child.stdout).text());
}

test("a large answer in one piece comes whole to a program that reads at 4 MB/s", async () => {
  // the 110 likeliest tokens beside each token: more than the kernel keeps for a connection
  const fields = { messages: [{ role: "user", content: "medium" }], logprobs: true, top_logprobs: 110 };
  const body = JSON.stringify({ model: "parrot", ...fields });
  const { length } = await (await fetch(`${llama.url}/v1/chat/completions`, { method: "POST", body })).text();
  expect(length).toBeGreaterThan(7 << 20);
  expect(await slowly(body, 40_000)).toBeGreaterThan(length);
});

test("a program that does not read at all is let go, and its slot is free for the next", async () => {
  const event = `data: ${JSON.stringify({ choices: [{ delta: { content: "x".repeat(60_000) } }] })}\n\n`;
  let isFirst = true;
  const upstream = startScripted(async (exchange) => {
    exchange.begin();
    let isOpen = isFirst;
    isFirst = false;
    void exchange.closed.then(() => {
      isOpen = false;
    });
    // more than the kernel keeps for both connections
    for (let sent = 0; isOpen && sent < 40 << 20; sent += event.length) {
      exchange.chunk(event);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!isOpen) exchange.finish();
  });
  const beside = await startHouse({ llama: upstream.url, bounds: { slotsMax: 1, programSlowMs: 300 } });
  await until(() => beside.upstream.state.status === "ready", "the house sees the scripted upstream");
  const port = Number(new URL(beside.url).port);
  const body = JSON.stringify({ stream: true, messages: [] });
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const program = `const socket = require("node:net").connect(${port}, "127.0.0.1", () => socket.write(${JSON.stringify(request)})); socket.pause(); setInterval(() => {}, 1000);`;
  const deaf = Bun.spawn(["node", "-e", program]);
  await until(() => upstream.chats.length === 1, "it is being answered");
  expect(await (await chat(beside, { stream: true })).text()).toContain("[DONE]");
  deaf.kill();
  await beside.stop();
  upstream.stop();
});
