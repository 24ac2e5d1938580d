// The relay against the real llama-server: every text that Parrot can recite reaches both doors byte for
// byte.
// Promises: R2, R5, R8, S1, S2, S3, C1.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type House, PageClient, PlainClient, rendered, startHouse } from "../house.ts";
import { countText, recitals, textOf } from "./recitals.ts";
import { type Llama, startLlama, until } from "./server.ts";

let llama: Llama;
let house: House;

beforeAll(async () => {
  llama = await startLlama();
  house = await startHouse({ llama: llama.url });
  await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

const finite = Object.entries(recitals).filter(
  ([, recital]) => !recital.endless && recital.given === undefined,
);

/** What llama-server itself says when asked directly, without streaming. */
async function direct(question: string): Promise<string> {
  const body = JSON.stringify({ messages: [{ role: "user", content: question }] });
  const response = await fetch(`${llama.url}/v1/chat/completions`, { method: "POST", body });
  return ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]?.message
    .content as string;
}

describe("every recital arrives byte for byte", () => {
  for (const [name, { word }] of finite) {
    const question = word || "good evening";

    test(`${name}: what llama-server says is what we know by heart`, async () => {
      expect(await direct(question)).toBe(textOf(name));
    });

    test(`${name}: on the page`, async () => {
      const page = await new PageClient(house).ready();
      page.say(question);
      expect((await page.lastIs("done")).text).toBe(rendered(textOf(name)));
      page.close();
    });

    test(`${name}: on the plain socket, no character split`, async () => {
      const client = await new PlainClient(house).opened();
      const { text, pieces, last } = await client.ask(question);
      expect(text).toBe(textOf(name));
      expect(last).toBe("[DONE]");
      expect(
        pieces.every(
          (piece) => piece.isWellFormed() && (textOf(name).includes("\ufffd") || !piece.includes("\ufffd")),
        ),
      ).toBe(true);
      client.close();
    });
  }
});

test("the whole conversation so far is sent with each question", async () => {
  const page = await new PageClient(house).ready();
  for (const messages of [1, 3, 5]) {
    page.say("count please");
    await until(
      () => page.articles().length === messages + 1 && page.last?.status === "done",
      `answer ${messages} is there`,
    );
    expect(page.last?.text).toBe(countText(messages));
  }
  page.close();
});

test("thoughts are shown apart from the answer", async () => {
  const page = await new PageClient(house).ready();
  page.say("think first");
  const answer = await page.lastIs("done");
  expect(answer.text).toBe(rendered(textOf("think")));
  expect(
    page.element(`m-${answer.id}`).querySelector(".reasoning:not([open]) .thought")?.textContent?.trim(),
  ).toBe(recitals["think"]?.reasoning as string);
  page.close();
});

test("thoughts stand in the answer they belong to, also when one without any came before", async () => {
  const page = await new PageClient(house).ready();
  page.say("twenty");
  await page.lastIs("done");
  page.say("think first");
  await until(() => page.articles().length === 4 && page.last?.status === "done", "the second is answered");
  const thoughts = [...page.document.querySelectorAll("article")].map(
    (article) => article.querySelectorAll(".thought").length,
  );
  expect(thoughts).toEqual([0, 0, 0, 1]);
  expect(page.document.getElementById("think")).toBeNull();
  page.close();
});

test("the answer's end shows its figures", async () => {
  const page = await new PageClient(house).ready();
  page.say("twenty");
  const answer = await page.lastIs("done");
  const stats = page.element(`m-${answer.id}`).querySelector(".stats")?.textContent;
  expect(stats).toMatch(
    /^\d+ tokens · [\d.,]+ tokens\/sparrot\.gguf\d+ prompt tokens(, \d+ of them cached)?first token after [\d.]+ sfinished$/,
  );
  page.close();
});

test("prompt progress is shown while a long prompt is read", async () => {
  const page = await new PageClient(house).ready();
  page.say(`twenty ${"word ".repeat(4000)}`);
  await page.lastIs("done");
  expect(page.frames.some((frame) => /Reading: [\d,.]+ of [\d,.]+ tokens/.test(frame))).toBe(true);
  page.close();
});

describe("Stop frees the slot", () => {
  test("in mid-answer: what was generated stays, and the Run counts as stopped only when llama-server shows the slot idle", async () => {
    const page = await new PageClient(house).ready();
    page.say("endless");
    await until(() => (page.last?.text.length ?? 0) > 200, "the answer has begun");
    expect(await llama.busySlots()).toBe(1);
    page.command({ type: "stop" });
    const stopped = await page.lastIs("stopped");
    expect(await llama.busySlots()).toBe(0);
    expect(stopped.text.length).toBeGreaterThan(200);
    expect(rendered(textOf("endless")).startsWith(stopped.text.slice(0, 300))).toBe(true);
    page.close();
  });

  test("while the prompt is read", async () => {
    const page = await new PageClient(house).ready();
    page.say(`endless ${"word ".repeat(5500)}`);
    await until(() => page.frames.some((frame) => frame.includes("Reading:")), "the prompt is being read");
    page.command({ type: "stop" });
    await page.lastIs("stopped");
    expect(await llama.busySlots()).toBe(0);
    page.close();
  });

  test("while waiting: the line moves up, no slot was ever taken", async () => {
    const pages = await Promise.all(Array.from({ length: 4 }, () => new PageClient(house).ready()));
    const [a, b, c, d] = pages as [PageClient, PageClient, PageClient, PageClient];
    a.say("endless a");
    b.say("endless b");
    await until(() => a.last?.status === "running" && b.last?.status === "running", "both slots are taken");
    c.say("twenty c");
    await until(() => c.runState.startsWith("1st of 1 in the queue"), "c is first in line");
    d.say("twenty d");
    await until(() => d.runState.startsWith("2nd of 2 in the queue"), "d is second in line");
    c.command({ type: "stop" });
    await c.lastIs("stopped");
    await until(() => d.runState.startsWith("1st of 1 in the queue"), "d has moved up");
    a.command({ type: "stop" });
    expect((await d.lastIs("done")).text).toBe(rendered(textOf("twenty")));
    b.command({ type: "stop" });
    await b.lastIs("stopped");
    await until(async () => (await llama.busySlots()) === 0, "all slots are idle");
    for (const page of pages) page.close();
  });
});

describe("many pages, one truth", () => {
  test("two pages on one conversation show the same, also one that comes in mid-answer", async () => {
    const first = await new PageClient(house).ready();
    first.say("endless");
    await until(() => (first.last?.text.length ?? 0) > 500, "the answer has begun");
    const second = await new PageClient(house, first.conversation).ready();
    await until(() => (second.last?.text.length ?? 0) > 1500, "the second page grows too");
    second.command({ type: "stop" });
    await first.lastIs("stopped");
    await second.lastIs("stopped");
    expect(second.articles()).toEqual(first.articles());
    const stored = (await house.store.thread(first.conversation, { limit: 100 })).thread.map(
      ({ message }) => message.text,
    );
    expect(first.articles().map(({ text }) => text)).toEqual(stored.map(rendered));
    first.close();
    second.close();
  });

  test("a socket cut again and again in mid-answer loses no token and shows none twice", async () => {
    const page = await new PageClient(house).ready();
    page.say("long");
    for (let cuts = 0; cuts < 30 && page.last?.status !== "done"; cuts++) {
      const length = page.last?.text.length ?? 0;
      await until(
        () => (page.last?.text.length ?? 0) > length || page.last?.status === "done",
        "the answer goes on",
      );
      page.ws.close();
      const cut = page.ws;
      await until(() => page.ws !== cut, "the page comes again");
    }
    expect((await page.lastIs("done")).text).toBe(rendered(textOf("long")));
    page.close();
  });

  test("the same message id sent twice is one question and one answer", async () => {
    const page = await new PageClient(house).ready();
    const message = page.say("twenty");
    page.say("twenty", message);
    await page.lastIs("done");
    page.say("twenty", message);
    page.say("story");
    await until(
      () => page.articles().length === 4 && page.last?.status === "done",
      "the second question is answered",
    );
    expect(page.articles().map(({ text }) => text)).toEqual([
      "twenty",
      textOf("twenty"),
      "story",
      rendered(textOf("story")),
    ]);
    page.close();
  });
});
