// A llama-server that is broken, foreign or taken over: whatever it says, an answer that was shown is
// stored, the conversation goes on, memory and time stay bounded, and what the operator keeps secret is
// told to nobody.
// Promises: R5, L4, X6.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type House, PageClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Exchange, refuse, type Scripted, startScripted } from "./scripted.ts";

let upstream: Scripted;
let house: House;
beforeAll(async () => {
  upstream = startScripted();
  house = await startHouse({ llama: upstream.url, bounds: { answerMaxChars: 100_000 } });
  await until(() => house.upstream.state.status === "ready", "the house sees the scripted upstream");
});
afterAll(async () => {
  await house?.stop();
  upstream?.stop();
});

const event = (exchange: Exchange, chunk: unknown) =>
  exchange.chunk(`data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`);

/** Asks, and gives the answer as a page shows it that comes afterwards, from the Store. */
async function answerOf(script: (exchange: Exchange) => void, status: "done" | "failed") {
  upstream.script = script;
  const page = await new PageClient(house).ready();
  page.say("?");
  const shown = await page.lastIs(status);
  const sentence = page.element(`m-${shown.id}`).querySelector(".failure")?.textContent ?? null;
  await until(async () => (await house.store.unfinishedRuns()).length === 0, "its end is stored");
  upstream.script = (exchange) => {
    exchange.begin();
    exchange.delta("next");
    exchange.finish();
  };
  page.say("and then?");
  await until(() => page.articles().length === 4 && page.last?.status === "done", "the conversation goes on");
  page.close();
  const later = await new PageClient(house, page.conversation).ready();
  const kept = later.articles()[1]?.text;
  later.close();
  return { text: shown.text, kept, sentence };
}

describe("an odd end of an answer is stored with what fits of it", () => {
  const ends: Record<string, unknown> = {
    "a reason that is an object": { choices: [{ delta: {}, finish_reason: { a: 1 } }] },
    "a reason that is a number": { choices: [{ delta: {}, finish_reason: 7 }] },
    "a reason of a megabyte": { choices: [{ delta: {}, finish_reason: "x".repeat(1 << 20) }] },
    "figures that are fractions": {
      choices: [],
      usage: { prompt_tokens: 1.5, completion_tokens: 2.5 },
      timings: { predicted_per_second: "fast" },
    },
    "figures without bounds": {
      choices: [],
      usage: { prompt_tokens: 1e308, completion_tokens: 1e300 },
      timings: { predicted_per_second: 1e308 },
    },
    "figures that are negative": {
      choices: [],
      usage: { prompt_tokens: -5, completion_tokens: -7, prompt_tokens_details: { cached_tokens: -1 } },
    },
    "figures that are lists": { choices: [], usage: [1, 2], timings: [3], prompt_progress: [4] },
    "figures that are texts": { choices: [], usage: "many", timings: "fast" },
    "progress that is none": { choices: [], prompt_progress: { total: "x", cache: {}, processed: 1e308 } },
    "no choices at all": { choices: null },
    "choices that are no list": { choices: { a: 1 } },
    "an empty choice": { choices: [null] },
    "a delta that is none": { choices: [{ delta: 5 }] },
    "text that is no text": { choices: [{ delta: { content: { a: 1 }, reasoning_content: [1] } }] },
  };
  for (const [name, chunk] of Object.entries(ends))
    test(name, async () => {
      const answer = await answerOf((exchange) => {
        exchange.begin();
        exchange.delta("whole");
        event(exchange, chunk);
        exchange.finish();
      }, "done");
      expect(answer).toEqual({ text: "whole", kept: "whole", sentence: null });
    });
});

describe("an error of any shape has a sentence that is not ours to be sorry for", () => {
  const errors: Record<string, unknown> = {
    "a text": { error: "boom" },
    "a message that is no text": { error: { message: { deep: 1 }, code: "x" } },
    "a list": { error: [1, 2] },
    "a number": { error: 5 },
    "a context that is none": {
      error: { type: "exceed_context_size_error", n_prompt_tokens: {}, n_ctx: 1e308 },
    },
  };
  for (const [name, error] of Object.entries(errors))
    test(name, async () => {
      const inStream = await answerOf((exchange) => {
        exchange.begin();
        exchange.delta("half");
        event(exchange, error);
      }, "failed");
      expect([inStream.text, inStream.kept]).toEqual(["half", "half"]);
      expect(inStream.sentence).not.toMatch(/went wrong inside|undefined|NaN|\[object/);
      const refused = await answerOf(
        (exchange) => refuse(exchange, 500, (error as { error: Record<string, unknown> }).error),
        "failed",
      );
      expect(refused.sentence).not.toMatch(/went wrong inside|undefined|NaN|\[object/);
    });
});

test("an answer that does not end is ended at the bound, and what came is kept", async () => {
  const answer = await answerOf((exchange) => {
    exchange.begin();
    for (let i = 0; i < 30; i++) exchange.delta("0123456789".repeat(500));
  }, "failed");
  expect(answer.sentence).toMatch(/exceeded 100,000 characters/);
  expect(answer.kept?.length).toBeGreaterThan(100_000);
  expect(answer.kept?.length).toBeLessThan(160_000);
});

test("properties without an end are read up to a bound", async () => {
  let ended = 0;
  const served: number[] = [];
  const flood = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (new URL(request.url).pathname === "/health") return Response.json({ status: "ok" });
      const at = served.push(0) - 1;
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
        served[at] = (served[at] as number) + (1 << 20);
        controller.enqueue(new Uint8Array(1 << 20).fill(91));
      };
      return new Response(new ReadableStream({ pull, cancel: () => void ended++ }, { highWaterMark: 0 }));
    },
  });
  const beside = await startHouse({ llama: flood.url.href, bounds: { probeMs: 10_000 } });
  await until(() => beside.upstream.state.status === "ready", "it counts as ready all the same");
  await until(() => ended > 0, "we let go of what has no end");
  expect(Math.max(...served)).toBeLessThan(64 << 20);
  await beside.stop();
  await flood.stop(true);
});

describe("a password in the address of a llama-server", () => {
  const secret = "swordfish-7";
  test("is sent with every request, and stands on no page, in no log line and no metric", async () => {
    const asked: (string | null)[] = [];
    const guarded = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        asked.push(request.headers.get("authorization"));
        if (request.headers.get("authorization") !== `Basic ${btoa(`ann:${secret}`)}`)
          return new Response("", { status: 401 });
        return fetch(upstream.url + new URL(request.url).pathname, {
          method: request.method,
          body: request.body,
          headers: { connection: "close" },
        });
      },
    });
    const address = `http://ann:${secret}@127.0.0.1:${guarded.port}`;
    for (const areUpstreamsFixed of [true, false]) {
      const beside = await startHouse({
        llama: areUpstreamsFixed ? address : upstream.url,
        areUpstreamsFixed,
        metricsToken: "m",
      });
      const form = (fields: Record<string, string>) =>
        fetch(`${beside.url}/admin/servers`, {
          method: "POST",
          body: new URLSearchParams(fields),
          headers: { origin: beside.url },
          redirect: "manual",
        });
      if (!areUpstreamsFixed) {
        for (const unusable of [`http://ann:${secret}@nowhere:x`, `http://nowhere/?key=${secret}`])
          expect(await (await form({ add: unusable })).text()).not.toContain(secret);
        await form({ add: address });
        await form({ remove: upstream.url });
      }
      await until(
        () => beside.upstream.state.status === "ready" && beside.upstream.servers.length === 1,
        "the guarded one is used",
      );
      upstream.script = (exchange) => {
        exchange.begin();
        exchange.delta("let in");
        exchange.finish();
      };
      const page = await new PageClient(beside).ready();
      page.say("?");
      expect((await page.lastIs("done")).text).toBe("let in");
      page.close();
      const pages = await Promise.all(
        ["/", "/admin", "/metrics", "/readyz", "/account", "/v1/models"].map(async (path) =>
          (await fetch(beside.url + path)).text(),
        ),
      );
      expect(
        [...pages, ...page.frames, ...beside.log].filter(
          (text) => text.includes(secret) || text.includes(btoa(`ann:${secret}`)),
        ),
      ).toEqual([]);
      await beside.stop();
    }
    expect(new Set(asked)).toEqual(new Set([`Basic ${btoa(`ann:${secret}`)}`]));
    await guarded.stop(true);
  });
});
