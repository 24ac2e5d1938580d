// Addresses as people write them into programs, and what an upstream that is not trusted may say below
// them. If this fails, a program with a slash too many gets a page of HTML, nobody learns which address is
// right, or a foreign page runs below parlor's own address.
// Promises: Q10, L5, X9.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programRequestOf } from "../../src/programs/request.ts";
import { type House, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { threadMs } from "../processor.ts";
import { type Exchange, type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
/** Below /chat. */
let below: House;
/** One persona answers everybody. */
let held: House;

const answerWith =
  (body: string, headers = "content-type: application/json\r\n", status = "200 OK") =>
  (exchange: Exchange) =>
    exchange.write(
      `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
const quick = answerWith(`{"object":"list","data":[]}`);

beforeAll(async () => {
  upstream = startScripted(quick);
  const personas = mkdtempSync(join(tmpdir(), "parlor-personas-"));
  writeFileSync(join(personas, "adviser.md"), "---\nname: Adviser\n---\nYou are an adviser.\n");
  house = await startHouse({ llama: upstream.url });
  below = await startHouse({ llama: upstream.url, basePath: "/chat" });
  held = await startHouse({ llama: upstream.url, personas, enforcedPersona: "adviser" });
  for (const each of [house, below, held])
    await until(() => each.upstream.state.status === "ready", "the house sees its upstream");
});
afterAll(async () => {
  await Promise.all([house, below, held].map((each) => each.stop()));
  upstream.stop();
});

const ask = (at: House, method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(at.url + path, { method, headers, ...(method === "POST" && { body: `{"messages":[]}` }) });

describe("an address as people write it", () => {
  const asked: [method: string, path: string, upstreamPath: string][] = [
    ["POST", "/v1/chat/completions", "/v1/chat/completions"],
    ["POST", "//v1/chat/completions", "/v1/chat/completions"],
    ["POST", "/v1//chat//completions/", "/v1/chat/completions"],
    ["POST", "/v1/chat/completions?a=b", "/v1/chat/completions?a=b"],
    ["POST", "/chat/completions", "/chat/completions"],
    ["POST", "//chat/completions/", "/chat/completions"],
    ["POST", "/completions", "/completions"],
    ["POST", "/embeddings", "/embeddings"],
    ["POST", "/responses", "/responses"],
    ["POST", "/v1/messages/", "/v1/messages"],
    ["POST", "/v1/messages/count_tokens", "/v1/messages/count_tokens"],
    ["GET", "/v1/models", "/v1/models"],
    ["GET", "/v1/models/", "/v1/models"],
    ["GET", "/models", "/models"],
    ["HEAD", "/v1/models", "/v1/models"],
    ["HEAD", "/models/", "/models"],
  ];
  for (const [method, path, upstreamPath] of asked)
    test(`${method} ${path}, also below a path, which a proxy may have taken off`, async () => {
      const bases: [House, string][] = [
        [house, ""],
        [below, "/chat"],
        [below, "//chat/"],
      ];
      if (!path.startsWith("/chat") && !path.startsWith("//chat")) bases.push([below, ""]);
      for (const [at, base] of bases) {
        upstream.chats.length = 0;
        const response = await ask(at, method, base + path);
        expect([base, response.status, response.headers.get("content-type")]).toEqual([
          base,
          200,
          "application/json; charset=utf-8",
        ]);
        expect((await response.text()) === "").toBe(method === "HEAD");
        expect(upstream.chats[0]?.request).toStartWith(
          `${method === "HEAD" ? "GET" : method} ${upstreamPath} `,
        );
      }
    });

  test("one model has its address, by the name that the list has, or by that which parlor shows; one that is not there is not found", async () => {
    upstream.script = answerWith(
      `{"object":"list","data":[{"id":"/models/a b.gguf","object":"model","meta":{"n":1}},{"id":7},null]}`,
    );
    for (const path of [
      "/v1/models/%2Fmodels%2Fa%20b.gguf",
      "/v1/models//models/a%20b.gguf",
      "/models/models/a%20b.gguf/",
    ])
      expect(await (await ask(house, "GET", path)).json()).toEqual({
        id: "/models/a b.gguf",
        object: "model",
        meta: { n: 1 },
      });
    upstream.script = quick;
    for (const [at, base] of [[house, ""] as const, [below, "/chat"] as const]) {
      for (const path of ["/v1/models/scripted", "/models/scripted", "//v1/models/scripted/"]) {
        const response = await ask(at, "GET", base + path);
        expect([response.status, await response.json()]).toEqual([
          200,
          { id: "scripted", object: "model", created: expect.any(Number), owned_by: "llamacpp" },
        ]);
      }
      expect((await ask(at, "HEAD", `${base}/v1/models/scripted`)).status).toBe(200);
      const missing = await ask(at, "GET", `${base}/v1/models/other%2Fone`);
      expect([missing.status, await missing.json()]).toEqual([
        404,
        { error: expect.objectContaining({ type: "not_found_error" }) },
      ]);
    }
  });

  const wrong: [method: string, path: string, status: number, named: string][] = [
    ["POST", "/v1/v1/messages", 404, "POST /v1/messages"],
    ["POST", "/v1/v1/chat/completions", 404, "POST /v1/chat/completions"],
    ["POST", "/openai/v1/chat/completions", 404, "POST /v1/chat/completions"],
    ["POST", "/v1/chat/completion", 404, "POST /v1/chat/completions"],
    ["POST", "/messages", 404, "POST /v1/messages"],
    ["GET", "/v1", 404, "GET /v1/models"],
    ["GET", "/v1/", 404, "POST /v1/chat/completions"],
    ["POST", "/v1/nothing", 404, "POST /v1/chat/completions"],
    ["POST", "/api/chat", 404, "POST /v1/chat/completions"],
    ["GET", "/v1/chat/completions", 405, "POST"],
    ["HEAD", "/v1/chat/completions", 405, "POST"],
    ["DELETE", "/v1/models", 405, "GET"],
    ["POST", "/models", 405, "GET"],
  ];
  for (const [method, path, status, named] of wrong)
    test(`${method} ${path} is refused in JSON that names the right one, for browsers too`, async () => {
      for (const [at, base] of [[house, ""] as const, [below, "/chat"] as const])
        for (const headers of [{}, { accept: "text/html" }, { "anthropic-version": "2023-06-01" }] as Record<
          string,
          string
        >[]) {
          const response = await ask(at, method, base + path, headers);
          expect([response.status, response.headers.get("content-type")]).toEqual([
            status,
            "application/json; charset=utf-8",
          ]);
          if (status === 405) expect(response.headers.get("allow")).toStartWith(named);
          if (method === "HEAD") continue;
          const body = (await response.json()) as { type?: string; error: { message: string; type: string } };
          expect(body.error.message).toContain(named.replace(" /", ` ${base}/`));
          const isAnthropic = path.includes("/messages") || "anthropic-version" in headers;
          expect(body.type).toBe(isAnthropic ? "error" : (undefined as never));
        }
    });

  test("pages and their conversations stay where they are", async () => {
    for (const path of ["/", "/login", "/c/AAAAAAAAAAAAAAAAAAAAAA/messages", "/account"]) {
      const response = await fetch(house.url + path, { headers: { accept: "text/html" } });
      expect([path, response.headers.get("content-type")]).toEqual([
        path,
        expect.stringContaining("text/html"),
      ]);
    }
  });
});

describe("what an upstream says below parlor's address", () => {
  const hostile = "<script>fetch('/account')</script>";
  const extra =
    "set-cookie: parlor=x\r\nlocation: http://evil.example/\r\ncontent-disposition: inline; filename=x.html\r\naccess-control-allow-origin: *\r\n" +
    "access-control-allow-credentials: true\r\nserver: evil\r\nrefresh: 0;url=http://evil.example/\r\nlink: <x>; rel=preload\r\nclear-site-data: *\r\n" +
    "content-security-policy: script-src *\r\nservice-worker-allowed: /\r\nstrict-transport-security: max-age=1\r\nkeep-alive: timeout=5\r\nupgrade: h2c\r\n";

  for (const type of [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/javascript",
    "text/html, application/json",
    "",
  ])
    test(`${type || "no type"} is passed on as bytes that no browser runs, without any other header`, async () => {
      upstream.script = answerWith(hostile, `${type === "" ? "" : `content-type: ${type}\r\n`}${extra}`);
      for (const [method, path] of [
        ["GET", "/v1/models"] as const,
        ["POST", "/v1/chat/completions"] as const,
        ["POST", "/v1/messages"] as const,
      ]) {
        const { headers } = await ask(house, method, path);
        expect(headers.get("content-type")).toBe("application/octet-stream");
        expect(headers.get("content-security-policy")).toBe(
          "default-src 'none'; sandbox; frame-ancestors 'none'",
        );
        expect([...headers.keys()].sort().join(" ")).toMatch(
          /^cache-control (connection )?(content-length )?content-security-policy content-type cross-origin-opener-policy cross-origin-resource-policy date permissions-policy referrer-policy (transfer-encoding )?x-accel-buffering x-content-type-options x-request-id$/,
        );
      }
      upstream.script = quick;
    });

  test("what is on the list is told as it is", async () => {
    const told: [string, string][] = [
      ["application/json", "application/json; charset=utf-8"],
      ["Application/JSON;charset=latin1", "application/json; charset=utf-8"],
      ["text/plain", "text/plain; charset=utf-8"],
      ["text/event-stream; x=y", "text/event-stream"],
    ];
    for (const [type, said] of told) {
      upstream.script = answerWith("{}", `content-type: ${type}\r\n`);
      expect((await ask(house, "GET", "/v1/models")).headers.get("content-type")).toBe(said);
    }
    upstream.script = quick;
  });

  test("a redirect, a status that is none, and a refusal of parlor's own key are a fault of the upstream's", async () => {
    for (const status of [
      "301 Moved",
      "302 Found",
      "304 Not Modified",
      "204 No Content",
      "401 Unauthorized",
      "999 X",
    ]) {
      upstream.script = answerWith(
        "",
        "location: http://evil.example/\r\nwww-authenticate: Basic\r\ncontent-type: text/html\r\n",
        status,
      );
      const response = await fetch(`${house.url}/v1/chat/completions`, {
        method: "POST",
        body: `{"stream":true}`,
      });
      expect([status, response.status, response.headers.get("content-type")]).toEqual([
        status,
        502,
        "application/json; charset=utf-8",
      ]);
      expect([response.headers.get("location"), response.headers.get("www-authenticate")]).toEqual([
        null,
        null,
      ]);
    }
    upstream.script = quick;
  });

  test("every answer of the house bears its headers, whatever the path", async () => {
    for (const path of [
      "/v1/models",
      "/v1/nothing",
      "/models",
      "/ask",
      "/chat",
      "/live",
      "/live/events",
      "/live/say",
      "/healthz",
      "/metrics",
      "/",
      "/nothing",
      "/favicon.ico",
    ])
      for (const method of ["GET", "POST", "OPTIONS", "PUT"]) {
        const { headers } = await fetch(house.url + path, { method, redirect: "manual" });
        const said = [
          headers.get("content-security-policy")?.includes("default-src 'none'"),
          headers.get("x-content-type-options"),
          headers.get("referrer-policy"),
        ];
        expect([method, path, ...said]).toEqual([method, path, true, "nosniff", "same-origin"]);
      }
  });
});

describe("while one persona answers everybody", () => {
  test("no door goes past it: programs are told so, with what is open to them", async () => {
    for (const path of [
      "/v1/chat/completions",
      "/v1/completions",
      "/v1/messages",
      "/v1/responses",
      "/chat/completions",
      "/completion",
      "/completions",
      "/responses",
    ]) {
      upstream.chats.length = 0;
      const response = await ask(held, "POST", path);
      const { error } = (await response.json()) as { error: { message: string; type: string } };
      expect([path, response.status, error.type, error.message]).toEqual([
        path,
        403,
        "permission_error",
        expect.stringMatching(/adviser.*\/ask/),
      ]);
      expect(upstream.chats.length).toBe(0);
    }
    const socket = new WebSocket(`${held.url.replace("http", "ws")}/chat`, "parlor.json");
    const told: string[] = [];
    socket.onmessage = ({ data }) => told.push(String(data));
    await until(() => socket.readyState === WebSocket.OPEN, "the socket is open");
    socket.send(JSON.stringify({ type: "say", text: "x", raw: true }));
    await until(() => told.length > 0, "it is answered");
    expect(JSON.parse(told[0] as string)).toMatchObject({ type: "error", code: "persona_enforced" });
    socket.close();
  });

  test("what writes no answer is open, and /ask is answered by the persona", async () => {
    for (const [method, path] of [
      ["POST", "/v1/embeddings"] as const,
      ["GET", "/v1/models"] as const,
      ["POST", "/v1/messages/count_tokens"] as const,
    ])
      expect([path, (await ask(held, method, path)).status]).toEqual([path, 200]);
    upstream.script = (exchange) => {
      exchange.begin();
      exchange.delta("advice");
      exchange.finish();
    };
    upstream.chats.length = 0;
    expect(await (await fetch(`${held.url}/ask`, { method: "POST", body: "hello" })).text()).toBe("advice\n");
    expect(upstream.chats.at(-1)?.request).toContain("You are an adviser.");
    upstream.script = quick;
  });
});

test("a large body reaches llama-server whole, with its length, in any form that it came in", async () => {
  const body = JSON.stringify({ messages: [], picture: "A".repeat(1_500_000) });
  const chunked = new ReadableStream({
    start(controller) {
      for (let at = 0; at < body.length; at += 100_000)
        controller.enqueue(Buffer.from(body.slice(at, at + 100_000)));
      controller.close();
    },
  });
  for (const given of [body, chunked]) {
    upstream.chats.length = 0;
    expect((await fetch(`${house.url}/v1/chat/completions`, { method: "POST", body: given })).status).toBe(
      200,
    );
    const [head = "", sent] = upstream.chats[0]?.request.split("\r\n\r\n") ?? [];
    expect([
      sent === body,
      /transfer-encoding/i.test(head),
      /content-length: (\d+)/i.exec(head)?.[1],
    ]).toEqual([true, false, String(body.length)]);
  }
});

describe("a request with a large picture, or an odd one", () => {
  const request = new Request("http://localhost/");
  const asked = (body: string, prompts: readonly string[] = []) =>
    programRequestOf(request, new Uint8Array(Buffer.from(body)), prompts);
  const message = (content: unknown, role = "user") => ({ role, content });

  test("that is nested deeper than it can be written again is read all the same, and at once", async () => {
    const deep = [
      `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
      `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`,
    ];
    const messages = [...deep, ...deep, ...deep].map((content) => `{"role":"user","content":${content}}`);
    const before = threadMs();
    const { model, parts } = await asked(`{"model":"m","messages":[${messages.join()}]}`);
    expect(threadMs() - before).toBeLessThan(1_000); // 3.8 s when each is tried
    expect([model, parts.length, parts.every((part, i) => part === messages[i])]).toEqual(["m", 6, true]);
  });

  test("of 60 MB holds nobody up, and is left out of what is compared", async () => {
    const data = Buffer.alloc(45 << 20, 7).toString("base64");
    const bodies = [
      JSON.stringify({
        messages: [message([{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }])],
        model: "m",
        stream: true,
      }),
      JSON.stringify({
        messages: [message([{ type: "image", source: { type: "base64", data } }]), message("and?")],
        model: "m",
        stream: true,
      }),
      JSON.stringify({ model: "m", stream: true, messages: [message("word ".repeat(3 << 20))] }),
      `{"model":"m","stream":true,"tools":[${'{"a":"\\"\\\\"},'.repeat(1 << 20)}1],"messages":[]}`,
      `{"model":"m","stream":true,"prompt":${"[".repeat(16 << 20)}`,
    ];
    for (const body of bodies) {
      const bytes = new Uint8Array(Buffer.from(body));
      let turns = 0;
      let isOver = false;
      const turn = () => {
        turns++;
        if (!isOver) setImmediate(turn);
      };
      setImmediate(turn);
      const before = process.cpuUsage();
      const { model, isStream, parts } = await programRequestOf(request, bytes);
      isOver = true;
      const { user, system } = process.cpuUsage(before);
      expect([model, isStream]).toEqual(["m", true]);
      expect(parts.join("").length).toBeLessThan(5 << 20);
      // at once (a file is stepped over: about 5 ms), or others have their turn meanwhile
      if (user + system > 100_000) expect(turns).toBeGreaterThan(bytes.length / (4 << 20));
    }
  });

  test("what is read of it is what a tree of it would say", async () => {
    const messages = [
      message("system words", "system"),
      message('a "quoted" \\ [text], {x}\n'),
      message([{ type: "text", text: "ü 紅葉" }]),
      message(null),
      7,
      null,
      [],
      {},
    ];
    const fields = {
      tools: [{ a: [1, 2, { b: "]" }] }],
      messages,
      n: 2,
      stream: true,
      model: 'na"me\\',
      other: { model: "wrong", messages: ["x"] },
      last: [],
    };
    for (const indent of [undefined, 2, "\t"]) {
      const { parts, model, isStream, slots } = await asked(JSON.stringify(fields, null, indent));
      expect([model, isStream, slots]).toEqual(['na"me\\', true, 2]);
      expect(parts.length).toBe(1 + messages.length);
      expect(parts.slice(0, 3)).toEqual([
        JSON.stringify(fields.tools),
        "system\nsystem words",
        'user\na "quoted" \\ [text], {x}\n',
      ]);
    }
    expect((await asked(`{"\\u006dodel":"m","stream":false,"stream":true}`)).model).toBe("m");
    for (const text of [
      "",
      "null",
      "[]",
      "{",
      `{"a"`,
      `{"model":`,
      `"model":"m"`,
      "]]]]",
      `{"model":"m`,
      "x",
    ])
      expect((await asked(text)).model).toBeNull();
  });

  test("two pictures of one size are two beginnings, the same one is one", async () => {
    const of = async (fill: number) =>
      (
        await asked(
          JSON.stringify({
            messages: [
              message([
                {
                  type: "image_url",
                  image_url: { url: `data:;base64,${Buffer.alloc(99_999, fill).toString("base64")}` },
                },
              ]),
            ],
          }),
        )
      ).parts;
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(2));
    expect((await of(1)).join("").length).toBeLessThan(500);
  });

  test("how many slots it takes: its answers times its prompts", async () => {
    const counts: [object, readonly string[], number][] = [
      [{ messages: [] }, [], 1],
      [{ n: 3 }, [], 3],
      [{ n: 0 }, [], 1],
      [{ n: "3" }, [], 1],
      [{ n: 2.7 }, [], 2],
      [{ n_cmpl: 2, best_of: 4 }, [], 4],
      [{ prompt: ["a", "b"], n: 2 }, ["prompt"], 4],
      [{ prompt: [1, 2, 3] }, ["prompt"], 1],
      [{ prompt: ["a", 2] }, ["prompt"], 1],
      [{ prompt: [[1], [2]] }, ["prompt"], 2],
      [{ input: Array(6_000).fill("x") }, ["input", "content"], 6_000],
      [{ input: "x" }, ["input"], 1],
      [{ input: [] }, ["input"], 1],
      [{ input: [{ role: "user" }, { role: "user" }] }, [], 1],
    ];
    for (const [body, prompts, slots] of counts)
      expect([body, (await asked(JSON.stringify(body), prompts)).slots]).toEqual([body, slots]);
  });
});

describe("a request that takes several slots", () => {
  test("counts as many in line: another waits with its place, and starts when all of them are free", async () => {
    const open: Exchange[] = [];
    upstream.script = (exchange) => void open.push(exchange);
    const post = (path: string, body: object) =>
      fetch(house.url + path, { method: "POST", body: JSON.stringify(body) });
    const finish = async (exchange: Exchange | undefined, answer: Promise<Response>) => {
      if (exchange) quick(exchange);
      await (await answer).text();
    };
    const stream = { stream: true, messages: [] };
    for (const [path, body] of [
      ["/v1/chat/completions", { messages: [], n: 2 }] as const,
      ["/v1/completions", { prompt: ["a", "b", "c"] }] as const,
      ["/v1/embeddings", { input: Array(50).fill("x") }] as const,
    ]) {
      open.length = 0;
      const several = post(path, body);
      await until(() => open.length === 1, "it is asked");
      const waiting = await post("/v1/chat/completions", stream);
      const reader = (waiting.body as ReadableStream<Uint8Array>).getReader();
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(": X-Queue-Position: 1\n\n");
      expect(open.length).toBe(1);
      const severalAgain = post(path, body); // behind it: it needs both slots, and is not passed for ever
      await until(
        async () =>
          ((await (await fetch(`${house.url}/readyz`)).json()) as { waiting: number }).waiting === 2,
        "two wait",
      );
      await finish(open[0], several);
      await until(() => open.length === 2, "the one that waited is asked");
      const last = post("/v1/chat/completions", stream); // one slot is free, and is not given to it before the one that needs two
      await until(
        async () =>
          ((await (await fetch(`${house.url}/readyz`)).json()) as { waiting: number }).waiting === 2,
        "two wait",
      );
      expect(open.length).toBe(2);
      quick(open[1] as Exchange);
      while (!(await reader.read()).done);
      await until(() => open.length === 3, "both slots are its");
      await finish(open[2], severalAgain);
      await until(() => open.length === 4, "the last is asked");
      await finish(open[3], last);
    }
    upstream.script = quick;
  });

  test("of several llama-servers it goes to one that has them all free, and waits for that", async () => {
    const open: [name: string, exchange: Exchange][] = [];
    const servers = ["a", "b"].map((name) => startScripted((exchange) => void open.push([name, exchange])));
    const both = await startHouse({ llama: servers.map(({ url }) => url) });
    await until(() => both.upstream.state.slots === 4, "both are seen");
    const post = (body: object) =>
      fetch(`${both.url}/v1/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ stream: true, messages: [], ...body }),
      });
    const singles: Promise<Response>[] = [];
    for (let i = 1; i <= 2; i++) {
      singles.push(post({}));
      await until(() => open.length === i, "it is asked");
    }
    expect(open.map(([name]) => name).sort()).toEqual(["a", "b"]);
    const several = await post({ n: 2 }); // two slots are free, but not beside each other
    const reader = (several.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(": X-Queue-Position: 1\n\n");
    expect(open.length).toBe(2);
    const [name, exchange] = open[1] as [string, Exchange];
    quick(exchange);
    await until(() => open.length === 3, "it is asked");
    expect(open[2]?.[0]).toBe(name);
    for (const [, left] of [open[0], open[2]] as [string, Exchange][]) quick(left);
    while (!(await reader.read()).done);
    for (const single of singles) await (await single).text();
    await both.stop();
    for (const server of servers) server.stop();
  });
});
