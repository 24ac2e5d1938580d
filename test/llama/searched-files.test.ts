// Files that are too long to be read whole: the real llama-server gets the passages that match a question, under the
// numbers that cite them, and the page says that the file is searched.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { newId, newTemporaryId } from "../../src/domain/id.ts";
import { filesIn } from "../../src/domain/part.ts";
import { type House, PageClient, startHouse } from "../house.ts";
import { startNotes } from "./notes.ts";
import { type Llama, startLlama, until } from "./server.ts";

let llama: Llama;
let wire: ReturnType<typeof startNotes>;
let house: House;
let page: PageClient;

beforeAll(async () => {
  llama = await startLlama({ args: ["-c", "8192", "-np", "1"] });
  wire = startNotes(llama.url);
  house = await startHouse({ llama: wire.url });
  await until(() => house.upstream.state.contextTokens === 8192, "the house knows the context");
});
afterEach(() => {
  page.close();
  wire.asked.length = 0;
});
afterAll(async () => {
  await house.stop();
  wire.stop();
  await llama.stop();
});

const filler = (word: string, count: number) =>
  Array.from({ length: count }, (_, i) => `Absatz ${i} über ${word} im Garten und auf dem Feld.`).join(
    "\n\n",
  );
/** About 60 000 characters, with facts far apart. */
const handbook = [
  "# Handbuch der Siedlung\n\nDieses Heft gehört an den Kühlschrank.",
  filler("Apfelbäume", 400),
  "## Kaution\n\nDie Kaution beträgt 1200 Euro und wird verzinst.",
  filler("Kirschen", 400),
  "## Waschküche\n\nDie Waschküche ist bis 22 Uhr geöffnet.",
  filler("Birnen", 400),
].join("\n\n");

async function put(name: string, content: string, query = ""): Promise<string> {
  const form = new FormData();
  form.append("file", new File([content], name));
  const headers = { origin: house.url };
  const response = await fetch(`${house.url}/files${query}`, { method: "POST", body: form, headers });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** Asks; what llama-server was sent, and the last answer's article. */
async function ask(text: string, file: readonly string[] = []) {
  const before = page.articles().length;
  page.command({ type: "say", message: newId(), text, file });
  await until(() => page.articles().length === before + 2, "it is shown");
  await page.lastIs("done");
  const body = wire.asked.findLast(({ path }) => path === "/v1/chat/completions")?.body;
  const messages = (body?.["messages"] ?? []) as { role: string; content: string }[];
  return { messages, last: messages.at(-1)?.content ?? "" };
}
const factsOf = (place: PageClient) =>
  [...place.document.querySelectorAll("article .file")].map((file) => file.textContent ?? "");

test("passages of a long file go with each question that they answer, and the file is named as searched", async () => {
  page = await new PageClient(house).ready();
  const file = await put("handbuch.md", handbook);
  const first = await ask("Wie hoch ist die Kaution?", [file]);
  expect(first.messages[0]?.role).toBe("system");
  expect(first.messages[0]?.content).toContain("in eckigen Klammern");
  expect(first.last).toContain(
    '<file name="handbuch.md" type="markdown">\n(The text of this file does not fit',
  );
  expect(first.last).toMatch(
    /<source n="1" document="handbuch.md" page="1">\n[^<]*Kaution beträgt 1200 Euro/,
  );
  expect(first.last).not.toContain("Waschküche");
  expect(factsOf(page)[0]).toContain("Too long to be read whole: it is searched");

  const second = await ask("Bis wann ist die Waschküche geöffnet?");
  expect(second.last).toMatch(
    /<source n="\d+" document="handbuch.md" page="1">\n[^<]*Die Waschküche ist bis 22 Uhr/,
  );
  // what was sent before is sent again as it was, but for the passages
  expect(second.messages[1]?.content).toStartWith(
    '<file name="handbuch.md" type="markdown">\n(The text of this file does not fit',
  );
  expect(second.messages[1]?.content).not.toContain("<source");
});

test("a question that no passage answers comes without passages, one about the whole with the beginning", async () => {
  page = await new PageClient(house).ready();
  const { last } = await ask("Worum geht es hier?", [await put("handbuch.md", handbook)]);
  expect(last).toContain("Dieses Heft gehört an den Kühlschrank.");
  const other = await ask("Erzähl einen Witz über Zwetschgenkuchen.");
  expect(other.last).toBe("Erzähl einen Witz über Zwetschgenkuchen.");
  for (const about of ["Fass das bitte zusammen.", "Und ein kurzer Überblick?", "And a summary, please."])
    expect((await ask(about)).last).toContain("Dieses Heft gehört an den Kühlschrank.");
});

test("of several files only the longest are searched; what fits goes whole", async () => {
  page = await new PageClient(house).ready();
  const [long, short] = [
    await put("handbuch.md", handbook),
    await put("zettel.txt", "Der Schlüssel liegt im Schuppen."),
  ];
  const { last } = await ask("Wie hoch ist die Kaution?", [long, short]);
  expect(last).toContain('<file name="zettel.txt" type="text">\nDer Schlüssel liegt im Schuppen.\n</file>');
  expect(last).toContain("Kaution beträgt 1200 Euro");
  expect(factsOf(page).map((text) => text.includes("Too long"))).toEqual([true, false]);
  const { thread } = await house.store.thread(page.conversation, { limit: 2 });
  expect(filesIn(thread[0]?.message.parts ?? []).map(({ isSearched }) => isSearched)).toEqual([
    true,
    undefined,
  ]);
});

test("a citation of a file leads to its passage", async () => {
  page = await new PageClient(house).ready();
  const text = `${handbook}\n\n## Frist\n\nDie Kündigungsfrist beträgt drei Monate.`;
  await ask("Welche Kündigungsfrist gilt?", [await put("vertrag.md", text)]);
  const cite = page.document.querySelector("a.cite");
  expect(cite?.getAttribute("href")).toBe(`/c/${page.conversation}/source/1`);
  const source = await (await fetch(`${house.url}${cite?.getAttribute("href")}`)).text();
  expect(source).toContain("vertrag.md");
  expect(source.replace(/<\/?mark>/g, "")).toContain("Die Kündigungsfrist beträgt drei Monate.");
});

test("the passages of a temporary chat's file are not in the Store that is on disk", async () => {
  page = await new PageClient(house, newTemporaryId()).ready();
  const file = await put(
    "handbuch.md",
    `${handbook}\n\nDer Zwetschgenkuchen ist geheim.`,
    `?c=${page.conversation}`,
  );
  const { last } = await ask("Was ist mit dem Zwetschgenkuchen?", [file]);
  expect(last).toContain("Der Zwetschgenkuchen ist geheim.");
  expect(await house.store.collections.known(["zwetschgenkuch"])).toEqual(new Set());
});

test("the same content is cut once, is in no list of collections, and goes with its last file", async () => {
  page = await new PageClient(house).ready();
  const text = `${handbook}\n\nDer Rhabarberkompott steht im Keller.`;
  const ids = [await put("a.md", text), await put("b.md", text)];
  await ask("Was steht im Keller?", ids);
  const { passages } = house.store.files;
  const [one, two] = await Promise.all(ids.map((id) => passages.documentOf(id)));
  expect(one).not.toBeNull();
  expect(two).toBe(one as string);
  expect(await house.store.collections.all()).toEqual([]);
  const known = () => house.store.collections.known(["rhabarberkompott"]);
  expect((await known()).size).toBe(1);
  await house.store.forget(page.conversation);
  expect((await known()).size).toBe(0);
});
