// A house with a collection and a persona that answers from it, before a real llama-server whose requests can be
// read; and how a question is asked in a page there.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import { indexFolder } from "../../src/documents/indexing.ts";
import { type House, type HouseOptions, type PageClient, startHouse } from "../house.ts";
import { startLlama, until } from "../llama/server.ts";

/** Body of a chat request. */
interface Asked {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** A llama-server behind a proxy that remembers chat requests. */
export async function listenedLlama() {
  const llama = await startLlama();
  const asked: Asked[] = [];
  const wire = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.text() : null;
      if (body !== null && pathname === "/v1/chat/completions") asked.push(JSON.parse(body) as Asked);
      const { method, headers, signal } = request;
      return fetch(llama.url + pathname + search, { method, headers, body, signal });
    },
  });
  return {
    url: wire.url.href,
    asked,
    async stop() {
      await wire.stop(true);
      await llama.stop();
    },
  };
}

/** A new folder with the persona `helper`, who answers from `haus`, and these documents in it. */
export function documentFolder(documents: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "parlor-asking-"));
  const put = (path: string, text: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  put("personas/helper.md", "---\nname: Verwalter\ndocuments: [haus]\n---\nDu hilfst Mietern.");
  for (const [path, text] of Object.entries(documents)) put(`haus/${path}`, text);
  return { folder, put, haus: join(folder, "haus") };
}

/** A house whose persona answers from the folder's documents. */
export async function houseWith(
  { folder, haus }: ReturnType<typeof documentFolder>,
  options: Omit<HouseOptions, "personas">,
): Promise<House> {
  const house = await startHouse({
    ...{ personas: join(folder, "personas"), enforcedPersona: "helper" },
    ...options,
  });
  await indexed(house, haus);
  return house;
}

/** Reads the folder into the house's collection `haus`. */
export async function indexed({ store: { collections, documents } }: House, haus: string): Promise<void> {
  const { id } = (await collections.find(null, "haus")) ?? (await collections.add(null, "haus", haus));
  await indexFolder(id, haus, { documents, bounds: defaultBounds, failed() {}, lacksText() {} });
}

/** Asks in a page. Returns the article of the answer when it has ended. */
export async function answerTo(page: PageClient, text: string, status = "done"): Promise<Element> {
  const before = page.articles().length;
  page.say(text);
  await until(() => page.articles().length === before + 2, "the question is shown");
  await page.lastIs(status);
  return [...page.document.querySelectorAll("article")].at(-1) as Element;
}
