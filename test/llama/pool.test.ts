// Three real llama-servers as one: spread, killed, paused, restarted. If this fails, somebody waits for a
// server that is gone, gets half an answer although another could have given it whole, or sees one twice.
// Promises: T5.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type House, PageClient, rendered, startHouse } from "../house.ts";
import { textOf } from "./recitals.ts";
import { freePort, type Llama, startLlama, until } from "./server.ts";

const ports = [freePort(), freePort(), freePort()];
let llamas: Llama[];
let house: House;
const pages: PageClient[] = [];

beforeAll(async () => {
  llamas = await Promise.all(ports.map((port) => startLlama({ port })));
  house = await startHouse({
    llama: llamas.map(({ url }) => url),
    bounds: { stallMs: 700, probeMs: 300, stopMs: 1_000, pollReadyMs: 100 },
  });
  await all("ready");
});
afterAll(async () => {
  await house.stop();
  await Promise.all(llamas.map((llama) => llama.stop()));
});
afterEach(async () => {
  for (const page of pages.splice(0)) {
    page.command({ type: "stop" });
    await until(() => page.last?.status !== "running", "its answer is over");
    page.close();
  }
  await until(
    async () =>
      (await Promise.all(llamas.map((llama) => llama.busySlots().catch(() => 0)))).every(
        (busy) => busy === 0,
      ),
    "no slot is held",
  );
});

const statuses = () => house.upstream.servers.map(({ status }) => status);
const all = (status: string) => until(() => statuses().every((each) => each === status), `all are ${status}`);
const page = async (conversation?: string): Promise<PageClient> => {
  const made = await new PageClient(house, conversation).ready();
  pages.push(made);
  return made;
};
const busy = () => Promise.all(llamas.map((llama) => llama.busySlots()));
const restart = async (i: number, args: readonly string[] = []) => {
  llamas[i] = await startLlama({ port: ports[i] as number, args });
  await all("ready");
};
/** A page on which an endless answer is being written, and the llama-server that writes it. */
const writing = async (): Promise<{ reader: PageClient; at: number }> => {
  const before = await busy();
  const reader = await page();
  reader.say("endless");
  await until(() => (reader.last?.text.length ?? 0) > 50, "something is written");
  const after = await busy();
  return { reader, at: after.findIndex((count, i) => count > (before[i] ?? 0)) };
};

describe("three llama-servers", () => {
  test("are counted as one, and each gets its part", async () => {
    expect(house.upstream.state).toMatchObject({ status: "ready", slots: 6 });
    for (let i = 0; i < 6; i++) await writing();
    expect(await busy()).toEqual([2, 2, 2]);
    const seventh = await page();
    seventh.say("medium");
    await until(() => seventh.last?.status === "queued", "the seventh waits in line, where it is seen");
    for (const reader of pages.slice(0, 6)) reader.command({ type: "stop" });
    expect((await seventh.lastIs("done")).text).toBe(rendered(textOf("medium")));
  });

  test("a conversation comes back to the one that has read it", async () => {
    const reader = await page();
    for (const turn of [1, 2, 3]) {
      reader.say("medium");
      await until(
        () => reader.articles().length === turn * 2 && reader.last?.status === "done",
        `turn ${turn} is answered`,
      );
    }
    const { thread } = await house.store.thread(reader.conversation, { limit: 10 });
    const [, second, third] = thread.flatMap(({ run }) => (run ? [run.stats] : []));
    // (what Parrot recites is cut into other tokens when it is read, so the last answer is read anew; all
    // that was read before is not)
    expect((third?.cachedTokens ?? 0) / (second?.promptTokens ?? 1)).toBeGreaterThan(0.9);
  });

  test("one is killed while nothing runs: the others answer, and it is taken back", async () => {
    await llamas[0]?.stop();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const reader = await page();
        reader.say("twenty");
        expect((await reader.lastIs("done")).text).toBe(rendered(textOf("twenty")));
      }),
    );
    await until(() => statuses()[0] === "absent" && house.upstream.state.slots === 4, "it is left out");
    await restart(0);
    expect(house.upstream.state.slots).toBe(6);
  });

  test("one is killed while it writes: what had come is kept, the page says so, the others go on", async () => {
    const [first, second] = [await writing(), await writing()];
    expect(first.at).not.toBe(second.at);
    await llamas[first.at]?.stop();
    const failed = await first.reader.lastIs("failed");
    expect(failed.text.length).toBeGreaterThan(50);
    expect(
      first.reader.document.querySelector("article:last-of-type .failure")?.textContent ??
        first.reader.document.body.textContent,
    ).toContain("was lost in the middle of the answer");
    expect(second.reader.last?.status).toBe("running");
    const { thread } = await house.store.thread(first.reader.conversation, { limit: 10 });
    expect(thread.length).toBe(2); // asked once, answered once
    first.reader.say("twenty");
    await until(
      () => first.reader.articles().length === 4 && first.reader.last?.status === "done",
      "another answers what comes next",
    );
    await restart(first.at);
  });

  test("one stands still before it has said anything: the question is asked elsewhere, and answered once", async () => {
    const { reader, at } = await writing();
    reader.command({ type: "stop" });
    await reader.lastIs("stopped");
    const pid = llamas[at]?.process.pid as number;
    process.kill(pid, "SIGSTOP");
    try {
      reader.say("twenty");
      await until(
        () => reader.articles().length === 4 && reader.last?.status === "done",
        "another has answered",
      );
      expect(reader.last?.text).toBe(rendered(textOf("twenty")));
      await until(() => statuses()[at] !== "ready", "it is left out");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await all("ready");
    expect((await house.store.thread(reader.conversation, { limit: 10 })).thread.length).toBe(4);
  });

  test("one comes back with another model: it is what the page says then", async () => {
    await llamas[2]?.stop();
    await restart(2, ["--alias", "other"]);
    await until(() => house.upstream.state.models.some(({ name }) => name === "other"), "its model is seen");
    expect(house.upstream.state.models.length).toBe(2);
    const reader = await page();
    reader.command({
      type: "say",
      message: "withmodel0000000000001".slice(0, 22),
      text: "twenty",
      model: "other",
    });
    await reader.lastIs("done");
    const { thread } = await house.store.thread(reader.conversation, { limit: 10 });
    expect(thread.at(-1)?.run?.stats.model).toBe("other");
    const either = await page();
    either.say("twenty");
    await either.lastIs("done");
    const answered = (await house.store.thread(either.conversation, { limit: 10 })).thread.at(-1)?.run?.stats
      .model;
    expect(["other", "parrot.gguf"]).toContain(answered as string); // whichever it was is said
    reader.command({ type: "settle", persona: "", model: "nowhere" });
    reader.say("twenty");
    await reader.lastIs("failed");
    await llamas[2]?.stop();
    await restart(2);
  });

  test("all are gone: the page says so at once, and all is well when one is back", async () => {
    await Promise.all(llamas.map((llama) => llama.stop()));
    await all("absent");
    const reader = await page();
    reader.say("twenty");
    await reader.lastIs("failed");
    llamas[1] = await startLlama({ port: ports[1] as number });
    await until(() => house.upstream.state.status === "ready", "it is seen");
    reader.say("twenty");
    await until(() => reader.articles().length === 4 && reader.last?.status === "done", "it answers");
    await Promise.all(
      [0, 2].map(async (i) => {
        llamas[i] = await startLlama({ port: ports[i] as number });
      }),
    );
    await all("ready");
  });
});
