// Models that don't chat, on the real llama-server: how they are found, what is asked of them, and which server
// answers a program. If this fails, documents are found by words alone, or a chat goes to a model that can't chat.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ofSpecialServers } from "../../src/commands/doctor-special.ts";
import { defaultBounds, parseConfig } from "../../src/config/config.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { openLlama } from "../../src/upstream/llama.ts";
import { LlamaEmbedder } from "../../src/upstream/llama-embedder.ts";
import { LlamaReranker } from "../../src/upstream/llama-reranker.ts";
import { Pool } from "../../src/upstream/pool.ts";
import { type House, startHouse } from "../house.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";
import { lease, leaseQuestions } from "./lease.ts";
import { modelFile } from "./models.ts";
import { freePort, type Llama, spawnLlama, startLlama, until } from "./server.ts";

const log = openLog({ level: "debug", format: "json", write() {} });
const bounds = { ...defaultBounds, pollMs: 30, pollReadyMs: 100 };
const never = new AbortController().signal;

/** Servers at these addresses as a pool; `special` as those of a purpose. */
const pool = (urls: readonly string[], isSpecial = true) =>
  new Pool({ log, open: (url) => openLlama({ url, apiKey: null, log, ...bounds, isSpecial }) }, urls);

/** Of vectors of length 1 the cosine of their angle. */
const likeness = (a: Float32Array | null | undefined, b: Float32Array | null | undefined): number =>
  (a as Float32Array).reduce((sum, x, i) => sum + x * ((b as Float32Array)[i] as number), 0);

const post = async (url: string, body: object) => {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body), keepalive: false });
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
};

describe("servers that were named", () => {
  let [magpie, judge]: Llama[] = [];
  let embedder: LlamaEmbedder;
  let reranker: LlamaReranker;
  const chats = pool([], false);
  beforeAll(async () => {
    [magpie, judge] = await Promise.all([startLlama({ model: "magpie" }), startLlama({ model: "judge" })]);
    embedder = new LlamaEmbedder("embed", pool([(magpie as Llama).url]), chats);
    reranker = new LlamaReranker("rerank", pool([(judge as Llama).url]), chats);
    const isReady = async () =>
      (await embedder.embed(["x"], "passage", never)) !== null &&
      (await reranker.rerank("x", ["y"], never)) !== null;
    await until(isReady, "both are seen");
  });
  afterAll(async () => {
    await Promise.all([embedder.close(), reranker.close(), magpie?.stop(), judge?.stop()]);
  });

  test("vectors tell the meaning; a text without content has none", async () => {
    const texts = ["Mein Wagen steht vor dem Gebäude", " \n", "Das Auto parkt am Haus"];
    const made = await embedder.embed(texts, "passage", never);
    expect(made?.model).toEqual({ name: "magpie.gguf", prefix: "", dims: 128 });
    expect(likeness(made?.vectors[0], made?.vectors[2])).toBeGreaterThan(0.6);
    expect(made?.vectors[1]).toBeNull();
  });

  test("a text that is too long is cut, and those beside it are as they were", async () => {
    const long = "Hund ".repeat(3_000);
    const made = await embedder.embed([lease[0], long, "Katze"], "passage", never);
    const alone = await embedder.embed([lease[0], "Hund"], "passage", never);
    expect(likeness(made?.vectors[0], alone?.vectors[0])).toBeCloseTo(1, 3);
    expect(likeness(made?.vectors[1], alone?.vectors[1])).toBeGreaterThan(0.9);
    expect(made?.vectors.every((each) => each !== null)).toBe(true);
  });

  test("more texts than one request takes come back in their order", async () => {
    const texts = Array.from({ length: 150 }, (_, i) => (i % 2 ? "Hund" : "Katze"));
    const made = await embedder.embed(texts, "passage", never);
    expect(made?.vectors.length).toBe(150);
    expect(likeness(made?.vectors[1], made?.vectors[149])).toBeCloseTo(1, 5);
    expect(likeness(made?.vectors[0], made?.vectors[149])).toBeLessThan(0.5);
  });

  test("scores are in the order of the documents, also of those that are empty or too long", async () => {
    const [question, right] = leaseQuestions[0] as (typeof leaseQuestions)[number];
    const scores = (await reranker.rerank(
      question,
      [...lease, "", "Hund ".repeat(3_000)],
      never,
    )) as readonly number[];
    expect(scores.indexOf(Math.max(...scores.slice(0, lease.length)))).toBe(right);
    expect(scores[lease.length]).toBe(Number.NEGATIVE_INFINITY);
    expect(scores[lease.length + 1]).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  });

  test("an abort ends a request with its reason", async () => {
    const controller = new AbortController();
    const reason = new Error("late");
    controller.abort(reason);
    expect(await embedder.embed(["x"], "question", controller.signal).catch((error) => error)).toBe(reason);
  });
});

describe("a server that is unwell", () => {
  let server: Scripted;
  let embedder: LlamaEmbedder;
  beforeAll(async () => {
    server = startScripted();
    const named = pool([server.url]);
    embedder = new LlamaEmbedder("embed", named, pool([], false));
    await until(() => named.ready.length === 1, "it looks well");
  });
  afterAll(async () => {
    await embedder.close();
    server.stop();
  });

  const answers = (status: number, body: string) => {
    server.script = (exchange) => {
      exchange.write(`HTTP/1.1 ${status} X\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    };
  };
  const code = () => embedder.embed(["x"], "passage", never).catch((error) => error.code);

  test("each error is told, none is tried again, and none makes it sick", async () => {
    for (const [status, body, told] of [
      [501, `{"error":{"code":501,"type":"not_supported_error","message":"no"}}`, "upstream_error"],
      [500, `{"error":{"code":500,"message":"something"}}`, "upstream_error"],
      [
        400,
        `{"error":{"code":400,"message":"Pooling type 'none' is not OAI compatible"}}`,
        "upstream_refused",
      ],
      [503, `{"error":{"code":503,"message":"Loading model"}}`, "upstream_loading"],
      [200, "no json", "upstream_garbled"],
      [200, `{"data":[{"embedding":[1,2]}]}`, "upstream_garbled"],
      [200, `{"data":[]}`, "upstream_garbled"],
    ] as const) {
      answers(status, body);
      server.chats.length = 0;
      expect([status, body, await code(), server.chats.length]).toEqual([status, body, told, 1]);
    }
    const vector = Buffer.from(new Float32Array([1, 0]).buffer).toString("base64");
    answers(200, `{"data":[{"embedding":"${vector}"}]}`);
    expect((await embedder.embed(["x"], "passage", never))?.vectors).toEqual([new Float32Array([1, 0])]);
  });

  test("one that refuses whatever is sent is asked a few times, not for ever", async () => {
    answers(500, `{"error":{"code":500,"message":"too large (current batch size: 64)"}}`);
    server.chats.length = 0;
    expect(await code()).toBe("upstream_refused");
    expect(server.chats.length).toBeLessThan(4);
  });
});

describe("a router with a model for each purpose", () => {
  let router: Bun.Subprocess;
  let house: House;
  beforeAll(async () => {
    const presets = join(mkdtempSync(join(tmpdir(), "parlor-presets-")), "presets.ini");
    await Bun.write(
      presets,
      [
        `[chat]\nmodel = ${await modelFile("parrot")}\n`,
        `[embed]\nmodel = ${await modelFile("magpie")}\nembeddings = true\n`,
        `[judge]\nmodel = ${await modelFile("judge")}\nreranking = true\n`,
      ].join("\n"),
    );
    const port = freePort();
    router = spawnLlama(port, ["--models-preset", presets, "--models-max", "3"]);
    house = await startHouse({ llama: `http://127.0.0.1:${port}`, bounds: { pollReadyMs: 100 } });
    await until(() => house.upstream.servers[0]?.special?.length === 2, "its models are seen");
  });
  afterAll(async () => {
    await house?.stop();
    router?.kill("SIGTERM"); // its children end with it
    await router?.exited;
  });

  test("only the model that chats is offered for chats, and answers without being named", async () => {
    expect(house.upstream.state.models.map(({ name }) => name)).toEqual(["chat"]);
    const answer = await fetch(`${house.url}/ask`, { method: "POST", body: "twenty" });
    expect([answer.status, (await answer.text()).length > 20]).toEqual([200, true]);
  });

  test("the others embed and rerank for programs", async () => {
    const embedded = await post(`${house.url}/v1/embeddings`, { model: "embed", input: ["Hund", "Katze"] });
    expect(embedded).toMatchObject({ status: 200, data: [{ index: 0 }, { index: 1 }] });
    const ranked = await post(`${house.url}/v1/rerank`, {
      model: "judge",
      query: "Hunde?",
      documents: lease,
    });
    expect(ranked).toMatchObject({ status: 200, results: lease.map(() => ({})) });
  });
});

describe("parlor doctor", () => {
  test("says of each server whether it does what it was named for, and of a router's models what they are for", async () => {
    const [parrot, magpie, judge] = await Promise.all([
      startLlama(),
      startLlama({ model: "magpie" }),
      startLlama({ model: "judge", args: ["-b", "2048", "-ub", "2048"] }),
    ]);
    const gone = `http://127.0.0.1:${freePort()}`;
    const args = [magpie.url, parrot.url, gone].flatMap((url) => ["--embed-llama", url]);
    const config = parseConfig([...args, "--rerank-llama", judge.url, "--rerank-model", "/none.gguf"], {});
    const lines = await ofSpecialServers([parrot.url], config);
    expect(lines).toEqual([
      { kind: "fine", text: `${magpie.url}: it embeds texts` },
      { kind: "better", text: expect.stringContaining(`${magpie.url}: longer texts are cut`) },
      {
        kind: "better",
        text: `${parrot.url}: it answers 501; --embed-llama needs llama-server --embeddings`,
      },
      { kind: "better", text: `${gone}: no llama-server answers that --embed-llama could use` },
      { kind: "fine", text: `${judge.url}: it ranks texts` },
      { kind: "wrong", text: "there is no model at /none.gguf" },
    ]);
    await Promise.all([parrot, magpie, judge].map((llama) => llama.stop()));
  });
});

describe("a program's request", () => {
  let [parrot, magpie, judge]: Llama[] = [];
  const houses: House[] = [];
  const open = async (options: { embed?: string; rerank?: string } = {}) => {
    const house = await startHouse({ llama: (parrot as Llama).url, ...options });
    houses.push(house);
    await until(() => house.upstream.state.status === "ready", "it is ready");
    return house;
  };
  beforeAll(async () => {
    [parrot, magpie, judge] = await Promise.all([
      startLlama(),
      startLlama({ model: "magpie" }),
      startLlama({ model: "judge" }),
    ]);
  });
  afterAll(async () => {
    for (const house of houses) await house.stop();
    await Promise.all([parrot, magpie, judge].map((llama) => llama?.stop()));
  });

  test("goes to the server that was named for it, at each of its addresses, and counts", async () => {
    const house = await open({ embed: (magpie as Llama).url, rerank: (judge as Llama).url });
    const embed = (path: string) => post(house.url + path, { input: "Hund", content: "Hund" });
    await until(async () => (await embed("/v1/embeddings")).status === 200, "the embedder is seen");
    for (const path of ["/v1/embeddings", "/embeddings", "/embedding"])
      expect([path, (await embed(path)).status]).toEqual([path, 200]);
    const rank = (path: string) => post(house.url + path, { query: "Hund?", documents: lease });
    await until(async () => (await rank("/v1/rerank")).status === 200, "the reranker is seen");
    for (const path of ["/v1/rerank", "/rerank", "/v1/reranking", "/reranking"])
      expect([path, (await rank(path)).status]).toEqual([path, 200]);
    expect(house.log.some((line) => /API request ended.*"\/reranking".*"tokens":[1-9]/.test(line))).toBe(
      true,
    );
    expect(house.log.some((line) => line.includes("slots are busy without a Run"))).toBe(false);
  });

  test("gets a clear error where there is none", async () => {
    const house = await open();
    expect(await post(`${house.url}/v1/rerank`, { query: "x", documents: ["y"] })).toMatchObject({
      status: 501,
      error: { code: "no_reranker", message: expect.stringContaining("--rerank-llama") },
    });
    expect((await post(`${house.url}/v1/embeddings`, { input: "x" })).status).toBe(501);
  });

  test("gets 503 while the server that was named does not answer", async () => {
    const house = await open({ embed: `http://127.0.0.1:${freePort()}` });
    expect(await post(`${house.url}/v1/embeddings`, { input: "x" })).toMatchObject({
      status: 503,
      error: { code: "upstream_absent" },
    });
  });
});
