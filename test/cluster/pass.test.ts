// What one process passes on to another, over HTTP and WebSockets. If this fails, a program or a page that a
// balancer sends to the wrong process gets less than it would get from the right one, or keeps a slot busy
// after it has gone.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Server } from "bun";
import { Exchanges } from "../../src/cluster/exchanges.ts";
import { keyHeader, peerHeader } from "../../src/cluster/pass.ts";
import { asFailure, Failure, statusOf } from "../../src/domain/failure.ts";
import { AddressCount } from "../../src/http/guard.ts";
import { refusal } from "../../src/http/refusal.tsx";
import { programRefusal } from "../../src/programs/errors.ts";
import { Passing } from "../../src/server/passing.ts";
import { type SocketData, Sockets, websocketOptions } from "../../src/server/sockets.ts";
import { until } from "../llama/server.ts";
import { openWire, type Wire } from "../postgres/wire.ts";

const key = "a-secret-of-this-house";
const MB = 1 << 20;
const patience = 30_000;

/** What the leader has seen, and how far it is. */
const seen = { headers: new Headers(), read: 0, sent: 0, aborted: 0, closed: [] as [number, string][] };
/** Sockets that are open at the leader. */
const sockets = new Set<Bun.ServerWebSocket<unknown>>();
let leader: Server<unknown>;
let follower: Server<SocketData>;
let wire: Wire;
let passing: Passing;
/** The leader, as the follower knows it. */
const house = { leader: null as string | null, term: 1, passedMax: 100, others: [] as string[] };

beforeAll(() => {
  leader = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, development: false, idleTimeout: 0 },
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: answerAsLeader,
    websocket: {
      maxPayloadLength: 8 * MB,
      open(ws) {
        sockets.add(ws);
        ws.send("first");
      },
      message(ws, frame) {
        if (frame === "end") ws.close(4001, "as you wish");
        else if (frame === "end without a code") ws.close();
        else ws.send(frame);
      },
      close(ws, code, reason) {
        sockets.delete(ws);
        seen.closed.push([code, reason]);
      },
    },
  });
  wire = openWire(leader.port as number);
  follower = startFollower();
});
afterEach(() => {
  house.leader = `http://127.0.0.1:${leader.port}`;
  house.passedMax = 100;
});
afterAll(() => {
  wire.close();
  void follower.stop(true);
  void leader.stop(true);
});

/** A process that passes on what it should, and answers everything else itself. */
function startFollower(): Server<SocketData> {
  house.leader = `http://127.0.0.1:${leader.port}`;
  const membership = {
    ...{ id: "follower", isLeading: false, processes: [], patienceMs: 2_000 },
    get term() {
      return house.term;
    },
    get leader() {
      return house.leader;
    },
    urlOf: (process: string) => (process === "leader" ? house.leader : null),
    led: async () => {},
  };
  const own = new Sockets({
    addresses: new AddressCount(1_000),
    backlogMaxBytes: MB,
    currentOwner: async () => true,
    bug: console.error,
  });
  const gateHouse = {
    ...{ membership, key, answer: async (url: URL) => new Response(`for a process: ${url.pathname}`) },
    get passedMax() {
      return house.passedMax;
    },
  };
  passing = new Passing(gateHouse, own);
  return Bun.serve<SocketData>({
    ...{ hostname: "127.0.0.1", port: 0, development: false },
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request, server) {
      const { pathname } = new URL(request.url);
      const arrived = { pathname, wire: "192.0.2.7" };
      try {
        const passed = await passing.request(request, arrived, (seconds) => server.timeout(request, seconds));
        if (passed) return passed;
        const client = { address: "192.0.2.7", isProxied: false, isSecure: false, hosts: [] };
        const visitor = { identity: null, client, request: "r", base: "" };
        const socket = await passing.socket(request, server, arrived, visitor);
        if (socket === true) return undefined;
        return socket || new Response("here");
      } catch (error) {
        return Response.json(asFailure(error).report, { status: statusOf(asFailure(error)) });
      }
    },
    websocket: { ...websocketOptions, maxPayloadLength: 8 * MB, ...own.handlers },
  } as Parameters<typeof Bun.serve<SocketData>>[0]) as Server<SocketData>;
}

async function answerAsLeader(request: Request, server: Server<unknown>): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/healthz") return new Response("it lives");
  seen.headers = new Headers(request.headers);
  const count = Number(searchParams.get("n"));
  request.signal.addEventListener("abort", () => seen.aborted++);
  switch (pathname) {
    case "/chat":
      if (request.headers.get("authorization") === "Bearer wrong") return new Response("no", { status: 401 });
      if (server.upgrade(request, { data: null, ...chosenProtocol(request) })) return undefined;
      return new Response("no socket", { status: 400 });
    case "/v1/read": {
      const hash = new Bun.CryptoHasher("sha256");
      seen.read = 0;
      for await (const chunk of request.body ?? []) {
        seen.read += chunk.length;
        hash.update(chunk);
        if (searchParams.has("slowly")) await new Promise(() => {});
      }
      return Response.json({ bytes: seen.read, hash: hash.digest("hex") });
    }
    case "/v1/bytes":
      seen.sent = 0;
      return new Response(piecesOf(count, () => seen.sent++));
    case "/v1/events":
      return new Response(events(count, searchParams.has("dies")), {
        headers: { "content-type": "text/event-stream" },
      });
    case "/v1/packed":
      return new Response(Bun.gzipSync("unpacked"), { headers: { "content-encoding": "gzip" } });
    case "/v1/cookies": {
      const headers = new Headers({ location: "/v1/elsewhere" });
      for (const each of ["a=1; Path=/", "b=2; HttpOnly"]) headers.append("set-cookie", each);
      return new Response(null, { status: 303, headers });
    }
    case "/v1/status":
      return new Response(null, { status: count });
    case "/v1/never":
      return new Promise(() => {});
    default:
      return new Response(`the leader has ${pathname}`);
  }
}

const chosenProtocol = ({ headers }: Request) =>
  headers.has("sec-websocket-protocol") ? { headers: { "sec-websocket-protocol": "parlor.json" } } : {};

/** Pieces of 1 MB, made when they are read. */
function piecesOf(count: number, made: () => void): ReadableStream<Uint8Array> {
  let left = count;
  return new ReadableStream(
    {
      pull(controller) {
        if (left-- === 0) return controller.close();
        made();
        controller.enqueue(new Uint8Array(MB).fill(left));
      },
    },
    { highWaterMark: 0 },
  );
}

/** Events, 5 ms apart; `dies`: the connection is cut after the last. */
function events(count: number, dies: boolean): ReadableStream<Uint8Array> {
  let timer: Timer;
  let sent = 0;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => {
        if (sent < count) return controller.enqueue(new TextEncoder().encode(`data: ${sent++}\n\n`));
        clearInterval(timer);
        if (dies) controller.error(new Error("the process has ended"));
        else controller.close();
      }, 5);
    },
    cancel: () => clearInterval(timer),
  });
}

/** Headers that ask for a WebSocket. */
const upgrade = {
  ...{ upgrade: "websocket", connection: "Upgrade" },
  ...{ "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
};
const at = (path: string) => `http://127.0.0.1:${follower.port}${path}`;
const sha = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
const failureOf = async (response: Response) => [
  response.status,
  ((await response.json()) as { code: string }).code,
];

/** A process that opens a WebSocket, and reads nothing of it. */
function startDeaf() {
  return Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      data(socket, bytes) {
        const key = /^sec-websocket-key: (.*)$/im.exec(bytes.toString())?.[1]?.trim();
        const accept = new Bun.CryptoHasher("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
        const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        socket.write(`${head}Sec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`);
        socket.pause();
      },
    },
  });
}

/** Waits until so much time has passed. */
async function passed(ms: number): Promise<void> {
  const later = performance.now() + ms;
  await until(() => performance.now() > later, "time has passed");
}

/** Waits until a number has grown, and has been the same for half a second. */
async function standsStill(count: () => number, who: string): Promise<void> {
  let [last, since] = [0, performance.now()];
  await until(() => {
    if (count() !== last) [last, since] = [count(), performance.now()];
    return last > 0 && performance.now() - since > 500;
  }, `${who} waits`);
}

/** A WebSocket to the follower, and what it has brought. */
async function socketOf(options: object = {}) {
  const frames: (string | Buffer)[] = [];
  let closed: [number, string] | null = null;
  const socket = new WebSocket(at("/chat").replace("http", "ws"), options as unknown as string[]);
  socket.onmessage = ({ data }) => frames.push(data as string);
  socket.onclose = ({ code, reason }) => {
    closed = [code, reason];
  };
  await until(() => socket.readyState !== WebSocket.CONNECTING, "the socket is open or refused");
  return { socket, frames, closed: () => closed };
}

test(
  "a large body arrives as it was sent, and so does a large answer",
  async () => {
    const body = new Uint8Array(20 * MB).map((_, i) => (i * 31) >> 7);
    const read = await (await fetch(at("/v1/read"), { method: "POST", body })).json();
    expect(read).toEqual({ bytes: body.length, hash: sha(body) });
    expect(seen.headers.get("content-length")).toBe(String(body.length)); // a bound is checked before it is read
    const bytes = await (await fetch(at("/v1/bytes?n=20"))).bytes();
    const whole = new Uint8Array(20 * MB);
    for (let i = 0; i < 20; i++) whole.fill(19 - i, i * MB, (i + 1) * MB);
    expect(sha(bytes)).toBe(sha(whole));
  },
  patience,
);

test("headers go both ways unchanged; those of a connection do not, nor those that say who passes on", async () => {
  const headers = {
    ...{
      host: "chat.example:8443",
      cookie: "a=b; c=d",
      authorization: "Bearer key",
      "x-forwarded-for": "198.51.100.4",
    },
    ...{ te: "trailers", [keyHeader]: "forged", [peerHeader]: "198.51.100.9" },
  };
  const answer = await fetch(at("/v1/cookies"), { headers, redirect: "manual" });
  expect([answer.status, answer.headers.get("location")]).toEqual([303, "/v1/elsewhere"]);
  expect(answer.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; HttpOnly"]);
  for (const name of ["host", "cookie", "authorization", "x-forwarded-for"] as const)
    expect(seen.headers.get(name)).toBe(headers[name]);
  expect(seen.headers.get("te")).toBeNull();
  expect([seen.headers.get(keyHeader), seen.headers.get(peerHeader)]).toEqual([key, "192.0.2.7"]);
});

test("an answer that is packed stays packed, and one without a body has none", async () => {
  const packed = await fetch(at("/v1/packed"), { decompress: false } as RequestInit);
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(new TextDecoder().decode(Bun.gunzipSync(await packed.bytes()))).toBe("unpacked");
  for (const status of [204, 304, 401, 500]) {
    const answer = await fetch(at(`/v1/status?n=${status}`));
    expect([answer.status, await answer.text()]).toEqual([status, ""]);
  }
  expect((await fetch(at("/v1/models"), { method: "HEAD" })).status).toBe(200);
});

test("events arrive one by one; an answer whose process dies is cut, not ended", async () => {
  const whole = await fetch(at("/v1/events?n=20"));
  expect(whole.headers.get("content-type")).toBe("text/event-stream");
  const pieces: string[] = [];
  for await (const chunk of whole.body ?? []) pieces.push(new TextDecoder().decode(chunk));
  expect(pieces.join("")).toBe(Array.from({ length: 20 }, (_, i) => `data: ${i}\n\n`).join(""));
  expect(pieces.length).toBeGreaterThan(5);
  const cut = fetch(at("/v1/events?n=3&dies")).then((answer) => answer.text());
  expect(
    await cut.then(
      () => "ended",
      () => "cut",
    ),
  ).toBe("cut");
});

test(
  "a reader that does not read holds the sender back, in both directions",
  async () => {
    const unread = await fetch(at("/v1/bytes?n=400"));
    await standsStill(() => seen.sent, "the leader");
    expect(seen.sent).toBeLessThan(60);
    await unread.body?.cancel();
    let made = 0;
    const sender = new AbortController();
    const body = piecesOf(400, () => made++);
    const sending = fetch(at("/v1/read?slowly"), {
      method: "POST",
      body,
      duplex: "half",
      signal: sender.signal,
    } as RequestInit);
    await standsStill(() => made, "the sender");
    expect(made).toBeLessThan(60);
    sender.abort();
    await sending.catch(() => {});
  },
  patience,
);

test(
  "a client that goes away ends its request at the leader, before the answer and in the middle of it",
  async () => {
    for (const path of ["/v1/never", "/v1/events?n=100000"]) {
      const before = seen.aborted;
      seen.headers = new Headers();
      const client = new AbortController();
      const answer = fetch(at(path), { signal: client.signal });
      if (path.includes("events")) await (await answer).body?.getReader().read();
      else await until(() => seen.headers.get(keyHeader) === key, "the leader has it");
      client.abort();
      await answer.catch(() => {});
      await until(() => seen.aborted > before, `${path} is ended`);
    }
  },
  patience,
);

test(
  "requests that are over do not count, however they ended",
  async () => {
    const before = seen.aborted;
    for (let i = 0; i < 120; i++) {
      const client = new AbortController();
      const answer = await fetch(at("/v1/events?n=100000"), { signal: client.signal });
      if (i % 2 === 0) await answer.body?.getReader().read();
      client.abort();
      await until(() => seen.aborted > before + i, "it is over");
      const others = ["/v1/models", "/v1/status?n=204", "/v1/cookies"].map((path) =>
        fetch(at(path), { redirect: "manual" }).then((each) => each.text()),
      );
      await Promise.all(others);
    }
    expect((await fetch(at("/v1/models"))).status).toBe(200);
    const last = await fetch(at("/v1/events?n=60"));
    let isClosed = false;
    const closing = passing.close(patience).then(() => {
      isClosed = true;
    });
    const reader = last.body?.getReader();
    for (let n = 0; n < 10; n++) await reader?.read();
    expect(isClosed).toBe(false); // it is read on
    while (!(await reader?.read())?.done);
    await closing;
    expect(await failureOf(await fetch(at("/v1/models")))).toEqual([503, "shutting_down"]);
    expect(await (await fetch(at("/"))).text()).toBe("here");
    void follower.stop(true);
    follower = startFollower();
  },
  patience,
);

test("frames go both ways as they are, with the protocol that the leader has chosen", async () => {
  const { socket, frames } = await socketOf({ protocols: ["parlor.json", "other"] });
  expect(socket.protocol).toBe("parlor.json");
  const binary = Buffer.from([0, 255, 1]);
  const large = "ä".repeat(MB);
  for (const frame of ["", "ein Wort", large, binary]) socket.send(frame);
  await until(() => frames.length === 5, "all have come back");
  expect(frames).toEqual(["first", "", "ein Wort", large, binary]);
  socket.close();
  await until(() => seen.closed.length > 0, "the leader knows");
});

test(
  "64 sockets at once get what is theirs",
  async () => {
    const all = await Promise.all(Array.from({ length: 64 }, () => socketOf()));
    for (const [i, { socket }] of all.entries()) for (let n = 0; n < 50; n++) socket.send(`${i} ${n}`);
    await until(() => all.every(({ frames }) => frames.length === 51), "all have everything");
    for (const [i, { frames }] of all.entries())
      expect(frames).toEqual(["first", ...Array.from({ length: 50 }, (_, n) => `${i} ${n}`)]);
    for (const { socket } of all) socket.close();
    await until(() => sockets.size === 0, "none is left at the leader");
  },
  patience,
);

test("a socket's end is passed on with its code; when its process goes, a page connects again", async () => {
  const wished = await socketOf();
  wished.socket.send("end");
  await until(() => wished.closed() !== null, "it is closed");
  expect(wished.closed()).toEqual([4001, "as you wish"]);
  const plain = await socketOf();
  plain.socket.send("end without a code");
  await until(() => plain.closed() !== null, "it is closed");
  expect(plain.closed()?.[0]).toBe(1000);
  const cut = await socketOf();
  await until(() => cut.frames.length === 1, "it is open at the leader");
  for (const ws of sockets) ws.terminate();
  await until(() => cut.closed() !== null, "it is closed");
  expect(cut.closed()?.[0]).toBe(1012);
});

test(
  "a client that does not read, and one that sends more than is read, are disconnected",
  async () => {
    const leftBefore = seen.closed.length;
    const lazy = await Bun.connect({
      ...{ hostname: "127.0.0.1", port: follower.port as number },
      socket: { data: (socket) => socket.pause(), open() {} },
    });
    const handshake = Object.entries({ host: "x", ...upgrade }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    lazy.write(`GET /chat HTTP/1.1\r\n${handshake.join("")}\r\n`);
    await until(() => sockets.size === 1, "it is open");
    const [ws] = sockets;
    for (let i = 0; i < 64; i++) ws?.send(new Uint8Array(MB));
    await until(() => seen.closed.length > leftBefore, "it is disconnected");
    lazy.terminate();
    const deaf = startDeaf();
    house.leader = `http://127.0.0.1:${deaf.port}`;
    const eager = await socketOf();
    for (let i = 0; i < 64; i++) eager.socket.send(new Uint8Array(MB));
    await until(() => eager.closed() !== null, "it is disconnected");
    expect(eager.closed()?.[0]).toBe(1013);
    deaf.stop(true);
  },
  patience,
);

test("a socket that the leader refuses is refused with the leader's reason", async () => {
  const refused = await fetch(at("/chat"), { headers: { ...upgrade, authorization: "Bearer wrong" } });
  expect([refused.status, await refused.text()]).toEqual([401, "no"]);
});

test("what was passed on already is not passed on again, and only a process with the key is answered as one", async () => {
  const inner = { [keyHeader]: key, [peerHeader]: "203.0.113.5" };
  expect(await failureOf(await fetch(at("/v1/models"), { headers: inner }))).toEqual([503, "no_leader"]);
  const ask = async (headers: HeadersInit) => (await fetch(at("/cluster/state"), { headers })).text();
  expect(await ask(inner)).toBe("for a process: /cluster/state");
  expect(await ask({ [keyHeader]: `${key}x` })).toBe("here");
  expect(await ask({})).toBe("here");
  expect(passing.peerOf(new Headers(inner), "192.0.2.1")).toBe("203.0.113.5");
  expect(passing.peerOf(new Headers({ ...inner, [keyHeader]: "wrong" }), "192.0.2.1")).toBe("192.0.2.1");
});

test("the leader answers what needs it, and this process everything else", async () => {
  const is = async (method: string, path: string) =>
    (await (await fetch(at(path), { method })).text()).startsWith("the leader");
  const leaders = [
    ...["GET /v1/models", "POST /v1/chat/completions", "POST /ask", "GET /admin", "POST /admin/stop"],
    ...[
      "GET /c/temporary-abcdefghijklmnop",
      "POST /c/temporary-abcdefghijklmnop",
      "GET /files/temporary-abcdefghijklmnop",
    ],
    ...["POST /files?c=temporary-abcdefghijklmnop", "GET /files?id=x&id=temporary-abcdefghijklmnop"],
    ...["GET /live/events?c=temporary-abcdefghijklmnop", "POST /live/say?seat=leader.secret"],
    ...["POST /documents", "POST /documents/abc", "GET /documents/abc", "POST /collections/abc/documents"],
    ...["DELETE /collections/abc", "GET /collections/abc/search?q=x"],
  ];
  const own = [
    ...[
      "GET /",
      "GET /temporary",
      "GET /c/abcdefghijklmnop",
      "POST /c/abcdefghijklmnop",
      "POST /files",
      "POST /import",
    ],
    ...[
      "GET /documents",
      "GET /documents/abc/list",
      "GET /documents/abc/def",
      "GET /collections",
      "GET /collections/abc",
    ],
    ...[
      "POST /live/say?seat=follower.secret",
      "POST /live/say?seat=gone.secret",
      "GET /live/events?c=abcdefghijklmnop",
    ],
    ...[
      "OPTIONS /v1/chat/completions",
      "OPTIONS /collections",
      "GET /account",
      "POST /login",
      "GET /administrator",
    ],
    ...["GET /readyz", "GET /metrics", "GET /assets/style.css", "GET /cluster/state"],
  ];
  for (const each of [...leaders, ...own])
    expect([each, await is(...(each.split(" ") as [string, string]))]).toEqual([
      each,
      leaders.includes(each),
    ]);
});

test(
  "a request for a leader that has ended waits for the next one, and reaches it whole",
  async () => {
    const next = house.leader;
    house.leader = "http://127.0.0.1:1";
    const body = new Uint8Array(5 * MB).fill(7);
    const read = fetch(at("/v1/read"), { method: "POST", body });
    const asked = fetch(at("/v1/models"));
    await passed(300);
    house.leader = next; // which may be the same address, after a restart
    house.term++;
    expect(await (await read).json()).toEqual({ bytes: body.length, hash: sha(body) });
    expect(await (await asked).text()).toBe("the leader has /v1/models");
  },
  patience,
);

test(
  "while no other process leads, it is refused",
  async () => {
    house.leader = "http://127.0.0.1:1";
    const refused = await socketOf();
    await until(() => refused.closed() !== null, "the socket is refused");
    expect(await failureOf(await fetch(at("/v1/models")))).toEqual([503, "no_leader"]);
  },
  patience,
);

test(
  "requests and sockets of a process that stands still end, and those of others do not",
  async () => {
    const standing = `http://127.0.0.1:${wire.port}`;
    const fine = `http://127.0.0.1:${leader.port}`;
    const membership = { leader: null, processes: [] };
    const exchanges = new Exchanges({ membership, requestsMax: 2, lookMs: 200 });
    const [a, b] = [exchanges.request(standing), exchanges.request(fine)];
    const socket = exchanges.socket(standing);
    expect(() => exchanges.request(fine)).toThrow("queue_full");
    wire.freeze();
    await until(() => a.gone.aborted && socket.gone.aborted, "they are given up");
    expect(b.gone.aborted).toBe(false);
    for (const each of [a, b, socket]) each.end();
    a.end(); // a second time changes nothing
    expect(exchanges.size).toBe(0);
    expect([exchanges.request(fine), exchanges.request(fine)].length).toBe(2);
    wire.thaw();
  },
  patience,
);

test("while none leads, a page and both dialects of programs are told to try again soon", () => {
  const failure = new Failure("no_leader");
  const told = [
    refusal(failure, new Headers({ accept: "text/html" }), ""),
    programRefusal(failure, "openai"),
    programRefusal(failure, "anthropic"),
  ];
  for (const { status, headers } of told)
    expect([status, Number(headers.get("retry-after")) > 0]).toEqual([503, true]);
});

test(
  "what a leader has that another process follows ends at once",
  async () => {
    const fine = `http://127.0.0.1:${leader.port}`;
    const membership = { leader: fine as string | null, processes: [] };
    const exchanges = new Exchanges({ membership, requestsMax: 2, lookMs: 50 });
    const exchange = exchanges.socket(fine);
    membership.leader = null;
    await passed(300); // several looks
    expect(exchange.gone.aborted).toBe(false); // nobody leads: it may lead again
    membership.leader = "http://127.0.0.1:1";
    await until(() => exchange.gone.aborted, "it is given up");
    exchange.end();
  },
  patience,
);
