// What a model of llama-server is for, and what it says when it is asked for something else: errors that look like a
// server's failure and are none. If this fails, a healthy llama-server is taken for a sick one, or a model is asked
// for what it can't do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lease } from "./lease.ts";
import { modelFile } from "./models.ts";
import { picture } from "./picture.ts";
import { freePort, type Llama, spawnLlama, startLlama, until } from "./server.ts";

const post = async (url: string, body: object) => {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, ...((await response.json()) as object) };
};

describe("a llama-server that only chats", () => {
  let llama: Llama;
  beforeAll(async () => {
    llama = await startLlama();
  });
  afterAll(() => llama.stop());

  test("refuses to embed and to rerank with 501, and names the flag", async () => {
    expect(await post(`${llama.url}/v1/embeddings`, { input: lease[0] })).toMatchObject({
      status: 501,
      error: { type: "not_supported_error", message: expect.stringContaining("--embeddings") },
    });
    expect(await post(`${llama.url}/v1/rerank`, { query: "Hund", documents: lease })).toMatchObject({
      status: 501,
      error: { type: "not_supported_error", message: expect.stringContaining("--reranking") },
    });
  });

  test("says that it takes no pictures, and answers one with 500; the next question is answered", async () => {
    expect(await (await fetch(`${llama.url}/props`)).json()).toMatchObject({ modalities: { vision: false } });
    const ask = (content: unknown) =>
      post(`${llama.url}/v1/chat/completions`, { messages: [{ role: "user", content }] });
    expect(await ask([{ type: "image_url", image_url: { url: await picture("png") } }])).toMatchObject({
      status: 500,
      error: { type: "server_error", message: expect.stringContaining("image input is not supported") },
    });
    expect((await ask("story")).status).toBe(200);
  });
});

describe("a router with a model for each purpose", () => {
  let router: Bun.Subprocess;
  let url: string;
  beforeAll(async () => {
    const presets = join(mkdtempSync(join(tmpdir(), "parlor-presets-")), "presets.ini");
    await Bun.write(
      presets,
      [
        `[chat]\nmodel = ${await modelFile("parrot")}\nmmproj = ${await modelFile("eye")}\n`,
        `[embed]\nmodel = ${await modelFile("magpie")}\nembeddings = true\n`,
        `[judge]\nmodel = ${await modelFile("judge")}\nreranking = true\n`,
      ].join("\n"),
    );
    const port = freePort();
    url = `http://127.0.0.1:${port}`;
    router = spawnLlama(port, ["--models-preset", presets, "--models-max", "3", "--threads", "1"]);
    await until(
      async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true,
      "the router is ready",
    );
  });
  afterAll(async () => {
    router.kill("SIGTERM"); // its children end with it
    await router.exited;
  });

  test("its list says what each model is for, by its arguments, and whether it takes pictures, before any is loaded", async () => {
    const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
      data: {
        id: string;
        status: { value: string; args: string[] };
        architecture: { input_modalities: string[] };
      }[];
    };
    const purposes = ["--embeddings", "--reranking", "--mmproj"];
    const found = data.map(({ id, status, architecture }) => ({
      id,
      state: status.value,
      args: status.args.filter((arg) => purposes.includes(arg)),
      takes: architecture.input_modalities,
    }));
    expect(found.sort((a, b) => a.id.localeCompare(b.id))).toEqual([
      { id: "chat", state: "unloaded", args: ["--mmproj"], takes: ["text", "image"] },
      { id: "embed", state: "unloaded", args: ["--embeddings"], takes: ["text"] },
      { id: "judge", state: "unloaded", args: ["--reranking"], takes: ["text"] },
    ]);
  });

  test("`model` in the body chooses, and the first request loads it", async () => {
    expect(await post(`${url}/v1/embeddings`, { model: "embed", input: lease[0] })).toMatchObject({
      status: 200,
    });
    expect(
      await post(`${url}/v1/rerank`, {
        model: "judge",
        query: "Are dogs allowed?",
        documents: lease,
        top_n: 1,
      }),
    ).toMatchObject({ status: 200, results: [{ index: 2 }] });
    expect(
      await post(`${url}/v1/chat/completions`, {
        model: "chat",
        messages: [{ role: "user", content: "story" }],
      }),
    ).toMatchObject({ status: 200 });
  });
});
