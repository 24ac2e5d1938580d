// The connection that answers stream over: whatever the framing and wherever the wire cuts it, the reader gets the body's bytes, once and in
// order; what is not HTTP, or breaks, is told as that. If this fails, answers lose or double text.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunStats } from "../../src/domain/run.ts";
import { Answer } from "../../src/upstream/answer.ts";
import { ExchangeBroken, exchange, type Head } from "../../src/upstream/exchange.ts";
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
      const length = Number(/content-length: (\d+)/.exec(socket.data.got)?.[1] ?? 0);
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
const address = new URL(`http://127.0.0.1:${server.port}/a?b=c`);

async function ask(
  answer: readonly string[],
  { ends = false, signal = new AbortController().signal, body = "", came = () => {} } = {},
): Promise<{ head: Head; body: string }> {
  parts = answer;
  endsItself = ends;
  let head: Head = { status: 0, headers: new Map() };
  let got = "";
  const listener = {
    head(found: Head) {
      head = found;
    },
    body(bytes: Buffer, start: number, end: number) {
      got += bytes.toString("latin1", start, end);
      came();
    },
    read: () => false,
  };
  await exchange(address, { method: "POST", headers: { "x-a": "one\r\nx-b: two" }, body }, listener, signal);
  return { head, body: got };
}

/** The text in so many pieces. */
function cut(text: string, pieces: number, seed: number): string[] {
  const random = seeded(seed);
  const places = Array.from({ length: pieces - 1 }, () => random.below(text.length)).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length)).filter((piece) => piece !== "");
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const long = "0123456789".repeat(300);

describe("the body's bytes, wherever the wire cuts them", () => {
  const framings: Record<string, { wire: string; body: string; ends?: boolean }> = {
    chunks: { wire: `${head}5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n`, body: "hello world" },
    "chunks with upper case sizes, extensions and a trailer": {
      wire: `${head}A;x=y\r\n0123456789\r\n00bB8 \r\n${long}\r\n0\r\nx-t: 1\r\n\r\n`,
      body: `0123456789${long}`,
    },
    "line ends within a chunk": { wire: `${head}9\r\na\r\n0\r\n\r\nb\r\n0\r\n\r\n`, body: "a\r\n0\r\n\r\nb" },
    "a length": { wire: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", body: "hello" },
    "no body at all": { wire: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", body: "" },
    "up to the connection's end": { wire: "HTTP/1.0 200 OK\r\n\r\nhello", body: "hello", ends: true },
    "an interim answer first": { wire: `HTTP/1.1 100 Continue\r\n\r\n${head}2\r\nhi\r\n0\r\n\r\n`, body: "hi" },
  };
  for (const [name, { wire, body, ends = false }] of Object.entries(framings)) {
    test(name, async () => {
      expect((await ask([wire], { ends })).body).toBe(body);
      for (let seed = 0; seed < 15; seed++) expect((await ask(cut(wire, 2 + seed, seed), { ends })).body).toBe(body);
      expect((await ask([...wire.slice(0, 200)].concat(wire.slice(200)), { ends })).body).toBe(body);
    });
  }
});

test("a request says what it must, and a header's value begins no other header", async () => {
  await ask(["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], { body: "x".repeat(600_000) });
  const sent = requests.at(-1) as string;
  expect(sent).toStartWith("POST /a?b=c HTTP/1.1\r\n");
  expect(sent).toContain("\r\nx-a: one x-b: two\r\n");
  expect(sent).toContain(`\r\nhost: 127.0.0.1:${server.port}\r\n`);
  expect(sent.length - sent.indexOf("\r\n\r\n") - 4).toBe(600_000);
});

describe("what is broken is told", () => {
  const broken: Record<string, readonly [string, boolean]> = {
    "no HTTP": ["SSH-2.0-OpenSSH_9.2\r\n\r\n", false],
    "closed before the head": ["HTTP/1.1 200 OK\r\n", true],
    "closed in a chunk": [`${head}5\r\nhe`, true],
    "closed before the last chunk": [`${head}2\r\nhe\r\n`, true],
    "closed before a length is there": ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", true],
    "a size that is none": [`${head}zz\r\nhe\r\n`, false],
    "a head without an end": [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, false],
  };
  for (const [name, [wire, ends]] of Object.entries(broken)) test(name, () => expect(ask([wire], { ends })).rejects.toBeInstanceOf(ExchangeBroken));

  test("nobody there", () => {
    const nowhere = exchange(
      new URL("http://127.0.0.1:1/"),
      { method: "GET", headers: {} },
      { head() {}, body() {}, read: () => false },
      new AbortController().signal,
    );
    return expect(nowhere).rejects.toBeInstanceOf(ExchangeBroken);
  });

  test("aborted: rejects with the reason, and the other side sees the connection closed", async () => {
    const controller = new AbortController();
    const gone = new Promise<void>((resolve) => closed.push(resolve));
    const asked = ask([`${head}5\r\nhello\r\n`], { signal: controller.signal, came: () => controller.abort("stopped") });
    expect(await asked.catch((reason) => reason)).toBe("stopped");
    await gone;
  });
});

/** An answer that is a stream, and what has come of it. */
function collecting(): { answer: Answer; got: { text: string; reasoning: string } } {
  const got = { text: "", reasoning: "" };
  const add = (kind: keyof typeof got) => (piece: string) => {
    got[kind] += piece;
  };
  const answer = new Answer({ text: add("text"), reasoning: add("reasoning"), prompt() {} }, 1 << 20);
  answer.begin({ status: 200, headers: new Map([["content-type", "text/event-stream"]]) });
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
    const url = `https://localhost:${secure.port}/`;
    const listener = { head() {}, body() {}, read: () => false };
    const headers = { authorization: "Bearer secret" };
    const refused = exchange(new URL(url), { method: "GET", headers }, listener, new AbortController().signal);
    expect(await refused.catch((error) => error)).toBeInstanceOf(ExchangeBroken);
    expect(asked).toEqual([]);
    // a process that trusts the certificate, as one does that is told so by its environment
    const program = `import { exchange } from "${join(import.meta.dir, "../../src/upstream/exchange.ts")}";
      let text = ""; await exchange(new URL("${url}"), { method: "GET", headers: { authorization: "Bearer secret" } },
        { head() {}, body: (bytes, start, end) => { text += bytes.toString("utf8", start, end); }, read: () => false }, new AbortController().signal);
      console.log(text);`;
    const trusting = Bun.spawn([process.execPath, "-e", program], { env: { ...process.env, NODE_EXTRA_CA_CERTS: cert }, stdout: "pipe", stderr: "pipe" });
    expect([await new Response(trusting.stdout).text(), await new Response(trusting.stderr).text()]).toEqual(["hello\n", ""]);
    expect(asked).toEqual(["Bearer secret"]);
    await secure.stop(true);
  });
});

describe("an event is cut out only where it is what it looks like", () => {
  const chunk = (delta: object, more: object = {}) =>
    `data: ${JSON.stringify({ choices: [{ finish_reason: null, index: 0, delta }], created: 1, ...more })}\n\n`;
  const streams: Record<string, readonly string[]> = {
    plain: [chunk({ content: "a" }), chunk({ content: " b" }), chunk({ content: "" }), chunk({ content: "c" })],
    escapes: [chunk({ content: "a" }), chunk({ content: '"}}],"x' }), chunk({ content: "\\" }), chunk({ content: "ü\n\u0001" }), chunk({ content: '\\"' })],
    "a key inside": [chunk({ content: "a" }), chunk({ content: '"content":"a"' }), chunk({ content: "b" })],
    thoughts: [chunk({ reasoning_content: "t" }), chunk({ content: "a" }), chunk({ content: "b", reasoning_content: "u" }), chunk({ content: "c" })],
    "another second": [chunk({ content: "a" }), chunk({ content: "b" }, { created: 2 }), chunk({ content: "c" }, { created: 2 })],
    "timings between": [chunk({ content: "a" }), chunk({ content: "b" }, { timings: { predicted_per_second: 7 } }), chunk({ content: "c" })],
    "raw characters": [chunk({ content: "a" }), chunk({ content: "漢" }), chunk({ content: "🦜b" })],
  };
  for (const [name, events] of Object.entries(streams)) {
    test(name, () => {
      const expected = events.map((event) => JSON.parse(event.slice(6)).choices[0].delta as { content?: string; reasoning_content?: string });
      const whole = Buffer.from(`${events.join("")}data: {"choices":[{"finish_reason":"stop","delta":{}}]}\n\ndata: [DONE]\n\n`);
      for (let size = 1; size <= whole.length; size = size < 40 ? size + 1 : size * 2) {
        const { answer, got } = collecting();
        for (let at = 0; at < whole.length; at += size) {
          answer.push(whole, at, Math.min(whole.length, at + size));
          answer.flush();
        }
        expect({ size, ...got }).toEqual({
          size,
          text: expected.map(({ content = "" }) => content).join(""),
          reasoning: expected.map((each) => each.reasoning_content ?? "").join(""),
        });
        const stats: RunStats = answer.end("").stats;
        expect(stats.tokensPerSecond).toBe(name === "timings between" ? 7 : undefined);
      }
      // event by event, as llama-server sends them
      const { answer, got } = collecting();
      for (const event of events) {
        const bytes = Buffer.from(event);
        answer.push(bytes, 0, bytes.length);
      }
      answer.flush();
      expect(got.text).toBe(expected.map(({ content = "" }) => content).join(""));
    });
  }
});
