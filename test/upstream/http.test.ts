// The HTTP client for llama-servers: whatever the framing and wherever the wire cuts it, the reader gets
// the body's bytes, once and in order, no faster than it takes them; what is not HTTP, or breaks, is a
// Failure. If this fails, answers lose or double text.
// Promises: R8, L4.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FailureCode } from "../../src/domain/failure.ts";
import type { PartKind } from "../../src/domain/part.ts";
import type { RunStats } from "../../src/domain/run.ts";
import { Answer } from "../../src/upstream/answer.ts";
import {
  bypassProxyForLoopback,
  dropBody,
  proxyVariable,
  readBody,
  send,
  targetOf,
  textOf,
} from "../../src/upstream/http.ts";
import { count } from "../../src/upstream/requests.ts";
import { until } from "../llama/server.ts";
import { seeded } from "../seeded.ts";

interface Peer {
  got: string;
}
let parts: readonly string[] = [];
let endsItself = false;
const requests: string[] = [];
const closed: (() => void)[] = [];
const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { got: "" };
    },
    async data(socket, bytes) {
      socket.data.got += bytes.toString();
      const head = socket.data.got.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(socket.data.got)?.[1] ?? 0);
      if (head < 0 || socket.data.got.length < head + 4 + length) return;
      requests.push(socket.data.got);
      for (const part of parts) {
        socket.write(Buffer.from(part, "latin1"));
        socket.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (endsItself) socket.end();
    },
    close: () => closed.splice(0).forEach((tell) => void tell()),
    error() {},
  },
});
afterAll(() => server.stop(true));
const target = targetOf(`http://127.0.0.1:${server.port}`, null);
const never = new AbortController().signal;

async function ask(
  answer: readonly string[],
  { ends = false, signal = never, body = "", came = () => {} } = {},
): Promise<string> {
  parts = answer;
  endsItself = ends;
  const response = await send(
    target,
    { method: "POST", path: "/a?b=c", headers: { "x-a": "one" }, body },
    signal,
  );
  let got = "";
  await readBody(response, signal, (bytes) => {
    got += Buffer.from(bytes).toString("latin1");
    came();
    return false;
  });
  return got;
}

/** Resolves when a number has not changed for a while. */
async function restsOf(number: () => number): Promise<void> {
  let [before, since] = [number(), performance.now()];
  await until(() => {
    if (number() !== before) [before, since] = [number(), performance.now()];
    return performance.now() - since > 200;
  }, "nothing more is written");
}

/** The text in so many pieces. */
function cut(text: string, pieces: number, seed: number): string[] {
  const random = seeded(seed);
  const places = Array.from({ length: pieces - 1 }, () => random.below(text.length)).sort((a, b) => a - b);
  return [0, ...places]
    .map((from, i) => text.slice(from, places[i] ?? text.length))
    .filter((piece) => piece !== "");
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const long = "0123456789".repeat(300);

describe("the body's bytes, wherever the wire cuts them", () => {
  const framings: Record<string, { wire: string; body: string; ends?: boolean }> = {
    chunks: { wire: `${head}5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n`, body: "hello world" },
    "chunks with upper case sizes, extensions and a trailer": {
      wire: `${head}A;x=y\r\n0123456789\r\n00bB8\r\n${long}\r\n0\r\nx-t: 1\r\n\r\n`,
      body: `0123456789${long}`,
    },
    "line ends within a chunk": { wire: `${head}9\r\na\r\n0\r\n\r\nb\r\n0\r\n\r\n`, body: "a\r\n0\r\n\r\nb" },
    "a length": { wire: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", body: "hello" },
    "no body at all": { wire: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", body: "" },
    "up to the connection's end": { wire: "HTTP/1.0 200 OK\r\n\r\nhello", body: "hello", ends: true },
    "an interim answer first": {
      wire: `HTTP/1.1 100 Continue\r\n\r\n${head}2\r\nhi\r\n0\r\n\r\n`,
      body: "hi",
    },
  };
  for (const [name, { wire, body, ends = false }] of Object.entries(framings)) {
    test(name, async () => {
      expect(await ask([wire], { ends })).toBe(body);
      for (let seed = 0; seed < 15; seed++) expect(await ask(cut(wire, 2 + seed, seed), { ends })).toBe(body);
      expect(await ask([...wire.slice(0, 200)].concat(wire.slice(200)), { ends })).toBe(body);
    });
  }
});

test("a request says what it must", async () => {
  await ask(["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], { body: "x".repeat(600_000) });
  const sent = requests.at(-1) as string;
  const head = sent.slice(0, sent.indexOf("\r\n\r\n") + 2).toLowerCase();
  expect(head).toStartWith("post /a?b=c http/1.1\r\n");
  for (const line of [
    "x-a: one",
    `host: 127.0.0.1:${server.port}`,
    "connection: close",
    "accept-encoding: identity",
  ])
    expect(head).toContain(`\r\n${line}\r\n`);
  expect(sent.length - head.length - 2).toBe(600_000);
});

test("an answer in one piece that has no end is read up to a bound", async () => {
  parts = [`HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n${"x".repeat(200_000)}`];
  const response = await send(target, { method: "GET", path: "/" }, never);
  expect((await textOf(response, never, 100_000)).length).toBeLessThan(300_000);
});

test("a reader that is slow is waited for: memory holds a little of the answer, and all of it comes", async () => {
  let written = 0;
  const piece = Buffer.from(`10000\r\n${"x".repeat(65536)}\r\n`);
  const [pieces, socketBuffersBytes] = [1_000, 24 << 20]; // the kernel's own buffers of both ends hold some MB
  const write = (socket: import("bun").Socket<{ rest: Buffer | null }>) => {
    while (written < pieces * piece.length) {
      const bytes = piece.subarray(written % piece.length);
      const taken = socket.write(bytes);
      written += Math.max(0, taken);
      if (taken < bytes.length) return;
    }
    socket.end("0\r\n\r\n");
  };
  const quick = Bun.listen<{ rest: Buffer | null }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        write(socket);
      },
      drain: write,
      error() {},
    },
  });
  const response = await send(
    targetOf(`http://127.0.0.1:${quick.port}`, null),
    { method: "GET", path: "/" },
    never,
  );
  let got = 0;
  let isFirst = true;
  await readBody(response, never, (bytes) => {
    got += bytes.length;
    if (!isFirst) return false;
    isFirst = false;
    return restsOf(() => written).then(() => {
      expect(written).toBeLessThan(socketBuffersBytes);
      return false;
    });
  });
  expect(got).toBe(pieces * 65536);
  quick.stop(true);
});

describe("what is broken is told", () => {
  const broken: Record<string, readonly [string, boolean, FailureCode]> = {
    "no HTTP": ["SSH-2.0-OpenSSH_9.2\r\n\r\n", false, "upstream_absent"],
    "closed before the head": ["HTTP/1.1 200 OK\r\n", true, "upstream_absent"],
    "closed in a chunk": [`${head}5\r\nhe`, true, "upstream_cut"],
    "closed before the last chunk": [`${head}2\r\nhe\r\n`, true, "upstream_cut"],
    "closed before a length is there": [
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe",
      true,
      "upstream_cut",
    ],
    "a size that is none": [`${head}zz\r\nhe\r\n`, false, "upstream_cut"],
    "short lines without an end": [`HTTP/1.1 200 OK\n${"a\n".repeat(32_000)}`, false, "upstream_absent"],
    "two lengths": [
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nhello",
      false,
      "upstream_absent",
    ],
    "a head without an end": [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, false, "upstream_absent"],
  };
  for (const [name, [wire, ends, code]] of Object.entries(broken))
    test(name, () => expect(ask([wire], { ends })).rejects.toMatchObject({ code }));

  test("nobody there", () => {
    expect(
      send(targetOf("http://127.0.0.1:1", null), { method: "GET", path: "/" }, never),
    ).rejects.toMatchObject({ code: "upstream_absent" });
  });

  test("interim answers without an end, and an extension of a chunk without an end, cost little until the deadline", async () => {
    for (const piece of ["HTTP/1.1 100 Continue\r\n\r\n", `${head}5;x=${"y".repeat(4_000)}`]) {
      parts = Array.from({ length: 400 }, (_, i) =>
        i === 0 || !piece.startsWith(head) ? piece : "y".repeat(4_000),
      );
      const [before, deadline] = [process.cpuUsage(), AbortSignal.timeout(400)];
      await expect(
        send(target, { method: "GET", path: "/" }, deadline).then((response) => textOf(response, deadline)),
      ).rejects.toBeDefined();
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1e6).toBeLessThan(1);
    }
  });

  test("what is packed otherwise than it says can be let go of", async () => {
    for (const encoding of ["gzip", "br", "zstd", "deflate"]) {
      parts = [`HTTP/1.1 500 Oh\r\nContent-Encoding: ${encoding}\r\nContent-Length: 4\r\n\r\n`, "none"];
      expect(await count(target, { stallMs: 5_000 }, { messages: [], model: null }, never)).toBeNull();
      const response = await send(target, { method: "DELETE", path: "/" }, never);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve)); // it is found out while nobody reads
      await dropBody(response);
    }
  });

  test("aborted: rejects with the reason, and the other side sees the connection closed", async () => {
    const controller = new AbortController();
    const gone = new Promise<void>((resolve) => closed.push(resolve));
    const asked = ask([`${head}5\r\nhello\r\n`], {
      signal: controller.signal,
      came: () => controller.abort("stopped"),
    });
    expect(await asked.catch((reason) => reason)).toBe("stopped");
    await gone;
  });
});

/** An answer that is a stream, and what has come of it. */
function collecting(): { answer: Answer; got: { text: string; reasoning: string } } {
  const got = { text: "", reasoning: "" };
  const answer = new Answer(
    {
      part(kind, piece) {
        got[kind === "text" ? "text" : "reasoning"] += piece;
      },
      prompt() {},
    },
    { lineMaxBytes: 1 << 20, answerMaxChars: 1 << 20 },
  );
  answer.begin(new Headers({ "content-type": "text/event-stream" }));
  return { answer, got };
}

describe("by TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "parlor-tls-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name)) as [string, string];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
  ];

  test("whoever can't prove who they are is told nothing; whoever can answers", async () => {
    expect(Bun.spawnSync(["openssl", ...made]).exitCode).toBe(0);
    const asked: string[] = [];
    const secure = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch(request) {
        asked.push(request.headers.get("authorization") ?? "");
        return new Response("hello");
      },
    });
    const url = `https://localhost:${secure.port}`;
    const refused = send(targetOf(url, "secret"), { method: "GET", path: "/" }, never);
    await expect(refused).rejects.toMatchObject({ code: "upstream_absent" });
    expect(asked).toEqual([]);
    // a process that trusts the certificate, as one does that is told so by its environment
    const program = `import { send, targetOf } from "${join(import.meta.dir, "../../src/upstream/http.ts")}";
      const response = await send(targetOf("${url}", "secret"), { method: "GET", path: "/" }, new AbortController().signal);
      console.log(await response.text());`;
    const trusting = Bun.spawn([process.execPath, "-e", program], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: cert },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect([await new Response(trusting.stdout).text(), await new Response(trusting.stderr).text()]).toEqual([
      "hello\n",
      "",
    ]);
    expect(asked).toEqual(["Bearer secret"]);
    await secure.stop(true);
  });
});

describe("events are understood wherever the wire cuts them", () => {
  const chunk = (delta: object, more: object = {}) =>
    `data: ${JSON.stringify({ choices: [{ finish_reason: null, index: 0, delta }], created: 1, ...more })}\n\n`;
  const streams: Record<string, readonly string[]> = {
    plain: [
      chunk({ content: "a" }),
      chunk({ content: " b" }),
      chunk({ content: "" }),
      chunk({ content: "c" }),
    ],
    escapes: [
      chunk({ content: "a" }),
      chunk({ content: '"}}],"x' }),
      chunk({ content: "\\" }),
      chunk({ content: "ü\n\u0001" }),
      chunk({ content: '\\"' }),
    ],
    "a key inside": [chunk({ content: "a" }), chunk({ content: '"content":"a"' }), chunk({ content: "b" })],
    thoughts: [
      chunk({ reasoning_content: "t" }),
      chunk({ content: "a" }),
      chunk({ content: "b", reasoning_content: "u" }),
      chunk({ content: "c" }),
    ],
    "another second": [
      chunk({ content: "a" }),
      chunk({ content: "b" }, { created: 2 }),
      chunk({ content: "c" }, { created: 2 }),
    ],
    "timings between": [
      chunk({ content: "a" }),
      chunk({ content: "b" }, { timings: { predicted_per_second: 7 } }),
      chunk({ content: "c" }),
    ],
    "raw characters": [chunk({ content: "a" }), chunk({ content: "漢" }), chunk({ content: "🦜b" })],
  };
  for (const [name, events] of Object.entries(streams)) {
    test(name, () => {
      const expected = events.map(
        (event) =>
          JSON.parse(event.slice(6)).choices[0].delta as { content?: string; reasoning_content?: string },
      );
      const whole = Buffer.from(
        `${events.join("")}data: {"choices":[{"finish_reason":"stop","delta":{}}]}\n\ndata: [DONE]\n\n`,
      );
      for (let size = 1; size <= whole.length; size = size < 40 ? size + 1 : size * 2) {
        const { answer, got } = collecting();
        for (let at = 0; at < whole.length; at += size) answer.push(whole.subarray(at, at + size));
        expect({ size, ...got }).toEqual({
          size,
          text: expected.map(({ content = "" }) => content).join(""),
          reasoning: expected.map((each) => each.reasoning_content ?? "").join(""),
        });
        const stats: RunStats = answer.end().stats;
        expect(stats.tokensPerSecond).toBe(name === "timings between" ? 7 : undefined);
      }
      // event by event, as llama-server sends them
      const { answer, got } = collecting();
      for (const event of events) answer.push(Buffer.from(event));
      expect(got.text).toBe(expected.map(({ content = "" }) => content).join(""));
    });
  }
});

test("the place in the stream is the end of its last whole event, wherever the wire cuts it", () => {
  const events = ["a", "ü🦜", "", "\n\n", "end"].map(
    (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`,
  );
  const whole = Buffer.from(events.join(""));
  const ends = events.map((_, i) => Buffer.byteLength(events.slice(0, i + 1).join("")));
  for (let size = 1; size < whole.length; size++) {
    const got: { text: string; bytes: number }[] = [];
    let text = "";
    const deltas = {
      part(_kind: PartKind, piece: string) {
        text += piece;
      },
      prompt() {},
      streamed: (bytes: number) => void got.push({ text, bytes }),
    };
    const answer = new Answer(deltas, { lineMaxBytes: 1 << 20, answerMaxChars: 1 << 20 }, 1000);
    for (let at = 0; at < whole.length; at += size) answer.push(whole.subarray(at, at + size));
    for (const { text: sofar, bytes } of got) {
      const after = Buffer.from(whole.subarray(bytes - 1000)).toString();
      expect([1000, ...ends.map((end) => end + 1000)]).toContain(bytes);
      const rest = after
        .split("\n\n")
        .flatMap((event) =>
          event === ""
            ? []
            : (JSON.parse(event.slice(6)) as { choices: [{ delta: { content: string } }] }).choices[0].delta
                .content,
        );
      expect(sofar + rest.join("")).toBe("aü🦜\n\nend");
    }
  }
});

describe("credentials in an address", () => {
  test("are sent, and never shown", () => {
    expect(targetOf("http://user:s%40cret@host:8080/llama/", null)).toEqual({
      url: "http://host:8080/llama",
      headers: { authorization: `Basic ${btoa("user:s@cret")}` },
    });
    expect(targetOf("http://user@host", "key").headers).toEqual({
      authorization: `Basic ${btoa("user:")}`,
      "x-api-key": "key",
    });
    expect(targetOf("http://host/", "key")).toEqual({
      url: "http://host",
      headers: { authorization: "Bearer key" },
    });
    expect(targetOf("http://a%zz:b@host", null).headers).toEqual({
      authorization: `Basic ${btoa("a%zz:b")}`,
    });
  });
});

describe("proxies of the environment", () => {
  test("are never asked for this machine, whatever was excepted before", () => {
    for (const before of [{}, { NO_PROXY: "corp, .local" }, { no_proxy: "corp", NO_PROXY: "ignored" }]) {
      const env: Record<string, string> = { ...before };
      bypassProxyForLoopback(env);
      expect(env["no_proxy"]).toBe(env["NO_PROXY"] as string);
      expect(env["NO_PROXY"]?.split(",")).toContain("127.0.0.0/8");
      if ("NO_PROXY" in before || "no_proxy" in before) expect(env["NO_PROXY"]).toStartWith("corp,");
    }
  });

  test("are named", () => {
    expect(proxyVariable("http://a", { all_proxy: "x" })).toBe("all_proxy");
    expect(proxyVariable("https://a", { HTTP_PROXY: "x" })).toBeNull();
    expect(proxyVariable("https://a", { https_proxy: "x", ALL_PROXY: "y" })).toBe("https_proxy");
  });
});
