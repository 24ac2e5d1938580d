// Search by meaning in dist/parlor, which starts the models for it: found, ranked, passed on to programs, ended with
// it. If this fails, documents are found by meaning from the sources only.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modelFile } from "../llama/models.ts";
import { until } from "../llama/server.ts";
import { serving, startParlor, withModel } from "./stage.ts";

test("models that embed and rank are started, used and ended", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "parlor-meaning-"));
  mkdirSync(join(cwd, "data/documents/haus"), { recursive: true });
  writeFileSync(join(cwd, "data/documents/haus/auto.txt"), "Das Auto parkt am Haus.");
  writeFileSync(join(cwd, "data/documents/haus/hund.txt"), "Der Hund bellt im Garten.");
  const models = ["--embed-model", await modelFile("magpie"), "--rerank-model", await modelFile("judge")];
  const parlor = await startParlor([...(await withModel()), ...models, "--embed-ms", "20000"], { cwd });
  await serving(parlor);
  const json = async (path: string, body?: object) => {
    const init = body && { method: "POST", body: JSON.stringify(body) };
    return (await fetch(parlor.url + path, init)).json() as Promise<Record<string, unknown>[]>;
  };
  const collection = async () => (await json("/collections")).find((each) => each["name"] === "haus");
  await until(async () => (await collection()) !== undefined, "the folder is read in");
  const haus = await collection();
  const found = async () => (await json(`/collections/${haus?.["id"]}/search?q=Fahrzeug`))[0]?.["path"];
  await until(async () => (await found()) === "auto.txt", "a passage is found by its meaning");
  expect(await json("/v1/embeddings", { input: "Hund" })).toMatchObject({ data: [{ index: 0 }] });
  const ranking = { query: "Hund", documents: ["Das Auto", "Der Hund"] };
  expect(await json("/v1/rerank", ranking)).toMatchObject({ results: [{ index: 1 }, { index: 0 }] });
  const ports = [...parlor.log().matchAll(/"what":"llama-server is started".*?"port":(\d+)/g)].map(
    ([, port]) => port,
  );
  expect(ports.length).toBe(3);
  parlor.process.kill("SIGTERM");
  expect(await parlor.process.exited).toBe(0);
  for (const port of ports)
    expect(await fetch(`http://127.0.0.1:${port}/health`).catch(() => "gone")).toBe("gone");
});
