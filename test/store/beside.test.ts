// A Store of temporary conversations counts usage in the Store beside it, as if both were one, also when that
// is PostgreSQL.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Limits, localPerson } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/id.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { NewQuestion, QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding } from "../contract/ending.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterAll(() => server.close());

const question = (limits: Partial<Limits> = {}, conversation = newId()): NewQuestion => ({
  ...{ owner: localPerson, queueMaxRuns: 10, conversation, message: newId(), text: "question" },
  limits: { runsPerMinute: null, tokensPerDay: null, waitingRunsMax: null, ...limits },
});

const engines = {
  sqlite: async () => openSqlite(":memory:"),
  postgres: async () => openPostgres(await server.database()),
};
for (const [engine, open] of Object.entries(engines))
  describe(engine, () => {
    let kept: Store;
    let temporary: Store;
    beforeEach(async () => {
      kept = await open();
      temporary = openSqlite(":memory:", { beside: kept });
    });
    afterEach(async () => {
      await temporary.close();
      await kept.close();
    });

    test("an end counts its tokens once", async () => {
      const { run } = (await temporary.say(question())) as QueuedRun;
      const ending = { ...doneEnding, tokens: 7 };
      expect((await temporary.end(run.id, ending))?.run.status).toBe("done");
      expect(await temporary.end(run.id, ending)).toBeNull();
      expect(await kept.usage.today(localPerson)).toEqual({ tokens: 7, runs: 1 });
    });

    test("limits are those of both, and a refusal stores nothing", async () => {
      const limits = { runsPerMinute: 2 };
      const first = question(limits);
      await temporary.say(first);
      await kept.say(question(limits));
      const third = question(limits);
      await expect(temporary.say(third)).rejects.toThrow("runs_limit");
      expect(await temporary.conversation(third.conversation)).toBeNull();
    });

    test("what is refused or known already is not counted", async () => {
      const limits = { runsPerMinute: 2 };
      const first = question(limits);
      await temporary.say(first);
      expect(await temporary.say(first)).toBeNull();
      await expect(temporary.say(question(limits, first.conversation))).rejects.toThrow("conversation_busy");
      await expect(temporary.say({ ...question(limits), queueMaxRuns: 1 })).rejects.toThrow("queue_full");
      expect(await temporary.say(question(limits))).not.toBeNull();
    });
  });
