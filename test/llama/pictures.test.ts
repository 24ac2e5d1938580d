// Pictures that people attach, on the real llama-server: with Eye the model is shown them, without it nobody sends
// any, and a conversation that has some goes on.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
import { sensesOf } from "../../src/runs/attached.ts";
import { jpegOf, scanOf } from "../documents/scans.ts";
import { type House, PageClient, rendered, startHouse } from "../house.ts";
import { pictureTokens } from "./eye.ts";
import { modelFile } from "./models.ts";
import { startNotes } from "./notes.ts";
import { picture } from "./picture.ts";
import { pictureText, textOf } from "./recitals.ts";
import { type Llama, startLlama, until } from "./server.ts";

let seeing: Llama;
let blind: Llama;
let wires: Record<"seeing" | "blind", ReturnType<typeof startNotes>>;
const file = join(mkdtempSync(join(tmpdir(), "parlor-pictures-")), "parlor.db");
const open: { stop(): unknown }[] = [];

beforeAll(async () => {
  seeing = await startLlama({ args: ["--mmproj", await modelFile("eye")] });
  blind = await startLlama();
  wires = { seeing: startNotes(seeing.url), blind: startNotes(blind.url) };
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});
afterAll(async () => {
  for (const wire of Object.values(wires)) wire.stop();
  await Promise.all([seeing.stop(), blind.stop()]);
});

async function enter(
  which: "seeing" | "blind",
  conversation = newId(),
): Promise<{ house: House; page: PageClient }> {
  const house = await startHouse({ llama: wires[which].url, file });
  open.push(house);
  await until(() => house.upstream.state.vision === (which === "seeing"), "the house knows whether it sees");
  const page = await new PageClient(house, conversation).ready();
  open.push({
    stop() {
      page.gone = true;
      page.ws.close();
    },
  });
  return { house, page };
}

async function send(house: House, name: string, bytes: Uint8Array) {
  const form = new FormData();
  form.append("file", new File([bytes as BlobPart], name));
  const response = await fetch(`${house.url}/files`, {
    method: "POST",
    body: form,
    headers: { origin: house.url },
  });
  return (await response.json()) as { id: string; type: string; notes?: string[] };
}

async function put(house: House, format: "jpeg" | "png" | "webp"): Promise<string> {
  const bytes = await (await fetch(await picture(format))).bytes();
  const { id, type } = await send(house, `a.${format}`, bytes);
  expect(type).toBe("picture");
  return id;
}

async function ask(
  page: PageClient,
  text: string,
  file: readonly string[] = [],
): Promise<string | undefined> {
  const before = page.articles().length;
  page.command({ type: "say", message: newId(), text, file });
  await until(
    () => page.articles().length === before + 2 && page.last?.status === "done",
    `"${text}" is answered`,
  );
  return page.last?.text;
}

const sent = (which: "seeing" | "blind") =>
  JSON.stringify(
    wires[which].asked.findLast(({ path }) => path === "/v1/chat/completions")?.body["messages"],
  );

test("a model that sees is shown the pictures of each question, as data and never as an address", async () => {
  const { house, page } = await enter("seeing");
  const pictures = [await put(house, "webp"), await put(house, "png")];
  expect(await ask(page, "What is this?", pictures)).toBe(rendered(pictureText(2)));
  expect(sent("seeing").match(/"url":"data:image\/(?:jpeg|png);base64,/g)).toHaveLength(2);
  expect(sent("seeing")).not.toContain('"url":"http');
  const { thread } = await house.store.thread(page.conversation, { limit: 2 });
  expect(thread[1]?.run?.stats.promptTokens).toBeGreaterThan(2 * pictureTokens);
  expect(await ask(page, "And this?", [await put(house, "jpeg")])).toBe(rendered(pictureText(3)));
  expect(await ask(page, "story")).toBe(rendered(textOf("story")));
});

test("one that sees none is not asked; a conversation that has some goes on, and is told of them", async () => {
  const first = await enter("seeing");
  await ask(first.page, "What is this?", [await put(first.house, "png")]);
  for (const each of open.splice(0).reverse()) await each.stop();
  const { house, page } = await enter("blind", first.page.conversation);
  page.command({ type: "say", message: newId(), text: "And this?", file: [await put(house, "png")] });
  await until(() => page.element("notice").textContent !== "", "it is refused");
  expect(page.element("notice").textContent).toStartWith("This model does not see pictures.");
  expect(sent("blind")).toBeUndefined();
  expect(await ask(page, "story")).toBe(rendered(textOf("story")));
  expect(sent("blind")).toContain("(This model does not see pictures.)");
  expect(sent("blind")).not.toContain("data:");
});

test("the pages of a scan are said to be pictures, and go to a model that sees as such, in their places", async () => {
  const page = [await jpegOf(620, 877)];
  const scan = scanOf([page, page, page]);
  const { house, page: reader } = await enter("seeing");
  const { id, notes } = await send(house, "scan.pdf", scan);
  expect(notes).toEqual(["These pages are pictures or empty: 1–3"]);
  expect(await ask(reader, "What is this?", [id])).toBe(rendered(pictureText(3)));
  const prompt = sent("seeing");
  for (const n of [1, 2, 3])
    expect(prompt).toMatch(
      new RegExp(
        `<page number=\\\\"${n}\\\\">\\\\n"\\},\\{"type":"image_url","image_url":\\{"url":"data:image/jpeg;base64,`,
      ),
    );
  // a small context has room for one of them
  expect(sensesOf({ vision: true, hearing: false, contextTokens: 8_192 }).pagesMax).toBe(1);
  expect(reader.document.querySelector("article .file")?.textContent).toContain("pictures or empty: 1–3");
  await ask(reader, "story");
  for (const each of open.splice(0).reverse()) await each.stop();
  const { page: later } = await enter("blind", reader.conversation);
  await ask(later, "story");
  expect(sent("blind")).not.toContain("data:image");
});

test("a picture for a model that sees none is said to be unseen when it is attached", async () => {
  const bytes = await (await fetch(await picture("png"))).bytes();
  const { house } = await enter("blind");
  expect((await send(house, "a.png", bytes)).notes).toEqual(["This model does not see pictures"]);
  expect(await (await fetch(house.url)).text()).toContain("This model does not see pictures.");
  for (const each of open.splice(0).reverse()) await each.stop();
  const { house: other } = await enter("seeing");
  expect((await send(other, "a.png", bytes)).notes).toBeUndefined();
  expect(await (await fetch(other.url)).text()).not.toContain("does not see pictures");
});
