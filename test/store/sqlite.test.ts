// SQLite keeps the Store's promises.

import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { all, change } from "../../src/store/database.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { SqliteDatabase } from "../../src/store/sqlite-database.ts";
import { accountsContract } from "../contract/accounts.ts";
import { collectionsContract } from "../contract/collections.ts";
import { databaseContract } from "../contract/database.ts";
import { filesContract } from "../contract/files.ts";
import { nearnessContract } from "../contract/nearness.ts";
import { sourcesContract } from "../contract/sources.ts";
import { storeContract } from "../contract/store.ts";
import { vectorsContract } from "../contract/vectors.ts";

databaseContract("sqlite", async () => new SqliteDatabase(":memory:", null));
storeContract("sqlite", async () => openSqlite(":memory:"));
accountsContract("sqlite", async () => openSqlite(":memory:"));
collectionsContract("sqlite", async () => openSqlite(":memory:"));
vectorsContract("sqlite", async () => openSqlite(":memory:"));
nearnessContract("sqlite", async () => openSqlite(":memory:"));
sourcesContract("sqlite", async () => openSqlite(":memory:"));
filesContract("sqlite", async () => openSqlite(":memory:"));

test("a read sees one moment, though another process writes meanwhile", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "parlor-moment-")), "parlor.db");
  const [ours, other] = [new SqliteDatabase(file, null), new SqliteDatabase(file, null)];
  const names = () => all("select name from settings");
  const seen = await ours.read(function* () {
    const before = yield* names();
    // synchronous up to its end, as all that this engine does
    const written = other.write(() => change("insert into settings (name, value) values ('a', '')"));
    return { before, after: yield* names(), written };
  });
  expect(await seen.written).toBe(1);
  expect([seen.before, seen.after]).toEqual([[], []]);
  expect(await ours.read(names)).toEqual([{ name: "a" }]);
  await ours.close();
  await other.close();
});
