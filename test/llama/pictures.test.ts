// Pictures that people attach, on the real llama-server: with Eye the model is shown them, without it nobody sends
// any, and a conversation that has some goes on.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
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

async function put(house: House, format: "jpeg" | "png" | "webp"): Promise<string> {
  const bytes = await (await fetch(await picture(format))).bytes();
  const form = new FormData();
  form.append("file", new File([bytes], `a.${format}`));
  const response = await fetch(`${house.url}/files`, {
    method: "POST",
    body: form,
    headers: { origin: house.url },
  });
  const { id, type } = (await response.json()) as { id: string; type: string };
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
