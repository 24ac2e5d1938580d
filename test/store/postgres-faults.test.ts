// The database port over PostgreSQL when its connections fail, are silent or refused, and when the server restarts.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../../src/domain/failure.ts";
import { Connection } from "../../src/postgres/connection.ts";
import type { PoolBounds } from "../../src/postgres/pool.ts";
import { all, announce, change, type Database, one, perform, type Work } from "../../src/store/database.ts";
import { openPostgresDatabase } from "../../src/store/postgres.ts";
import { until } from "../llama/server.ts";
import { type PostgresServer, startBouncer, startPostgres } from "../postgres/servers.ts";
import { openWire, type Wire } from "../postgres/wire.ts";

const bounds: PoolBounds = { connectionsMax: 4, waitMs: 500, connectMs: 1_000, statementMs: 1_000 };

let server: PostgresServer;
let name: string;
let wire: Wire;
let database: Database;
beforeAll(async () => {
  server = await startPostgres();
  const url = await server.database();
  name = url.slice(url.lastIndexOf("/") + 1);
}, 120_000);
afterAll(() => server.close());
beforeEach(async () => {
  wire = openWire(server.port);
  database = await openPostgresDatabase(server.url(name, wire.port), {}, bounds);
  await database.write(() => change("delete from settings"));
});
afterEach(async () => {
  await database.close();
  wire.close();
});

const set = (key: string): Work<number> => change("insert into settings (name, value) values (?, '')", key);
const names = () => all<{ name: string }>("select name from settings order by name");
const stored = async () => (await database.read(names)).map((row) => row.name);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof Failure ? error.code : String(error)),
  );
/** As many at once as there are connections, so that all are open. */
const fill = () =>
  Promise.all(Array.from({ length: 4 }, () => database.read(() => one("select pg_sleep(0.05)"))));

describe("connections that are cut", () => {
  test("idle ones are made anew, and nobody hears of it", async () => {
    await fill();
    wire.cut();
    await Promise.all(["a", "b", "c"].map((key) => database.write(() => set(key))));
    expect(await stored()).toEqual(["a", "b", "c"]);
  });

  test("work is repeated when nothing was committed, and counts once", async () => {
    let attempts = 0;
    await database.write(function* () {
      attempts++;
      yield* set("a");
      if (attempts === 1) wire.cut();
      yield* set("b");
    });
    expect(attempts).toBe(2);
    expect(await stored()).toEqual(["a", "b"]);
  });

  test("work without results is repeated, too, where an idle connection was cut", async () => {
    await fill();
    wire.cut();
    const put = (key: string) => perform("insert into settings (name, value) values (?, '')", key);
    await Promise.all(["a", "b", "c"].map((key) => database.write(() => put(key))));
    expect(await stored()).toEqual(["a", "b", "c"]);
  });

  test("a read is repeated", async () => {
    let attempts = 0;
    const seen = await database.read(function* () {
      if (attempts++ === 0) wire.cut();
      return yield* one<{ n: number }>("select count(*) as n from settings");
    });
    expect(seen).toEqual({ n: 0 });
  });
});

describe("the server", () => {
  for (const mode of ["fast", "immediate"] as const)
    test(`after a restart (${mode}) the first statements succeed, on every connection`, async () => {
      await fill();
      await server.stop(mode);
      expect(await codeOf(database.write(() => set("a")))).toBe("store_unwritable");
      expect(await codeOf(stored())).toBe("store_unwritable");
      await server.start();
      await Promise.all([fill(), database.write(() => set("b"))]);
      expect(await stored()).toEqual(["b"]);
    });

  test("connections that it ended cost nobody an error", async () => {
    await fill();
    const end =
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query ~ ?";
    await database.read(() => all(end, "pg_sleep"));
    await Promise.all([fill(), database.write(() => set("a"))]);
    expect(await stored()).toEqual(["a"]);
  });

  test("refused connections are a Failure at once", async () => {
    wire.refuse();
    wire.cut();
    expect(await codeOf(database.write(() => set("a")))).toBe("store_unwritable");
    wire.accept();
    await database.write(() => set("a"));
  });

  test("one that takes no writes is a Failure; reads go on", async () => {
    const sql = new Connection(server.url("postgres"), bounds);
    const readOnly = (is: "on" | "off") =>
      sql.query(`alter database ${name} set default_transaction_read_only = ${is}`);
    await readOnly("on");
    wire.cut(); // it holds for new sessions
    expect(await codeOf(database.write(() => set("a")))).toBe("store_unwritable");
    expect(await stored()).toEqual([]);
    await readOnly("off");
    wire.cut();
    await database.write(() => set("a"));
    await sql.close();
  });
});

describe("a silent network", () => {
  test("statements end in bounded time, and the connections are not used again", async () => {
    await fill();
    wire.freeze();
    const startedAt = performance.now();
    expect(await codeOf(database.write(() => set("a")))).toBe("store_unwritable");
    expect(await codeOf(stored())).toBe("store_unwritable");
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    wire.thaw();
    await database.write(() => set("b"));
    expect(await stored()).toContain("b");
  });

  test("a transaction that its process leaves alone keeps others from writing for a short time only", async () => {
    const other = await openPostgresDatabase(server.url(name), {}, { ...bounds, statementMs: 10_000 });
    const frozen = codeOf(
      database.write(function* () {
        yield* set("a");
        wire.freeze();
        yield* set("b");
      }),
    );
    expect(await frozen).toBe("store_unwritable");
    await other.write(() => set("c"));
    wire.thaw();
    expect(await other.read(names)).toEqual([{ name: "c" }]);
    await other.close();
  });
});

test("a process that stood still in a transaction writes nothing of it outside, but begins it anew", async () => {
  const direct = await openPostgresDatabase(server.url(name), {}, { ...bounds, statementMs: 10_000 });
  let attempts = 0;
  await direct.write(function* () {
    const isFirst = attempts++ === 0;
    yield* set(`a${attempts}`);
    // the answer to what follows, and then that the server has ended the transaction, wait for this process
    if (isFirst) setTimeout(() => standStill(4_000), 20);
    yield* one(`select pg_sleep(${isFirst ? 0.2 : 0})`);
    yield* set(`b${attempts}`);
  });
  expect(await direct.read(names)).toEqual([{ name: "a2" }, { name: "b2" }]);
  await direct.close();
});

function standStill(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test("who gets no connection in time is told so", async () => {
  const long = Array.from({ length: 4 }, () => database.read(() => one("select pg_sleep(0.9)")));
  expect(await codeOf(stored())).toBe("store_unwritable");
  await Promise.all(long);
  expect(await stored()).toEqual([]);
});

test("a statement that takes too long is ended", async () => {
  expect(await codeOf(database.write(() => one("select pg_sleep(30)")))).toBe("store_unwritable");
  await database.write(() => set("a"));
});

test("another process's announcements are heard, and told when they may have been missed", async () => {
  let heard = 0;
  database.watch(() => heard++);
  const other = await openPostgresDatabase(server.url(name), {}, bounds);
  await other.write(announce);
  await until(() => heard === 1, "the announcement is heard");
  wire.cut();
  await until(() => heard === 2, "what may be missed is told");
  await other.write(announce);
  await until(() => heard === 3, "announcements are heard again");
  await other.close();
});

test("a read of several statements sees one moment", async () => {
  const other = await openPostgresDatabase(server.url(name), {}, bounds);
  const seen: number[] = [];
  const written: Promise<unknown>[] = [];
  const look = function* (): Work<void> {
    const before = yield* names();
    const key = `n${written.length}`;
    written.push(other.write(() => set(key)));
    yield* one("select pg_sleep(0.2)");
    seen.push((yield* names()).length - before.length);
  };
  await database.read(look);
  await database.read(look);
  expect(seen).toEqual([0, 0]);
  await Promise.all(written);
  expect((await stored()).length).toBe(written.length);
  await other.close();
});

test("texts lose U+0000, which PostgreSQL does not store; a violated constraint is named", async () => {
  await database.write(() => set("a\0b"));
  expect(await stored()).toEqual(["ab"]);
  await expect(database.write(() => set("ab"))).rejects.toThrow("settings_pkey");
});

test("a schema of a newer parlor is refused, and a database of another program", async () => {
  const url = server.url(name);
  await database.write(() => change("update schema_version set version = version + 1"));
  await expect(openPostgresDatabase(url)).rejects.toThrow("newer parlor");
  await database.write(() => change("update schema_version set version = version - 1"));
  const foreign = await server.database();
  const other = await openPostgresDatabase(foreign);
  await other.write(() => change("drop table schema_version"));
  await other.close();
  await expect(openPostgresDatabase(foreign)).rejects.toThrow("another program");
});

test("several processes that open an empty database at once make its tables once", async () => {
  const url = await server.database();
  const opened = await Promise.all(Array.from({ length: 4 }, () => openPostgresDatabase(url)));
  await Promise.all(opened.map((each) => each.close()));
});

test("a pgbouncer may stand between, for statements", async () => {
  const bouncer = await startBouncer(server.port);
  const through = await openPostgresDatabase(server.url(name, bouncer.port), {}, bounds);
  await Promise.all(Array.from({ length: 20 }, (_, n) => through.write(() => set(`n${n}`))));
  expect((await through.read(names)).length).toBe(20);
  await through.close();
  await bouncer.close();
});
