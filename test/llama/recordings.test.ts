// Recordings that people attach, on the real llama-server: with Ear the model gets them, without it they are refused
// when they are attached, and a conversation that has some goes on.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
import { type House, PageClient, startHouse } from "../house.ts";
import { modelFile } from "./models.ts";
import { startNotes } from "./notes.ts";
import { recording, wav } from "./recording.ts";
import { type Llama, startLlama, until } from "./server.ts";

let hearing: Llama;
let deaf: Llama;
let wires: Record<"hearing" | "deaf", ReturnType<typeof startNotes>>;
const file = join(mkdtempSync(join(tmpdir(), "parlor-recordings-")), "parlor.db");
const open: { stop(): unknown }[] = [];
const closeAll = async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
};

beforeAll(async () => {
  hearing = await startLlama({ args: ["--mmproj", await modelFile("ear")] });
  deaf = await startLlama();
  wires = { hearing: startNotes(hearing.url), deaf: startNotes(deaf.url) };
});
afterEach(closeAll);
afterAll(async () => {
  for (const wire of Object.values(wires)) wire.stop();
  await Promise.all([hearing.stop(), deaf.stop()]);
});

async function enter(which: "hearing" | "deaf", conversation = newId()) {
  const house = await startHouse({ llama: wires[which].url, file });
  open.push(house);
  await until(
    () => house.upstream.state.hearing === (which === "hearing"),
    "the house knows whether it hears",
  );
  const page = await new PageClient(house, conversation).ready();
  open.push({ stop: () => page.close() });
  return { house, page };
}

async function send(house: House, name: string, bytes: Uint8Array) {
  const form = new FormData();
  form.append("file", new File([bytes as BlobPart], name));
  const headers = { origin: house.url };
  const response = await fetch(`${house.url}/files`, { method: "POST", body: form, headers });
  const body = (await response.json()) as {
    id: string;
    type: string;
    error?: { code: string; message: string };
  };
  return { status: response.status, ...body };
}

async function ask(page: PageClient, text: string, files: readonly string[] = []): Promise<void> {
  const before = page.articles().length;
  page.command({ type: "say", message: newId(), text, file: files });
  await until(
    () => page.articles().length === before + 2 && page.last?.status === "done",
    `"${text}" is answered`,
  );
}

const sent = (which: "hearing" | "deaf") =>
  JSON.stringify(
    wires[which].asked.findLast(({ path }) => path === "/v1/chat/completions")?.body["messages"],
  );

for (const format of ["wav", "mp3", "flac"] as const)
  test(`a model that hears gets a recording as it is: ${format}`, async () => {
    const { house, page } = await enter("hearing");
    const bytes = recording(format);
    const { status, type, id } = await send(house, `a.${format}`, bytes);
    expect([status, type]).toEqual([201, "audio"]);
    await ask(page, "What is said?", [id]);
    expect(sent("hearing")).toContain(`"type":"input_audio","input_audio":{"data":"${bytes.toBase64()}"`);
    const { thread } = await house.store.thread(page.conversation, { limit: 2 });
    // half a minute at a time, of which each has 750 tokens
    expect(thread[1]?.run?.stats.promptTokens).toBeGreaterThan(750);
    expect(page.document.querySelector("article .file")?.textContent).toContain("Recording");
    await ask(page, "story");
  });

test("one that hears none is not asked; a conversation that has some goes on, and is told of them", async () => {
  const first = await enter("hearing");
  const { id } = await send(first.house, "a.wav", recording("wav"));
  await ask(first.page, "What is said?", [id]);
  const kept = await send(first.house, "b.mp3", recording("mp3"));
  await closeAll();
  const { house, page } = await enter("deaf", first.page.conversation);
  const refused = await send(house, "c.wav", recording("wav"));
  expect([refused.status, refused.error?.code]).toEqual([422, "no_hearing"]);
  expect(refused.error?.message).toStartWith("This model does not hear recordings.");
  page.command({ type: "say", message: newId(), text: "And this?", file: [kept.id] });
  await until(() => page.element("notice").textContent !== "", "it is refused");
  expect(page.element("notice").textContent).toStartWith("This model does not hear recordings.");
  await ask(page, "story");
  expect(sent("deaf")).toContain("(This model does not hear recordings.)");
  expect(sent("deaf")).not.toContain("input_audio");
});

test("samples that are packed in another way, and other kinds of recordings, are refused", async () => {
  const { house } = await enter("hearing");
  const ogg = Buffer.from("OggS\0\x02\0\0\0\0\0\0\0\0", "latin1");
  for (const [name, bytes] of [
    ["adpcm.wav", wav(2)],
    ["cut.wav", wav().subarray(0, 12)],
    ["a.ogg", ogg],
  ] as const)
    expect(await send(house, name, bytes)).toMatchObject({
      status: 415,
      error: { code: "file_unsupported" },
    });
});
