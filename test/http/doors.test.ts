// The doors: who may come in, what is refused and how it is said, what every answer carries.
// Promises: Q9, L2, X2, X5.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { type House, PageClient, PlainClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import type { Scripted } from "../upstream/scripted.ts";
import { startAnsweringHouse } from "./answering-house.ts";

let upstream: Scripted;
let house: House;
let stop: () => Promise<void>;

beforeAll(async () => {
  ({ house, upstream, stop } = await startAnsweringHouse({
    allowOrigins: ["http://friend.example"],
    bounds: { messageMaxBytes: 1000, socketsMaxPerAddress: 12, queueMaxRuns: 2 },
  }));
});
afterAll(() => stop());

const upgrade = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(house.url + path, {
    headers: {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });

describe("another site's page can neither read nor send", () => {
  for (const path of [`/live?c=${newId()}`, "/chat"]) {
    for (const origin of [
      "http://evil.example",
      "null",
      "https://127.0.0.1",
      "http://127.0.0.1:1",
      "http://127.0.0.1.evil.example",
      "nonsense",
    ]) {
      test(`${path.slice(0, 6)} refuses Origin ${origin}`, async () => {
        const response = await upgrade(path, { origin });
        expect(response.status).toBe(403);
        expect(await response.json()).toMatchObject({
          error: { code: "foreign_origin", message: expect.stringContaining("--allow-origin") },
        });
      });
    }
  }

  test("its own origin, an allowed one, and programs without one come in", async () => {
    for (const headers of [{ origin: house.url }, { origin: "http://friend.example" }, {}] as Record<
      string,
      string
    >[]) {
      const client = await new PlainClient(house, headers).opened();
      expect((await client.ask("?")).text).toBe("ok");
      client.close();
    }
  });

  test("a POST from elsewhere is refused before anything is looked up", async () => {
    expect(
      (await fetch(`${house.url}/anything`, { method: "POST", headers: { origin: "http://evil.example" } }))
        .status,
    ).toBe(403);
  });

  test("a foreign name for our address (DNS rebinding) is refused, local names and addresses are not", async () => {
    const get = async (host: string) => (await fetch(`${house.url}/healthz`, { headers: { host } })).status;
    expect(
      await Promise.all(
        ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "evil.localhost.example"].map(get),
      ),
    ).toEqual([421, 421, 421, 421]);
    expect(
      await Promise.all(
        [
          "localhost:8081",
          "127.0.0.1",
          "[::1]:8081",
          "box",
          "box.local",
          "box.lan",
          "192.168.1.5:8081",
          "friend.example",
        ].map(get),
      ),
    ).toEqual(Array(8).fill(200));
  });
});

describe("bounds on what comes in", () => {
  test("a message that is too long is refused with both numbers, and the next one is taken", async () => {
    const page = await new PageClient(house).ready();
    page.say("x".repeat(1001));
    await until(() => page.element("notice").textContent !== "", "a notice is shown");
    expect(page.element("notice").textContent).toBe(
      "This message has 1,001 bytes; the limit is 1,000. Shorten it or send it in parts.",
    );
    page.say("short");
    await page.lastIs("done");
    expect(page.element("notice").textContent).toBe("");
    page.close();
  });

  test("an empty message, a frame that is no Command and a retry of nothing each get their sentence", async () => {
    const page = await new PageClient(house).ready();
    page.say("  \n ");
    await until(
      () => /nothing to send/.test(page.element("notice").textContent ?? ""),
      "the empty message is refused",
    );
    page.ws.send("garbage");
    await until(
      () => /could not understand/.test(page.element("notice").textContent ?? ""),
      "the frame is refused",
    );
    page.command({ type: "retry", message: newId() });
    await until(
      () => /no longer exists/.test(page.element("notice").textContent ?? ""),
      "the retry is refused",
    );
    page.close();
  });

  test("a frame beyond the bound closes the socket, and only that one", async () => {
    const client = await new PlainClient(house).opened();
    client.ws.send("x".repeat(1 << 20));
    await until(() => client.closed, "the socket is closed");
    expect((await fetch(`${house.url}/healthz`)).status).toBe(200);
  });

  test("a second question while one is answered is refused on both doors, and the text is not lost", async () => {
    const held = Promise.withResolvers<void>();
    const quick = upstream.script;
    upstream.script = async (exchange) => {
      exchange.begin();
      exchange.delta("half");
      await held.promise;
      exchange.finish();
    };
    const page = await new PageClient(house).ready();
    page.say("first");
    await until(() => page.last?.text === "half", "the answer has begun");
    page.say("second");
    await until(
      () => /still being written/.test(page.element("notice").textContent ?? ""),
      "the second is refused",
    );
    const client = await new PlainClient(house).opened();
    client.ws.send("first");
    await until(() => client.frames.includes("half"), "the answer has begun");
    client.ws.send("second");
    await until(
      () => client.frames.at(-1)?.startsWith("[ERROR] An answer is still being written") === true,
      "the second is refused",
    );
    held.resolve();
    await until(() => client.frames.at(-1) === "[DONE]", "the first is answered");
    await page.lastIs("done");
    upstream.script = quick;
    page.close();
    client.close();
  });

  test("a full queue refuses with a sentence, and those before it are served", async () => {
    const held = Promise.withResolvers<void>();
    const quick = upstream.script;
    upstream.script = async (exchange) => {
      exchange.begin();
      await held.promise;
      exchange.finish();
    };
    const clients = await Promise.all(Array.from({ length: 5 }, () => new PlainClient(house).opened()));
    for (const client of clients.slice(0, 4)) client.ws.send("?");
    await until(
      async () => ((await (await fetch(`${house.url}/readyz`)).json()) as { waiting: number }).waiting === 2,
      "two run and two wait",
    );
    const refused = await (clients[4] as PlainClient).ask("?");
    expect(refused.last).toMatch(/^\[ERROR\] 2 others are already waiting/);
    held.resolve();
    for (const client of clients.slice(0, 4))
      await until(() => client.frames.at(-1) === "[DONE]", "who waited is served");
    upstream.script = quick;
    for (const client of clients) client.close();
  });

  test("more sockets than one address may have are refused, and a closed one makes room", async () => {
    const clients = [];
    for (;;) {
      const response = await upgrade("/chat").catch(() => null);
      if (response?.status === 429) {
        expect(await response.json()).toMatchObject({ error: { code: "too_many_sockets" } });
        break;
      }
      // the look itself holds a socket for a moment, so this one may be one too many
      const client = new PlainClient(house);
      await until(() => client.ws.readyState !== WebSocket.CONNECTING, "it is decided");
      if (client.ws.readyState === WebSocket.OPEN) clients.push(client);
      expect(clients.length).toBeLessThanOrEqual(12);
    }
    clients[0]?.close();
    await until(async () => {
      const client = new PlainClient(house);
      await until(() => client.ws.readyState !== WebSocket.CONNECTING, "it is decided");
      const isOpen = client.ws.readyState === WebSocket.OPEN;
      client.close();
      return isOpen;
    }, "there is room again");
    for (const client of clients) client.close();
  });
});

describe("pages and files", () => {
  test("every answer carries a strict policy", async () => {
    for (const path of ["/", "/nothing", "/healthz", "/readyz"]) {
      const { headers } = await fetch(house.url + path);
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect([
        headers.get("x-content-type-options"),
        headers.get("referrer-policy"),
        headers.get("cache-control"),
      ]).toEqual(["nosniff", "same-origin", "no-store"]);
    }
  });

  test("the page holds no inline script, style or handler, and names only our own files", async () => {
    const html = await (await fetch(`${house.url}/`)).text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?:/);
  });

  test("files are immutable, compressed as the browser can read them, and equal in every form", async () => {
    const html = await (await fetch(`${house.url}/`)).text();
    const paths = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path as string);
    expect(paths.length).toBe(3);
    for (const path of paths) {
      expect(path).toMatch(/\.[\w-]{12}\.(css|js|svg)$/);
      const sizes: number[] = [];
      const bodies = new Set<string>();
      for (const encoding of ["identity", "gzip", "br", "br;q=0, gzip"]) {
        const response = await fetch(house.url + path, { headers: { "accept-encoding": encoding } });
        const raw = await fetch(house.url + path, {
          headers: { "accept-encoding": encoding },
          decompress: false,
        } as RequestInit);
        expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
        expect(response.headers.get("vary")).toBe("Accept-Encoding");
        expect(raw.headers.get("content-encoding")).toBe(
          encoding === "identity" ? null : encoding === "br" ? "br" : "gzip",
        );
        sizes.push((await raw.arrayBuffer()).byteLength);
        bodies.add(await response.text());
      }
      expect(bodies.size).toBe(1);
      expect(sizes[2]).toBeLessThan(sizes[0] as number);
    }
  });

  test("a conversation has its address, others are not found, in the reader's language", async () => {
    const page = await new PageClient(house).ready();
    page.say("where am I? <b>");
    await page.lastIs("done");
    const found = await fetch(`${house.url}/c/${page.conversation}`);
    expect(found.status).toBe(200);
    expect(await found.text()).toContain("where am I? &lt;b&gt;");
    page.close();
    for (const path of [`/c/${newId()}`, "/c/x", "/c/..%2f..%2fetc", "/assets/none.js", "/nothing"]) {
      const response = await fetch(house.url + path, {
        headers: { accept: "text/html", "accept-language": "de" },
      });
      expect(response.status).toBe(404);
      expect(await response.text()).toContain("Das gibt es nicht oder nicht mehr.");
    }
  });

  test("health and readiness", async () => {
    const health = await fetch(`${house.url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const ready = await fetch(`${house.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: "ready", upstream: { model: "scripted", slots: 2 }, running: 0, waiting: 0 },
    ]);
  });

  test("a socket address without an upgrade says what is missing", async () => {
    const response = await fetch(`${house.url}/chat`);
    expect(response.status).toBe(400);
  });
});

test("a language that is the name of something in JavaScript is no language, and harms nobody", async () => {
  for (const language of ["constructor", "__proto__", "toString;q=1"]) {
    expect((await fetch(house.url, { headers: { "accept-language": language } })).status).toBe(200);
    const page = await new PageClient(house, undefined, { "accept-language": language }).ready();
    page.say("?");
    expect((await page.lastIs("done")).text).toBe("ok");
    page.close();
  }
});

describe("life signs", () => {
  test("every page gets a heartbeat that changes nothing", async () => {
    // of its own: with such a short one a busy machine takes pages for dead
    const beating = await startHouse({ llama: upstream.url, bounds: { heartbeatMs: 100 } });
    const page = await new PageClient(beating).ready();
    await until(() => page.frames.includes("{}"), "a heartbeat has come");
    page.close();
    await beating.stop();
  });

  test("a plain socket's end stops its Run and forgets its conversation", async () => {
    upstream.script = (exchange) => {
      exchange.begin();
      exchange.delta("half");
    };
    const client = await new PlainClient(house).opened();
    client.ws.send("?");
    await until(() => client.frames.includes("half"), "the answer has begun");
    const exchange = upstream.chats.at(-1);
    client.close();
    await exchange?.closed;
    await until(
      async () => ((await (await fetch(`${house.url}/readyz`)).json()) as { running: number }).running === 0,
      "nothing runs",
    );
    expect(JSON.parse(house.log.findLast((line) => line.includes("Run ended")) as string)).toMatchObject({
      status: "stopped",
    });
  });
});

test("a request's name goes from the browser's answer to llama-server, and into every line about it, without the text", async () => {
  upstream.script = (exchange) => {
    exchange.begin();
    exchange.finish();
  };
  const conversation = newId();
  const body = new URLSearchParams({ type: "say", message: newId(), text: "a word that no log holds" });
  const said = await fetch(`${house.url}/c/${conversation}`, { method: "POST", body, redirect: "manual" });
  const request = said.headers.get("x-request-id") as string;
  expect(request).toMatch(/^[\w-]{22}$/);
  await until(
    () => house.log.some((line) => line.includes("Run ended") && line.includes(request)),
    "its end is logged",
  );
  expect(
    upstream.chats.some((chat) =>
      chat.request.toLowerCase().includes(`x-request-id: ${request.toLowerCase()}`),
    ),
  ).toBe(true);
  expect(
    house.log
      .filter((line) => line.includes(request))
      .map((line) => (JSON.parse(line) as { what: string }).what),
  ).toEqual(["Run queued", "Run ended"]);
  expect(house.log.join("")).not.toContain("no log holds");
});
