// What is sent to the real llama-server: history that fits, by its own count; a beginning that stays, so
// that its cache is hit; the persona's prompt and settings. A wire between them notes what was asked.
// Promises: L6, L7, X9.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunStats } from "../../src/domain/run.ts";
import { type House, type HouseOptions, PageClient, PlainClient, rendered, startHouse } from "../house.ts";
import { startNotes } from "./notes.ts";
import { textOf } from "./recitals.ts";
import { type Llama, startLlama, until } from "./server.ts";

const contextTokens = 2048;
let llama: Llama;
let wire: ReturnType<typeof startNotes>;
let house: House;
const open: { stop(): Promise<void> }[] = [];

const counts = () => wire.asked.filter(({ path }) => path.endsWith("/input_tokens")).length;
const chats = () => wire.asked.filter(({ path }) => path === "/v1/chat/completions");

beforeAll(async () => {
  llama = await startLlama({ args: ["-c", String(contextTokens), "-np", "1"] });
  wire = startNotes(llama.url);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
  wire.hides = "";
});
afterAll(async () => {
  wire.stop();
  await llama.stop();
});

async function enter(
  options: Partial<HouseOptions> & { files?: Record<string, string> } = {},
): Promise<PageClient> {
  const personas = mkdtempSync(join(tmpdir(), "parlor-personas-"));
  for (const [name, text] of Object.entries(options.files ?? {})) await Bun.write(join(personas, name), text);
  house = await startHouse({ llama: wire.url, personas, ...options });
  open.push(house);
  await until(() => house.upstream.state.contextTokens === contextTokens, "the house knows the context");
  const page = await new PageClient(house).ready();
  open.push({ stop: async () => page.close() });
  wire.asked.length = 0;
  return page;
}

/** Says something, waits for the answer's end, and gives its figures. */
async function turn(
  page: PageClient,
  text: string,
  fields: Record<string, unknown> = {},
  status = "done",
): Promise<RunStats> {
  const before = page.articles().length;
  page.command({
    type: "say",
    message: `${"m".repeat(16)}${page.conversation}${before}`.slice(0, 60),
    text,
    ...fields,
  });
  await until(
    () => page.articles().length === before + 2 && page.last?.status === status,
    `"${text.slice(0, 20)}" ends as ${status}`,
  );
  return (await house.store.thread(page.conversation, { limit: 1 })).thread[0]?.run?.stats as RunStats;
}

describe("a conversation longer than the context", () => {
  test("leaves the oldest exchanges behind, says so, and begins anew only now and then", async () => {
    const page = await enter();
    const all: RunStats[] = [];
    for (let i = 0; i < 24; i++) all.push(await turn(page, `story ${i}`));
    const dropped = all.map(({ droppedMessages = 0 }) => droppedMessages);
    expect(dropped[0]).toBe(0);
    expect(dropped.at(-1)).toBeGreaterThan(0);
    expect(dropped).toEqual([...dropped].sort((a, b) => a - b));
    for (const { promptTokens = Number.NaN } of all)
      expect(promptTokens).toBeLessThanOrEqual(contextTokens - contextTokens / 4);
    // where the beginning stayed, all that was sent the turn before came from the cache
    const stayed = all.flatMap((stats, i) =>
      i > 0 && dropped[i] === dropped[i - 1] ? [{ stats, before: all[i - 1] as RunStats }] : [],
    );
    expect(stayed.length).toBeGreaterThan(18);
    for (const { stats, before } of stayed)
      expect(stats.cachedTokens).toBeGreaterThanOrEqual((before.promptTokens as number) - 1);
    expect(page.document.body.textContent).toContain(
      `The ${dropped.at(-1)} oldest messages no longer fit the context`,
    );
    expect(page.element("context").textContent).toMatch(
      /^[\d,]+ of 2,048 tokens of context(: older messages will be left out)?$/,
    );
    // a turn costs one count; only where the beginning moves there are more
    expect(counts()).toBeLessThanOrEqual(24 + (24 - 1 - stayed.length) * 6);
  });

  test("or is refused with advice, where its persona says so; what was asked stays", async () => {
    const page = await enter({
      files: { "strict.md": "---\nname: Strict\noverflow: refuse\n---\nNothing is forgotten.\n" },
    });
    let asked = 0;
    for (let full = false; !full; asked++) {
      page.command({
        type: "say",
        message: `question-${page.conversation}${asked}`,
        text: `story ${asked}`,
        persona: "strict",
      });
      await until(
        () => page.articles().length === asked * 2 + 2 && /done|failed/.test(page.last?.status ?? ""),
        `question ${asked} ends`,
      );
      full = page.last?.status === "failed";
    }
    const failed = page.document.querySelector("article:last-child .failure")?.textContent;
    expect(failed).toMatch(
      /^This conversation has 1,\d{3} tokens\. The model's context of 2,048 tokens has no room left .* Start a new chat, delete messages/,
    );
    expect(page.articles().at(-2)).toMatchObject({ role: "user", text: `story ${asked - 1}` });
    expect(chats().every(({ body }) => (body["messages"] as unknown[]).length >= 2)).toBe(true);
    // as advised: messages are deleted, and it goes on
    const [, , , second] = page.articles();
    page.command({ type: "prune", message: second?.id });
    await until(() => page.articles().length === 3, "the end is gone");
    page.command({ type: "say", message: `last-question-${page.conversation}`, text: "story again" });
    await page.lastIs("done");
  });

  test("a question that is too long alone says so, and llama-server is not troubled with it", async () => {
    const page = await enter();
    await turn(page, "x ".repeat(3_000), {}, "failed");
    expect(page.document.querySelector(".failure")?.textContent).toMatch(
      /has \d,\d{3} tokens; the model has room for (1,536|2,048)\. Shorten it/,
    );
    expect(chats()).toEqual([]);
  });

  test("a llama-server that can't count is asked all the same, and its own word for too much is told", async () => {
    const page = await enter();
    wire.hides = "/v1/chat/completions/input_tokens";
    await turn(page, "story");
    expect(page.last?.text).toBe(rendered(textOf("story")));
    await turn(page, "x ".repeat(3_000), {}, "failed");
    expect(page.document.querySelector("article:last-child .failure")?.textContent).toMatch(
      /has \d,\d{3} tokens; the model has room for (1,536|2,048)\. Shorten it/,
    );
  });
});

test("a turn reads only what is new: all that was sent the turn before comes from the cache", async () => {
  const page = await enter();
  const first = await turn(page, `${"The opening is wide. ".repeat(30)} story`);
  const second = await turn(page, "another story");
  const third = await turn(page, "and a third story");
  expect(second.cachedTokens).toBeGreaterThanOrEqual((first.promptTokens as number) - 1);
  expect(third.cachedTokens).toBeGreaterThanOrEqual((second.promptTokens as number) - 1);
  expect(page.document.querySelector("article:last-child .stats")?.textContent).toContain(
    `${third.cachedTokens?.toLocaleString("en")} of them cached`,
  );
  const sent = chats().map(({ body }) => JSON.stringify(body["messages"]).slice(0, -1));
  for (const [i, messages] of sent.entries())
    if (i > 0) expect(messages.startsWith(sent[i - 1] as string)).toBe(true);
  expect(counts()).toBe(3);
});

test("asking again, or going on, counts nothing that was counted before", async () => {
  const page = await enter();
  await turn(page, "story");
  page.command({ type: "retry", message: page.last?.id });
  await until(() => chats().length === 2, "it is asked again");
  await page.lastIs("done");
  expect(counts()).toBe(1);
});

describe("a persona", () => {
  const files = {
    "adviser.md": "---\nname: Adviser\ntemperature: 0.25\nmax_tokens: 12\nmodel: small\n---\nBe kind.\n",
  };

  test("its prompt and settings are sent, those of the conversation win, and what nobody chose is absent", async () => {
    const page = await enter({ files });
    await turn(page, "story", { persona: "adviser", topP: "0,5" });
    expect(chats()[0]?.body).toMatchObject({ temperature: 0.25, top_p: 0.5, max_tokens: 12, model: "small" });
    expect((chats()[0]?.body["messages"] as unknown[] | undefined)?.[0]).toEqual({
      role: "system",
      content: "Be kind.",
    });
    expect(page.document.querySelector("article:last-child .note")?.textContent).toBe(
      "Stopped at the length limit",
    );
    page.command({ type: "settle", persona: "", temperature: "1.5", topP: "", maxTokens: "" });
    await until(
      () => page.element("settings").textContent === "Applies from the next answer on.",
      "the settings are taken",
    );
    await turn(page, "another story");
    expect(Object.keys(chats()[1]?.body ?? {}).sort()).toEqual([
      "messages",
      "return_progress",
      "stream",
      "stream_options",
      "temperature",
    ]);
    expect(chats()[1]?.body["temperature"]).toBe(1.5);
  });

  test("one that is gone, or a number out of bounds, is refused in words", async () => {
    const page = await enter({ files });
    const notice = (text: RegExp) =>
      until(() => text.test(page.element("notice").textContent ?? ""), `the notice says ${text}`);
    page.command({ type: "say", message: `question-${page.conversation}`, text: "story", persona: "nobody" });
    await notice(/^The persona nobody no longer exists\. Choose another at the top/);
    for (const [name, sentence] of [
      ["temperature", /^Temperature must be a number from 0 to 2\.$/],
      ["topP", /^Top-p must be a number from 0 to 1\.$/],
      ["maxTokens", /^Maximum answer length, in tokens must be a whole number from 1 to 1,000,000\.$/],
    ] as const) {
      page.command({ type: "say", message: `question-${page.conversation}`, text: "story", [name]: "warm" });
      await notice(sentence);
    }
    expect(page.articles()).toEqual([]);
    // chosen while it was there
    await turn(page, "story", { persona: "adviser" });
    await house.store.setSettings(page.conversation, { persona: "nobody", sampling: {} });
    await turn(page, "another story", {}, "failed");
    expect(page.document.querySelector("article:last-child .failure")?.textContent).toMatch(
      /^The persona nobody no longer exists/,
    );
  });

  test("one that is enforced holds for everybody, whatever was chosen, on the plain socket too", async () => {
    const page = await enter({
      files: { ...files, "other.md": "---\nname: Other\n---\nBe brief.\n" },
      enforcedPersona: "other",
    });
    await turn(page, "story", { persona: "adviser", temperature: "2" });
    const plain = await new PlainClient(house).opened();
    expect((await plain.ask("story")).last).toBe("[DONE]");
    plain.close();
    for (const { body } of chats()) {
      expect((body["messages"] as unknown[])[0]).toEqual({ role: "system", content: "Be brief." });
      expect(body["temperature"]).toBeUndefined();
    }
    expect(chats().length).toBe(2);
  });
});

describe("a title that the model makes", () => {
  test("is asked for behind the first answer, reads only the wish anew, and leaves the cache to the next question", async () => {
    const page = await enter({ generateTitles: true });
    const first = await turn(page, `${"The opening is wide. ".repeat(20)} story`);
    await until(
      async () => (await house.store.conversation(page.conversation))?.title === "A Small Bird at the Window",
      "the title is there",
    );
    const [asked, titled] = chats();
    expect(JSON.stringify(titled?.body["messages"])).toStartWith(
      JSON.stringify(asked?.body["messages"]).slice(0, -1),
    );
    expect(titled?.body["max_tokens"]).toBe(32);
    const second = await turn(page, "another story");
    expect(second.cachedTokens).toBeGreaterThanOrEqual((first.promptTokens as number) - 1);
    expect(chats().length).toBe(3); // none behind the second answer
    expect((await house.store.listed(page.conversation))?.title).toBe("A Small Bird at the Window");
  });

  test("never takes the place of a name that a person gave", async () => {
    const page = await enter({ generateTitles: true });
    page.command({ type: "say", message: `question-${page.conversation}`, text: "endless" });
    await until(() => page.last?.status === "running", "it runs");
    await house.store.rename(page.conversation, "Mine");
    page.command({ type: "stop" });
    await page.lastIs("stopped");
    await turn(page, "story");
    expect((await house.store.conversation(page.conversation))?.title).toBe("Mine");
  });
});
