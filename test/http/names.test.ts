// What parlor is asked for by: no name at all, a broken one, one that a proxy has changed or tells of; and connections that are kept. If this fails, a balancer
// takes parlor out of service, or a page behind a proxy can't send.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { newId } from "../../src/domain/id.ts";
import { type House, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
let behind: House;

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("yes");
    exchange.finish();
  });
  house = await startHouse({
    llama: upstream.url,
    allowOrigins: ["app://obsidian.md", "chrome-extension://abc"],
  });
  behind = await startHouse({
    llama: upstream.url,
    trustedProxies: ["loopback"],
    allowOrigins: ["http://chat.example.com:8088"],
  });
  for (const each of [house, behind])
    await until(() => each.upstream.state.status === "ready", "its upstream is ready");
});
afterAll(async () => {
  for (const each of [house, behind, upstream]) await each?.stop();
});

/** The head of what is answered to these very bytes. */
function raw(at: House, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(at.url).port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", () => {});
    socket.write(Buffer.from(bytes, "latin1"));
  });
}
const statusOf = async (at: House, bytes: string): Promise<number> =>
  Number(/^HTTP\/1\.1 (\d+)/.exec(await raw(at, bytes))?.[1]);

describe("a request that says no name, or a broken one", () => {
  const hosts = [
    "",
    "Host:\r\n",
    "Host: a b\r\n",
    "Host: [::1\r\n",
    "Host: a:99999\r\n",
    "Host: a\r\nHost: b\r\n",
    "Host: x/../y?#\r\n",
    "Host: @\r\n",
    "Host: \xff\r\n",
  ];
  for (const host of hosts) {
    test(`${JSON.stringify(host)}: the addresses that watch parlor answer, others are refused, and none is a bug`, async () => {
      const before = house.log.length;
      const version = host === "" ? "1.0" : "1.1";
      for (const request of [
        "GET /healthz",
        "OPTIONS /healthz",
        "HEAD /healthz",
        "GET /readyz",
        "OPTIONS /readyz",
      ]) {
        expect([request, await statusOf(house, `${request} HTTP/${version}\r\n${host}\r\n`)]).toEqual([
          request,
          200,
        ]);
      }
      for (const request of [
        "GET /",
        "OPTIONS /",
        "GET /v1/models",
        "POST /ask",
        "GET /live",
        "GET /chat",
        "GET /nowhere",
      ]) {
        expect([
          request,
          await statusOf(house, `${request} HTTP/${version}\r\nContent-Length: 0\r\n${host}\r\n`),
        ]).toEqual([request, 400]);
      }
      expect(house.log.slice(before).filter((line) => line.includes("a bug"))).toEqual([]);
    });
  }

  test("odd targets and methods are no bugs either", async () => {
    const odd = [
      "GET http://elsewhere.example/healthz",
      "OPTIONS *",
      "CONNECT x:1",
      "TRACE /",
      "GET //healthz",
      "GET /%zz",
      "GET /c/%ff",
      "PUT /healthz",
      "GET /..",
    ];
    for (const request of odd) {
      const status = await statusOf(house, `${request} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      expect([request, status < 500]).toEqual([request, true]);
    }
    expect(house.log.filter((line) => line.includes("a bug"))).toEqual([]);
  });
});

test("broken headers and addresses of strangers are answered as theirs, and are no bugs", async () => {
  const closed = await startHouse({ llama: upstream.url, auth: "password", trustedProxies: ["127.0.0.1"] });
  const id = "a".repeat(22);
  const targets = [
    ...[
      "/",
      "/c/%E0%A4%A",
      "/c/\xff",
      `/c/${id}/edit/%zz`,
      `/list?after=${id}&at=1e999&pinned=x`,
      "/search?q=%00%22*",
      "/s/%zz",
      "/invite/%zz",
      "/login?to=%zz",
    ],
    ...[
      "/login/callback?code=x",
      "/assets/..%2f",
      "/live?c=%zz",
      "/live/events?c=x&at=%zz",
      "/live/say?seat=%zz",
      "/chat",
      "/v1/models/%zz",
      "/v1/../x",
      "/ask",
      "/?persona=../../x",
    ],
  ];
  const headers = [
    ...[
      "Cookie: parlor=%zz; parlor-browser=%zz.; =;;\xff",
      "Remote-User: \xff",
      "Accept: text/html\r\nAccept-Language: de\xff;q=zz",
      "Authorization: Bearer \xff",
      "Origin: \xff",
    ],
    ...[
      'X-Forwarded-For: ,,\xff,[::1]:x,"a',
      "X-Forwarded-Host: [::1",
      "X-Forwarded-Port: 99999\r\nX-Forwarded-Proto: ftp",
      "X-Request-Id: \xff",
      "If-None-Match: \xff",
      "Range: bytes=zz",
    ],
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: key.\xff, parlor.json",
  ];
  const odd: [string, number][] = [];
  for (const header of headers) {
    const answers = targets.map(async (target) => {
      const status = await statusOf(closed, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n\r\n`);
      if (!(status < 500)) odd.push([`${target} ${header}`, status]);
    });
    await Promise.all(answers);
  }
  expect(odd).toEqual([]);
  expect(closed.log.filter((line) => line.includes("a bug"))).toEqual([]);
  await closed.stop();
});

/** The status that a page's wish gets, as a browser sends it through a proxy. */
async function said(at: House, headers: Record<string, string>): Promise<number> {
  const form = new URLSearchParams({ type: "say", message: newId(), text: "?" });
  return (await fetch(`${at.url}/c/${newId()}`, { method: "POST", body: form, headers, redirect: "manual" }))
    .status;
}

describe("behind a proxy", () => {
  test("that passes a name without its port, the refusal says so and what to do", async () => {
    const headers = { origin: "http://parlor.lan:8088", host: "parlor.lan", accept: "application/json" };
    const response = await fetch(`${house.url}/live/say?seat=x`, { method: "POST", body: "x", headers });
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([
      403,
      expect.stringMatching(/parlor\.lan:8088 .*addressed as parlor\.lan\. .*Host \$http_host/),
    ]);
  });

  const names: [string, Record<string, string>, number][] = [
    ["a name and a port", { "x-forwarded-host": "parlor.lan:8088" }, 303],
    ["a name, and its port by itself", { "x-forwarded-host": "parlor.lan", "x-forwarded-port": "8088" }, 303],
    ["the port alone", { host: "parlor.lan", "x-forwarded-port": "8088" }, 303],
    ["several, each proxy its own", { "x-forwarded-host": "evil.example, parlor.lan:8088" }, 303],
    ["another one", { "x-forwarded-host": "other.lan:8088" }, 403],
    ["only a client's forged one before its own", { "x-forwarded-host": "parlor.lan:8088, other.lan" }, 403],
    ["one that is not ours", { "x-forwarded-host": "evil.example" }, 421],
    ["a broken one", { "x-forwarded-host": "a b" }, 400],
  ];
  for (const [what, headers, status] of names) {
    test(`that is listed and tells ${what}: ${status}`, async () => {
      expect(await said(behind, { origin: "http://parlor.lan:8088", ...headers })).toBe(status);
    });
  }

  test("what one that is not listed tells is no matter", async () => {
    expect(
      await said(house, { origin: "http://parlor.lan:8088", "x-forwarded-host": "parlor.lan:8088" }),
    ).toBe(403);
    expect(await said(house, { origin: house.url, "x-forwarded-host": "evil.example" })).toBe(303);
  });

  test("a usual port is no part of a name", async () => {
    const https = {
      origin: "https://parlor.lan",
      "x-forwarded-host": "parlor.lan",
      "x-forwarded-proto": "https",
      "x-forwarded-port": "443",
    };
    expect(await said(behind, https)).toBe(303);
    expect(await said(behind, { ...https, "x-forwarded-proto": "wss" })).toBe(303);
  });
});

describe("pages of apps and extensions", () => {
  const ask = (origin: string) => fetch(`${house.url}/v1/models`, { headers: { origin } });

  test("that are listed are told that they may, others are not", async () => {
    for (const origin of ["app://obsidian.md", "chrome-extension://abc"])
      expect((await ask(origin)).headers.get("access-control-allow-origin")).toBe(origin);
    for (const origin of ["app://other.md", "null", "http://obsidian.md", "chrome-extension://abcd"]) {
      expect((await ask(origin)).headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("may wish where they are listed; an app that calls itself by our name may not", async () => {
    expect(await said(house, { origin: "app://obsidian.md" })).toBe(303);
    expect(await said(house, { origin: `app://${new URL(house.url).host}` })).toBe(403);
    expect((await fetch(house.url, { headers: { host: "obsidian.md" } })).status).toBe(421); // it names no site
  });
});

test("a connection that has brought a request is kept idle for longer than balancers keep theirs", async () => {
  let kept: number[] = [];
  const server = {
    timeout: (_: Request, seconds: number) => kept.push(seconds),
    requestIP: () => ({ address: "127.0.0.1" }),
  } as never;
  const get = (path: string, headers = {}) =>
    house.app.fetch(
      new Request(`${house.url}${path}`, { headers: { host: "localhost", ...headers } }),
      server,
    );
  for (const path of ["/healthz", "/", "/nowhere"]) await get(path);
  await (await get("/v1/models"))?.text();
  expect([
    kept.length >= 4,
    kept.filter((seconds) => seconds !== 0).every((seconds) => seconds > 60),
    kept.at(-1),
  ]).toEqual([true, true, 75]);
  kept = [];
  await get("/v1/models", { host: "evil.example" });
  expect(kept.at(-1)).toBe(75);
});
