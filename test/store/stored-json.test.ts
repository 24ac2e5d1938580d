// A row whose JSON is damaged costs its own value, never the page it stands on.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

const conversation = newId();

/** A store with one failed answer, whose JSON columns all hold `column`. */
async function storeWith(column: string) {
  const folder = mkdtempSync(join(tmpdir(), "parlor-json-"));
  const file = join(folder, "parlor.db");
  const first = openSqlite(file);
  const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };
  const said = await first.say({ conversation, message: newId(), text: "question", ...by });
  await first.end(said?.run.id as string, {
    status: "failed",
    parts: [{ kind: "text", text: "answer" }],
    finish: null,
    failure: { code: "upstream_cut", facts: {} },
    stats: { outputTokens: 3 },
    tokens: 3,
    slotFreed: true,
  });
  await first.keys.add("hash", { person: localPerson, name: "key", scopes: ["answers"] });
  await first.people.setRoleLimits("member", standardLimits.member);
  await first.close();
  const db = new Database(file);
  db.run("update runs set failure = ?1, stats = ?1", [column]);
  db.run("update conversations set sampling = ?", [column]);
  db.run("update people set limits = ?", [column]);
  db.run("update roles set limits = ?", [column]);
  db.run("update keys set scopes = ?", [column]);
  db.close();
  const store = openSqlite(file);
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

for (const column of ["", "{", "null", "7", '"text"', "[]", "[1]", '{"code":7,"temperature":"warm"}']) {
  test(`rows with ${column || "nothing"} in their JSON are still shown`, async () => {
    await using held = await storeWith(column);
    const { store } = held;
    const { thread, settings } = await store.thread(conversation, { limit: 10 });
    expect(settings).toEqual({ persona: null, sampling: {} });
    expect(thread.map(({ message }) => message.text)).toEqual(["question", "answer"]);
    expect(thread[1]?.run).toMatchObject({ status: "failed", failure: { code: "internal" }, stats: {} });
    expect(await store.audit.failedRuns(5)).toMatchObject([{ failure: { code: "internal", facts: {} } }]);
    expect((await store.people.person(localPerson))?.limits).toEqual(standardLimits.admin);
    expect(await store.people.roleLimits()).toEqual(standardLimits);
    expect((await store.keys.find("hash"))?.key.scopes).toEqual([]);
    expect(await store.record(conversation)).toMatchObject({ title: "question" });
  });
}

test("what fits is kept beside what does not", async () => {
  const mixed = {
    code: "upstream_cut",
    facts: { bytes: 5, list: [] },
    outputTokens: 7,
    model: 9,
    temperature: 0.5,
    topP: 3,
    tokensPerDay: 100,
    weight: null,
    runsPerMinute: -1,
  };
  await using held = await storeWith(JSON.stringify(mixed));
  const { store } = held;
  const { thread, settings } = await store.thread(conversation, { limit: 10 });
  expect(settings.sampling).toEqual({ temperature: 0.5 });
  expect(thread[1]?.run?.stats).toEqual({ outputTokens: 7 });
  expect(thread[1]?.run?.failure).toEqual({ code: "upstream_cut", facts: { bytes: 5 } });
  expect((await store.people.person(localPerson))?.ownLimits).toEqual({ tokensPerDay: 100 });
});

test("a limit out of its bounds still limits", async () => {
  const column = JSON.stringify({ tokensPerDay: 0, runsPerMinute: 20_000, retainDays: 0.5 });
  await using held = await storeWith(column);
  const { limits } = (await held.store.people.person(localPerson)) ?? {};
  expect(limits).toMatchObject({ tokensPerDay: 0, runsPerMinute: 20_000, retainDays: 0.5 });
});
