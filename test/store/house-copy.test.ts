// A house that is moved to PostgreSQL, and back, has every row that it had, also when the move is interrupted.
// If this fails, an operator who lets parlor grow loses conversations.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryOf } from "../../src/documents/words.ts";
import { localPerson } from "../../src/domain/account.ts";
import { type HouseSource, openPostgresSource, openSqliteSource } from "../../src/store/house-source.ts";
import { houseTables } from "../../src/store/house-tables.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { checkPostgres } from "../../src/store/postgres-check.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { until } from "../llama/server.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";
import { ask, fillHouse } from "./full-house.ts";

const home = mkdtempSync(join(tmpdir(), "parlor-move-"));
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});

/** A full house in a file that no parlor uses. */
async function fullHouse(name: string, size = 1): Promise<string> {
  const file = join(home, name);
  const store = openSqlite(file);
  await fillHouse(store, size);
  await store.close();
  return file;
}

const start = (...args: string[]) =>
  Bun.spawn([process.execPath, join(import.meta.dir, "../../src/main.ts"), ...args], {
    ...{ cwd: home, stdout: "pipe", stderr: "pipe" },
    env: { PATH: process.env["PATH"], HOME: home },
  });
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(...args);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** All rows of a house, as text. */
async function rowsOf(source: HouseSource): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const table of houseTables) {
    const rows: string[] = [];
    for (let after: (string | number | null | Uint8Array)[] | null = null; ; ) {
      const page = await source.page(table, after);
      const end = page.at(-1);
      if (end === undefined) break;
      after = table.key.map((column) => end[column] ?? null);
      rows.push(...page.map((row) => JSON.stringify(Object.entries(row).map(plain).sort())));
    }
    all[table.name] = rows.sort();
  }
  await source.close();
  return all;
}
const plain = ([name, value]: [string, unknown]) => [
  name,
  value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
];

const search = async (store: Store, words: string) =>
  (await store.search(localPerson, words, 50)).map(({ message, excerpt }) => [message, ...excerpt]);
const passages = async (store: Store, word: string) => {
  const [lease] = (await store.collections.all()).filter(({ name }) => name === "lease");
  const query = queryOf([{ stem: word, parts: [] }]);
  const hits = await store.collections.search(query, { collections: [lease?.id as string], limit: 9 });
  return hits.map(({ path, start }) => [path, start]);
};

test("a house goes to PostgreSQL and back, row by row, and is searched there", async () => {
  const [file, url, back] = [await fullHouse("parlor.db"), await server.database(), join(home, "back.db")];
  const lost = new Database(file); // what another process has left to erase
  lost.run("update documents set state = 'lost' where path = 'c.pdf'");
  lost.run("delete from files where name = 'unsent.pdf'");
  lost.close();
  const moved = await run("migrate", "--from", file, "--to", url);
  expect(moved).toMatchObject({ code: 0, err: "" });
  expect(moved.out).toMatch(/\nmessages\t\d+\n[\s\S]* rows are there\n$/);
  const before = await rowsOf(await openSqliteSource(file));
  expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([]);
  expect(await rowsOf(await openPostgresSource(url, false))).toEqual(before);
  expect((await checkPostgres(url)).faults).toEqual([]);

  const [here, there] = [openSqlite(file), await openPostgres(url)];
  for (const words of ["number 7", "renamed", "strasse", "GRUSSE", "another"])
    expect((await search(there, words)).sort()).toEqual((await search(here, words)).sort());
  for (const word of ["number7", "kundigungsfr", "quart"]) {
    expect(await passages(there, word)).toEqual(await passages(here, word));
    expect(await passages(there, word)).not.toEqual([]);
  }
  await here.close();
  await there.close(); // what is lost is erased now
  const kept = await rowsOf(await openPostgresSource(url, false));
  expect(kept["documents"]?.length).toBeLessThan(before["documents"]?.length ?? 0);
  expect(kept["content_pieces"]?.length).toBeLessThan(before["content_pieces"]?.length ?? 0);
  expect(await run("migrate", "--from", url, "--to", back)).toMatchObject({ code: 0, err: "" });
  expect(await rowsOf(await openSqliteSource(back))).toEqual(kept);
  const again = openSqlite(back);
  expect(await passages(again, "number7")).not.toEqual([]);
  expect(await search(again, "number 7")).not.toEqual([]);
  await ask(again, localPerson, "What gets a number that is free?");
  await again.close();
  const more = await openPostgres(url);
  await ask(more, localPerson, "What gets a number that is free?");
  await more.audit.note({ actor: null, act: "exported" });
  await more.close();
  expect((await checkPostgres(url)).faults).toEqual([]);
}, 120_000);

test("a move that is killed goes on when it is started again, and nobody uses what is half there", async () => {
  const [file, url] = [await fullHouse("large.db", 8), await server.database()];
  const child = start("migrate", "--from", file, "--to", url);
  const sql = new Bun.SQL({ url, max: 1, prepare: false } as ConstructorParameters<typeof Bun.SQL>[0]);
  const done = async (): Promise<number> => {
    const rows = await sql`select done from migration where name = 'messages'`.catch(() => []);
    return Number(rows[0]?.done ?? 0);
  };
  await until(async () => (await done()) >= 200, "some messages are there");
  child.kill("SIGKILL");
  await child.exited;
  await sql.close();
  const half = await run("user", "list", "--db", url);
  expect(half).toMatchObject({ code: 1, out: "" });
  expect(half.err).toContain("a house is being moved there");
  expect(half.err.trim().split("\n")).toHaveLength(1);
  expect((await run("migrate", "--from", file, "--to", url)).code).toBe(0);
  const source = await openSqliteSource(file);
  expect(await rowsOf(await openPostgresSource(url, false))).toEqual(await rowsOf(source));
  expect(await run("user", "list", "--db", url)).toMatchObject({ code: 0, err: "" });
  const [here, there] = [openSqlite(file), await openPostgres(url)];
  for (const word of ["number7", "number1999", "kundigungsfr", "quart"])
    expect(await passages(there, word)).toEqual(await passages(here, word));
  expect(await passages(there, "number1999")).toHaveLength(1);
  await Promise.all([here.close(), there.close()]);
}, 120_000);

test("a database that goes away meanwhile is said in one line, and the move goes on afterwards", async () => {
  const [file, url] = [await fullHouse("away.db", 4), await server.database()];
  const child = start("migrate", "--from", file, "--to", url);
  const sql = new Bun.SQL({ url, max: 1, prepare: false } as ConstructorParameters<typeof Bun.SQL>[0]);
  const isBegun = async () => (await sql`select 1 from migration`.catch(() => [])).length > 0;
  await until(isBegun, "it has begun");
  await sql.close();
  await server.stop("immediate");
  const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  expect({ code, lines: err.trim().split("\n").length }).toEqual({ code: 1, lines: 1 });
  await server.start();
  expect((await run("migrate", "--from", file, "--to", url)).code).toBe(0);
  const source = await openSqliteSource(file);
  expect(await rowsOf(await openPostgresSource(url, false))).toEqual(await rowsOf(source));
}, 120_000);

test("what can't be moved is refused in one line", async () => {
  const [file, url] = [await fullHouse("again.db"), await server.database()];
  const refused = async (from: string, to: string, why: string) => {
    const { code, out, err } = await run("migrate", "--from", from, "--to", to);
    expect({ code, out, lines: err.trim().split("\n").length }).toEqual({ code: 1, out: "", lines: 1 });
    expect(err).toContain(why);
  };
  await refused(join(home, "none.db"), url, "there is no");
  await refused(url, join(home, "new.db"), "it holds no house");
  expect(existsSync(join(home, "new.db"))).toBe(false);
  const serving = openSqlite(file);
  await refused(file, url, "is in use by another parlor");
  await serving.close();
  await (await openPostgres(url)).close();
  expect((await run("migrate", "--from", file, "--to", url)).code).toBe(0);
  await refused(file, url, "there is a house already");
  await refused(url, file, "is there already");
  const used = await openPostgres(url);
  const sql = new Bun.SQL({ url, max: 1 } as ConstructorParameters<typeof Bun.SQL>[0]);
  await sql`insert into lease (one, holder, url, term, until) values (1, 'x', '', 1, now() + interval '1 min')`;
  await refused(url, join(home, "new.db"), "a parlor uses it");
  await sql.close();
  await used.close();
  expect(await run("migrate", "--from", file)).toMatchObject({ code: 2, out: "" });
  expect(await run("migrate", "--from", file, "--to", join(home, "new.db"))).toMatchObject({ code: 2 });
}, 120_000);

test("a house that was changed meanwhile is not gone on with", async () => {
  const [file, url] = [await fullHouse("changed.db", 4), await server.database()];
  const child = start("migrate", "--from", file, "--to", url);
  const sql = new Bun.SQL({ url, max: 1, prepare: false } as ConstructorParameters<typeof Bun.SQL>[0]);
  const isBegun = async () => (await sql`select 1 from migration`.catch(() => [])).length > 0;
  await until(isBegun, "it has begun");
  child.kill("SIGKILL");
  await child.exited;
  await sql.close();
  const store = openSqlite(file);
  await store.settings.set("llama", null);
  await store.close();
  const { code, err } = await run("migrate", "--from", file, "--to", url);
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("was changed since; empty it") });
}, 120_000);
