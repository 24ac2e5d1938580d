// A restart takes an answer up at the byte of llama-server's stream at which its draft ends: from its first
// byte it can't be had any more once it is longer than what llama-server keeps. If this fails, long answers
// end at a restart.
// Promises: T2.

import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { textIn } from "../../src/domain/part.ts";
import type { FoundSource } from "../../src/store/sources.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { draft } from "../contract/ending.ts";
import { PageClient, startHouse } from "../house.ts";
import { until } from "./server.ts";

const event = (delta: object) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;

/**
 * A house with an answer of which so much was kept when the process before ended; what it then shows and
 * asked for.
 */
async function takenUp(
  kept: { text: string; reasoning: string; streamBytes: number },
  stream: (from: number) => string,
  sources: readonly FoundSource[] = [],
) {
  const file = join(mkdtempSync(join(tmpdir(), "parlor-takeup-")), "parlor.db");
  const before = openSqlite(file);
  const conversation = newId();
  const said = await before.say({
    conversation,
    message: newId(),
    text: "q",
    owner: localPerson,
    limits: standardLimits.admin,
    queueMaxRuns: 10,
  });
  const run = said?.run.id as string;
  await before.start(run);
  if (sources.length > 0) await before.sources.add(run, sources);
  await before.checkpoint([draft(run, kept.text, kept.reasoning, kept.streamBytes)]);
  await before.close();
  const asked: string[] = [];
  const llama = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/health") return Response.json({ status: "ok" });
      if (pathname !== "/v1/stream" || request.method !== "GET") return Response.json([]);
      const from = searchParams.get("from") ?? "";
      asked.push(from);
      return new Response(stream(Number(from)), { headers: { "content-type": "text/event-stream" } });
    },
  });
  const house = await startHouse({ llama: llama.url.href, file });
  const page = await new PageClient(house, conversation).ready();
  const answer = await page.lastIs("done");
  await until(async () => (await house.store.unfinishedRuns()).length === 0, "its end is stored");
  const stored = (await house.store.record(conversation))?.messages.at(-1);
  page.close();
  await house.stop();
  await llama.stop(true);
  const links = [...page.document.querySelectorAll("a.cite")].map((a) => a.getAttribute("href")?.slice(-9));
  const found = sources.length === 0 ? {} : { links, kinds: stored?.parts?.map(({ kind }) => kind) };
  const reasoning = textIn(stored?.parts ?? [], "thought");
  return { asked, shown: answer.text, text: stored?.text, reasoning, ...found };
}

const end = `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;

test("at the byte where its text ends", async () => {
  const found = await takenUp(
    { text: "first half, ", reasoning: "hm", streamBytes: 5_000_000 },
    (from) => (from === 5_000_000 ? event({ content: "second half" }) : "") + end,
  );
  expect(found).toEqual({
    asked: ["5000000"],
    shown: "first half, second half",
    text: "first half, second half",
    reasoning: "hm",
  });
});

test("at its beginning while nothing but thoughts was kept, and nothing is doubled", async () => {
  const found = await takenUp(
    { text: "", reasoning: "thin", streamBytes: 700 },
    () => event({ reasoning_content: "thinking" }) + event({ content: "whole" }) + end,
  );
  expect(found).toEqual({ asked: ["0"], shown: "whole", text: "whole", reasoning: "thinking" });
});

test("at its beginning where a parlor that did not know the place has kept text", async () => {
  const found = await takenUp(
    { text: "wh", reasoning: "", streamBytes: 0 },
    () => event({ content: "whole" }) + end,
  );
  expect(found).toEqual({ asked: ["0"], shown: "whole", text: "whole", reasoning: "" });
});

test("with the passages that it may cite", async () => {
  const passage = { passage: "p", document: "d", page: 1, headings: [], text: "t" };
  const found = await takenUp(
    { text: "First [1", reasoning: "", streamBytes: 70 },
    () => event({ content: "], second [9]." }) + end,
    [passage],
  );
  expect(found).toEqual({
    ...{ asked: ["70"], shown: "First [1], second.", text: "First [1], second [9].", reasoning: "" },
    ...{ links: ["/source/1"], kinds: ["source", "text"] },
  });
});
