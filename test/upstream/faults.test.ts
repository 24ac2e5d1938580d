// What goes wrong behind us: each is a Failure with its own sentence on the page and on the plain socket,
// in the log, with Try again; the partial answer stays, the process never falls.
// Promises: R5, R7, S1, S4.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { FailureCode } from "../../src/domain/failure.ts";
import { type House, PageClient, PlainClient, startHouse } from "../house.ts";
import { freePort, startLlama, until } from "../llama/server.ts";
import { type Exchange, refuse, type Scripted, startScripted } from "./scripted.ts";

let upstream: Scripted;
let house: House;

beforeAll(async () => {
  upstream = startScripted();
  house = await startHouse({
    llama: upstream.url,
    bounds: { stallMs: 800, stopMs: 300, lineMaxBytes: 16 * 1024 },
  });
  await until(() => house.upstream.state.status === "ready", "the house sees the scripted upstream");
});
afterAll(async () => {
  await house.stop();
  upstream.stop();
});
beforeEach(() => {
  upstream.looks = { health: 200, slots: "[]" };
  house.log.length = 0;
});

interface Fault {
  readonly name: string;
  readonly code: FailureCode;
  readonly sentence: RegExp;
  readonly partial?: string;
  script(exchange: Exchange): void | Promise<void>;
}

const begun = (exchange: Exchange): void => {
  exchange.begin();
  exchange.delta("Half of ");
  exchange.delta("an answer");
};
const half = "Half of an answer";

const faults: Fault[] = [
  {
    name: "503 while the model loads",
    code: "upstream_loading",
    sentence: /still loading its model/,
    script: (x) => refuse(x, 503, { code: 503, message: "Loading model" }),
  },
  {
    name: "401",
    code: "upstream_unauthorized",
    sentence: /requires an API key/,
    script: (x) => refuse(x, 401, { message: "Invalid API Key" }),
  },
  {
    name: "400",
    code: "upstream_refused",
    sentence: /refused the request \(400\): bad roles/,
    script: (x) => refuse(x, 400, { message: "bad roles" }),
  },
  {
    name: "400 with a context overflow",
    code: "context_overflow",
    sentence: /has 9,000 tokens; the model has room for 4,096/,
    script: (x) => refuse(x, 400, { type: "exceed_context_size_error", n_prompt_tokens: 9000, n_ctx: 4096 }),
  },
  {
    name: "500",
    code: "upstream_error",
    sentence: /reported an error \(500\): out of memory/,
    script: (x) => refuse(x, 500, { message: "out of memory" }),
  },
  {
    name: "a cut before the first byte",
    code: "upstream_absent",
    sentence: /No llama-server answers/,
    script: (x) => x.cut(),
  },
  {
    name: "a cut in mid-stream",
    code: "upstream_cut",
    sentence: /was lost in the middle/,
    partial: half,
    async script(x) {
      begun(x);
      await until(() => page.last?.text === half, "the half has arrived");
      x.cut();
    },
  },
  {
    name: "a proper end of the body without the end of the answer",
    code: "upstream_cut",
    sentence: /was lost in the middle/,
    partial: half,
    script(x) {
      begun(x);
      x.write("0\r\n\r\n");
    },
  },
  {
    name: "a stall in mid-stream",
    code: "upstream_stalled",
    sentence: /sent nothing for/,
    partial: half,
    script: begun,
  },
  {
    name: "a stall before the first byte",
    code: "upstream_stalled",
    sentence: /sent nothing for/,
    script() {},
  },
  {
    name: "an error event in mid-stream",
    code: "upstream_error",
    sentence: /reported an error \(500\): compute failed/,
    partial: half,
    script(x) {
      begun(x);
      x.chunk(`data: {"error":{"code":500,"message":"compute failed"}}\n\n`);
    },
  },
  {
    name: "an error field in mid-stream",
    code: "upstream_error",
    sentence: /reported an error \(500\): compute failed/,
    partial: half,
    script(x) {
      begun(x);
      x.chunk(`error: {"code":500,"message":"compute failed"}\n\n`);
    },
  },
  {
    name: "data that is not JSON",
    code: "upstream_garbled",
    sentence: /could not understand/,
    partial: half,
    script(x) {
      begun(x);
      x.chunk("data: {nonsense\n\n");
    },
  },
  {
    name: "a line that is no event",
    code: "upstream_garbled",
    sentence: /could not understand/,
    partial: half,
    script(x) {
      begun(x);
      x.chunk("<html>what is this\n\n");
    },
  },
  {
    name: "an answer that is no stream",
    code: "upstream_garbled",
    sentence: /could not understand/,
    script: (x) => x.write("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p>x"),
  },
  {
    name: "an endless line of data",
    code: "upstream_line_too_long",
    sentence: /of more than/,
    partial: half,
    script: (x) => endless(x, "data: "),
  },
  {
    name: "an endless line of nothing known",
    code: "upstream_line_too_long",
    sentence: /of more than/,
    partial: half,
    script: (x) => endless(x, "zzz"),
  },
];

async function endless(exchange: Exchange, start: string): Promise<void> {
  begun(exchange);
  exchange.chunk(start);
  let open = true;
  void exchange.closed.then(() => {
    open = false;
  });
  for (let i = 0; i < 1000 && open; i++) {
    exchange.chunk("x".repeat(1000));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let page: PageClient;

describe("on the page", () => {
  for (const fault of faults) {
    test(`${fault.name} is "${fault.code}"`, async () => {
      page = await new PageClient(house).ready();
      upstream.script = fault.script;
      page.say("a secret question");
      const answer = await page.lastIs("failed");
      expect(answer.text).toBe(fault.partial ?? "");
      const article = page.element(`m-${answer.id}`);
      expect(article.querySelector(".failure")?.textContent).toMatch(fault.sentence);
      expect(article.querySelector("button")?.textContent).toBe("Try again");
      expect(page.element("controls").textContent).toBe("Send");
      const logged = house.log.find((line) => line.includes("Run failed"));
      expect(JSON.parse(logged as string)).toMatchObject({ level: "warn", code: fault.code });
      expect(house.log.join("\n")).not.toContain("a secret question");
      expect(house.log.join("\n")).not.toContain(half);

      upstream.script = (exchange) => {
        exchange.begin();
        exchange.delta("Second attempt");
        exchange.finish();
      };
      page.command({ type: "retry", message: answer.id });
      expect((await page.lastIs("done")).text).toBe("Second attempt");
      expect(page.articles().map(({ role }) => role)).toEqual(["user", "assistant"]);
      page.close();
    });
  }

  test("in German too", async () => {
    page = await new PageClient(house, undefined, { "accept-language": "de-AT,de;q=0.9,en;q=0.5" }).ready();
    upstream.script = (exchange) => refuse(exchange, 503, {});
    page.say("hallo");
    const answer = await page.lastIs("failed");
    expect(page.element(`m-${answer.id}`).querySelector(".failure")?.textContent).toBe(
      "llama-server lädt noch sein Modell. Versuch es gleich nochmal.",
    );
    page.close();
  });
});

test("on the plain socket each fault is one [ERROR] frame, and the socket stays open", async () => {
  const client = await new PlainClient(house).opened();
  for (const fault of faults.filter(({ name }) => name !== "a cut in mid-stream")) {
    upstream.script = fault.script;
    const { text, last } = await client.ask("?");
    expect(last).toStartWith("[ERROR] ");
    expect(last).toMatch(fault.sentence);
    expect(text).toBe(fault.partial ?? "");
  }
  client.close();
});

test("characters split between two reads arrive whole", async () => {
  const bytes = new TextEncoder().encode(
    `data: ${JSON.stringify({ choices: [{ delta: { content: "Grüße, 🦜 und 漢字" } }] })}\n\n`,
  );
  upstream.script = async (exchange) => {
    exchange.begin();
    for (const byte of bytes) {
      exchange.chunk(new Uint8Array([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    exchange.finish();
  };
  page = await new PageClient(house).ready();
  page.say("split");
  expect((await page.lastIs("done")).text).toBe("Grüße, 🦜 und 漢字");
  page.close();
});

test("events of one read, CRLF line ends, comments and unknown deltas are all understood", async () => {
  upstream.script = (exchange) => {
    exchange.begin();
    exchange.chunk(
      `: ping\r\n\r\ndata: {"choices":[{"delta":{"role":"assistant","content":null}}]}\r\n\r\ndata: {"choices":[{"delta":{"content":"a"}}]}\r\n\r\ndata: {"choices":[{"delta":{"tool_calls":[]}}]}\r\n\r\ndata: {"choices":[{"delta":{"content":"b"}}]}\r\n\r\n`,
    );
    exchange.finish();
  };
  page = await new PageClient(house).ready();
  page.say("?");
  expect((await page.lastIs("done")).text).toBe("ab");
  page.close();
});

test("Stop closes the upstream request, and says so when the slot stays busy", async () => {
  upstream.looks.slots = `[{"id":0,"is_processing":true}]`;
  upstream.script = begun;
  page = await new PageClient(house).ready();
  page.say("?");
  await until(() => page.last?.text === half, "the half has arrived");
  page.command({ type: "stop" });
  await until(
    () => page.element("controls").textContent === "Stopping…",
    "the page says that it is stopping",
  );
  await upstream.chats.at(-1)?.closed;
  const answer = await page.lastIs("stopped");
  expect(answer.text).toBe(half);
  expect(page.element(`m-${answer.id}`).textContent).toContain("still reported this answer's slot as busy");
  page.close();
});

test("what nobody chose is not sent", async () => {
  upstream.script = (exchange) => {
    exchange.begin();
    exchange.finish();
  };
  page = await new PageClient(house).ready();
  page.say("a question");
  await page.lastIs("done");
  const body = JSON.parse(upstream.chats.at(-1)?.request.split("\r\n\r\n")[1] as string) as Record<
    string,
    unknown
  >;
  expect(body).toEqual({
    messages: [{ role: "user", content: "a question" }],
    stream: true,
    stream_options: { include_usage: true },
    return_progress: true,
  });
  page.close();
});

test("the first delta is not held back, a burst after it goes together", async () => {
  upstream.script = async (exchange) => {
    exchange.begin();
    exchange.delta("first");
    await until(() => page.last?.text === "first", "the first has arrived alone");
    for (let i = 0; i < 10; i++) exchange.delta(` ${i}`);
    exchange.finish();
  };
  page = await new PageClient(house).ready();
  page.say("?");
  expect((await page.lastIs("done")).text).toBe("first 0 1 2 3 4 5 6 7 8 9");
  expect(page.frames.filter((frame) => frame.includes("id=t>")).length).toBeLessThanOrEqual(3);
  page.close();
});

test("questions without an answer are joined with the next, so that roles alternate as templates demand", async () => {
  page = await new PageClient(house).ready();
  upstream.script = () => {};
  page.say("one");
  await until(() => page.last?.status === "running", "it runs");
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  upstream.script = (exchange) => {
    exchange.begin();
    exchange.delta("an answer");
    exchange.finish();
  };
  page.say("two");
  await page.lastIs("done");
  page.say("three");
  await until(() => page.articles().length === 6 && page.last?.status === "done", "the third is answered");
  const { messages } = JSON.parse(upstream.chats.at(-1)?.request.split("\r\n\r\n")[1] as string) as {
    messages: unknown;
  };
  expect(messages).toEqual([
    { role: "user", content: "one\n\ntwo" },
    { role: "assistant", content: "an answer" },
    { role: "user", content: "three" },
  ]);
  page.close();
});

test("two stops at once: neither counts as stopped while a slot is busy", async () => {
  upstream.script = begun;
  const [a, b] = [await new PageClient(house).ready(), await new PageClient(house).ready()];
  for (const each of [a, b]) {
    each.say("?");
    await until(() => each.last?.text === half, "the half has arrived");
  }
  upstream.looks.slots = `[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]`;
  a.command({ type: "stop" });
  b.command({ type: "stop" });
  for (const each of [a, b]) {
    const { id } = await each.lastIs("stopped");
    expect(each.element(`m-${id}`).textContent).toContain("still reported this answer's slot as busy");
    each.close();
  }
});

test("Stop sends the DELETE that ends a stream which llama-server keeps", async () => {
  upstream.script = begun;
  page = await new PageClient(house).ready();
  page.say("?");
  await until(() => page.last?.text === half, "the half has arrived");
  const id = /x-conversation-id: (\S+)/i.exec(upstream.chats.at(-1)?.request ?? "")?.[1];
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  expect(upstream.streams.at(-1)).toBe(`DELETE /v1/stream?conv_id=${id} HTTP/1.1`);
  page.close();
});

test("Stop before anything was answered sends the DELETE again: the request may still have been on its way in", async () => {
  upstream.script = () => {};
  page = await new PageClient(house).ready();
  const asked = upstream.chats.length;
  page.say("?");
  await until(() => upstream.chats.length > asked, "the question has arrived");
  const id = /x-conversation-id: (\S+)/i.exec(upstream.chats.at(-1)?.request ?? "")?.[1];
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  const ends = () =>
    upstream.streams.filter((line) => line === `DELETE /v1/stream?conv_id=${id} HTTP/1.1`).length;
  await until(() => ends() >= 3, "it is ended a third time");
  page.close();
});

test("nonsense where slots and properties are asked for harms nobody", async () => {
  for (const slots of ["[null]", "{}", "7", "nothing", `[{"is_processing":"yes"}]`]) {
    upstream.looks.slots = slots;
    upstream.script = begun;
    page = await new PageClient(house).ready();
    page.say("?");
    await until(() => page.last?.text === half, "the half has arrived");
    page.command({ type: "stop" });
    await page.lastIs("stopped");
    page.close();
  }
  for (const props of [`{"total_slots":"two","model_alias":5}`, "null", "[]", `{"total_slots":-1}`]) {
    const odd = startScripted((exchange) => {
      exchange.begin();
      exchange.delta("ok");
      exchange.finish();
    });
    odd.looks.props = props;
    const alone = await startHouse({ llama: odd.url });
    await until(() => alone.upstream.state.status === "ready", "it is taken as ready");
    page = await new PageClient(alone).ready();
    page.say("?");
    expect((await page.lastIs("done")).text).toBe("ok");
    page.close();
    await alone.stop();
    odd.stop();
  }
});

test("a refusal that never had a slot claims nothing about slots and does not wait", async () => {
  upstream.looks.slots = `[{"id":0,"is_processing":true}]`;
  upstream.script = (x) => refuse(x, 401, { message: "Invalid API Key" });
  page = await new PageClient(house).ready();
  page.say("?");
  const { id } = await page.lastIs("failed");
  expect(page.element(`m-${id}`).textContent).not.toContain("slot");
  page.close();
});

test("what llama-server says of an error is shown, but not logged: it may quote what people wrote", async () => {
  upstream.script = (x) => refuse(x, 500, { message: "Failed to parse input: my secret pin" });
  page = await new PageClient(house).ready();
  page.say("?");
  const { id } = await page.lastIs("failed");
  expect(page.element(`m-${id}`).textContent).toContain("my secret pin");
  expect(house.log.join("\n")).not.toContain("secret");
  expect(JSON.parse(house.log.find((line) => line.includes("Run failed")) as string)).toMatchObject({
    status: "failed",
    code: "upstream_error",
  });
  page.close();
});

describe("a llama-server that comes and goes", () => {
  test("absent, the page says what it waits for and how to start one, and goes live by itself", async () => {
    const port = freePort();
    const alone = await startHouse({ llama: `http://127.0.0.1:${port}` });
    page = await new PageClient(alone).ready();
    expect(page.element("status").getAttribute("data-upstream")).toBe("absent");
    expect(page.element("upstream").textContent).toContain(
      `Waiting for llama-server at http://127.0.0.1:${port}`,
    );
    expect(page.element("upstream").textContent).toContain(`llama-server -m MODEL.gguf --port ${port}`);
    const ready = await fetch(`${alone.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "waiting", reasons: ["no llama-server answers"] },
    ]);
    page.say("is anybody there?");
    const answer = await page.lastIs("failed");
    expect(page.element(`m-${answer.id}`).textContent).toContain("No llama-server answers at");

    const late = await startLlama({ port });
    await until(
      () => page.element("status").getAttribute("data-upstream") === "ready",
      "the page goes live by itself",
    );
    expect(page.element("upstream").textContent).toBe("");
    expect((await fetch(`${alone.url}/readyz`)).status).toBe(200);
    page.command({ type: "retry", message: answer.id });
    await page.lastIs("done");

    await late.stop();
    await until(
      () => page.element("status").getAttribute("data-upstream") === "absent",
      "the page sees that it is gone",
    );
    page.close();
    await alone.stop();
  });

  test("killed in mid-answer: the partial answer stays, and Try again works once it is back", async () => {
    const port = freePort();
    const first = await startLlama({ port });
    const alone = await startHouse({ llama: first.url });
    await until(() => alone.upstream.state.status === "ready", "the house sees llama-server");
    page = await new PageClient(alone).ready();
    page.say("endless");
    await until(() => (page.last?.text.length ?? 0) > 200, "the answer has begun");
    await first.stop();
    const answer = await page.lastIs("failed");
    expect(answer.text.length).toBeGreaterThan(200);
    expect(page.element(`m-${answer.id}`).querySelector(".failure")?.textContent).toMatch(
      /was lost in the middle/,
    );
    const second = await startLlama({ port });
    page.command({ type: "retry", message: answer.id });
    await until(
      () => page.last?.id !== answer.id && (page.last?.text.length ?? 0) > 200,
      "the second attempt runs",
    );
    page.command({ type: "stop" });
    await page.lastIs("stopped");
    page.close();
    await alone.stop();
    await second.stop();
  });

  test("a key that it asks for is sent, and a missing one is said", async () => {
    const guarded = await startLlama({ args: ["--api-key", "sesame"] });
    const without = await startHouse({ llama: guarded.url });
    page = await new PageClient(without).ready();
    page.say("twenty");
    const answer = await page.lastIs("failed");
    expect(page.element(`m-${answer.id}`).textContent).toContain("--llama-api-key");
    page.close();
    await without.stop();
    const withKey = await startHouse({ llama: guarded.url, apiKey: "sesame" });
    page = await new PageClient(withKey).ready();
    page.say("twenty");
    await page.lastIs("done");
    page.close();
    await withKey.stop();
    await guarded.stop();
  });

  test("a real context overflow is said with both numbers", async () => {
    const small = await startLlama({ args: ["-c", "512", "-np", "1"] });
    const alone = await startHouse({ llama: small.url });
    page = await new PageClient(alone).ready();
    page.say("word ".repeat(400));
    const answer = await page.lastIs("failed");
    expect(page.element(`m-${answer.id}`).textContent).toMatch(
      /has [\d,]+ tokens; the model has room for [\d,]+/,
    );
    page.close();
    await alone.stop();
    await small.stop();
  });
});

test("who goes on in a conversation whose title is being made waits for that slot, which has its prompt cache", async () => {
  const titling = startScripted();
  const small = await startHouse({ llama: titling.url, generateTitles: true, bounds: { stopMs: 300 } });
  await until(() => small.upstream.state.status === "ready", "the house sees it");
  titling.script = (x) => {
    x.begin();
    x.delta("An answer");
    if (!x.request.includes("Give this conversation a title")) x.finish();
  };
  const page = await new PageClient(small).ready();
  page.say("first");
  await page.lastIs("done");
  await until(() => titling.chats.length === 2, "a title is asked for");
  const closedBefore: boolean[] = [];
  let isClosed = false;
  void (titling.chats[1] as Exchange).closed.then(() => {
    isClosed = true;
  });
  titling.script = (x) => {
    closedBefore.push(isClosed);
    x.begin();
    x.finish();
  };
  page.say("second");
  await until(() => page.articles().length === 4 && page.last?.status === "done", "the second is answered");
  expect(closedBefore).toEqual([true]);
  page.close();
  await small.stop();
  titling.stop();
});

test("a title is made in a slot that nobody waits for: the next question has it at once", async () => {
  const titling = startScripted();
  titling.looks.props = `{"total_slots":1}`;
  const small = await startHouse({ llama: titling.url, generateTitles: true, bounds: { stopMs: 300 } });
  await until(() => small.upstream.state.status === "ready", "the house sees it");
  titling.script = (x) => {
    x.begin();
    x.delta("An answer");
    if (!x.request.includes("Give this conversation a title")) x.finish();
  };
  const page = await new PageClient(small).ready();
  const other = await new PageClient(small).ready();
  page.say("first");
  await page.lastIs("done");
  await until(() => titling.chats.length === 2, "a title is asked for");
  other.say("second");
  await other.lastIs("done");
  await (titling.chats[1] as Exchange).closed;
  expect((await small.store.conversation(page.conversation))?.title).toBe("first");
  for (const client of [page, other]) client.close();
  await small.stop();
  titling.stop();
});
