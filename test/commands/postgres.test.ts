// The commands on a house in PostgreSQL do what they do on a file. If this fails, an operator can't back up a
// house, or what somebody had erased stays there.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type PostgresServer, startBouncer, startPostgres } from "../postgres/servers.ts";
import { ask, fillHouse } from "../store/full-house.ts";

const home = mkdtempSync(join(tmpdir(), "parlor-commands-"));
let server: PostgresServer;
let full: string;
beforeAll(async () => {
  server = await startPostgres();
  const url = await server.database();
  const store = await openPostgres(url);
  await fillHouse(store);
  await store.close();
  full = url.slice(url.lastIndexOf("/") + 1);
}, 120_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});

async function run(url: string, words: readonly string[], input = "") {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/main.ts"), ...words], {
    ...{ cwd: home, stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" },
    env: { PATH: process.env["PATH"], HOME: home, PARLOR_DB: url },
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** What a statement returns, asked beside parlor. */
async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new Bun.SQL({ url, max: 1 } as ConstructorParameters<typeof Bun.SQL>[0]);
  try {
    return [...(await client.unsafe(sql))];
  } finally {
    await client.close();
  }
}

test("people are added, listed, changed, removed", async () => {
  const url = await server.database();
  expect(await run(url, ["user", "add", "Ann", "guest"], "a long password\n")).toMatchObject({
    code: 0,
    out: "Ann is here as guest\n",
  });
  expect((await run(url, ["user", "role", "ann", "member"])).out).toBe("Ann is member now\n");
  expect((await run(url, ["user", "passwd", "ann"], "another one\n")).code).toBe(0);
  expect(await run(url, ["user", "add", "ANN"])).toMatchObject({ code: 1, out: "" });
  expect((await run(url, ["user", "remove", "ann"])).code).toBe(0);
  expect((await run(url, ["user", "list"])).out).toContain("Ann\tmember\tremoved\t0 conversations");
  expect(existsSync(join(home, ".local"))).toBe(false); // no file is made
}, 60_000);

test("who is erased leaves no row, and no content of a file that only they had", async () => {
  const url = await server.database(full);
  const store = await openPostgres(url);
  const { id: owner } = (await store.people.named("änn")) as { id: string };
  const content = async function* () {
    for (let i = 0; i < 30; i++) yield Buffer.alloc(262_144, i + 1);
  };
  const file = await store.files.add(
    {
      ...{ id: "file-of-ann", owner, name: "secret.txt", type: "text", mediaType: "text/plain" },
      ...{ ownerMaxBytes: 1 << 30, pages: [{ page: 1, text: "secret" }] },
    },
    content(),
  );
  await ask(store, owner, "What is in it?", [file.id]);
  await store.close();
  expect((await run(url, ["erase", "änn"])).out).toBe("Änn and everything of theirs is deleted\n");
  const left = `select 'contents' as what from contents where is_lost = 1 or bytes > 5000000
    union all select 'people' from people where name = 'Änn'
    union all select 'conversations' from conversations where owner = '${owner}'
    union all select 'pages' from content_pages where text = 'secret'`;
  expect(await rows(url, left)).toEqual([]);
  expect((await run(url, ["check"])).code).toBe(0);
}, 60_000);

test("conversations go to a file and into another house", async () => {
  const [url, other] = [await server.database(full), await server.database()];
  const file = join(home, "export.jsonl");
  const exported = await run(url, ["export", file]);
  expect(exported).toMatchObject({ code: 0, err: "" });
  const count = Number(/^(\d+) conversations/.exec(exported.out)?.[1]);
  expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(count);
  expect((await run(other, ["import", file])).out).toStartWith(`${count} conversations are brought in`);
  expect((await run(other, ["import", file])).out).toStartWith(
    `0 conversations are brought in, ${count} were`,
  );
}, 60_000);

test("a copy is one file of all at one moment, which is a house of its own", async () => {
  const [url, copy] = [await server.database(full), join(home, "copy.db")];
  const serving = await openPostgres(url);
  expect(await run(url, ["backup", copy])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^postgres:\/\/127\.0\.0\.1:\d+\/test_\d+ is copied to .*\/copy\.db\n$/),
  });
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(existsSync(`${copy}.part`) || existsSync(`${copy}.part.lock`)).toBe(false);
  const store = openSqlite(copy);
  const people = async (of: typeof store) => (await of.people.list()).map(({ usage, ...person }) => person);
  expect(await people(store)).toEqual(await people(serving));
  expect((await store.ids()).length).toBe((await serving.ids()).length);
  await store.close();
  await serving.close();
  expect(await run(url, ["backup", copy])).toMatchObject({
    code: 1,
    err: expect.stringContaining("is there"),
  });
}, 60_000);

test("what is wrong with the rows is said", async () => {
  const url = await server.database(full);
  expect((await run(url, ["check"])).out).toMatch(
    / is sound: 3 people, \d+ conversations, .* 40 passages\n$/,
  );
  await rows(url, "update conversations set head = 'none' where seq = (select min(seq) from conversations)");
  await rows(url, "alter table messages disable trigger all");
  const found = await run(url, ["check"]);
  expect(found).toMatchObject({ code: 1, out: "" });
  expect(found.err).toContain("1 conversations show a message that is not theirs");
  await rows(url, "update schema_version set version = 99");
  expect((await run(url, ["check"])).err).toContain("was made by a newer parlor");
  expect((await run(url, ["user", "list"])).err).toContain("was made by a newer parlor");
}, 60_000);

test("a folder is read, searched, listed, removed", async () => {
  const url = await server.database();
  mkdirSync(join(home, "house"));
  writeFileSync(join(home, "house/lease.md"), "# Lease\n\nThe notice period is three months.");
  expect((await run(url, ["index", "house"])).out).toContain("1 documents are read");
  expect((await run(url, ["index", "house"])).out).toContain("1 were unchanged");
  expect((await run(url, ["search", "notice period"])).out).toStartWith("1. house/lease.md, page 1");
  expect((await run(url, ["collection", "list"])).out).toContain("1 documents\t1 passages");
  expect((await run(url, ["collection", "remove", "house"])).code).toBe(0);
  expect(await rows(url, "select 1 from passage_terms")).toEqual([]);
}, 60_000);

test("the doctor looks at the database, changes nothing, and finds a pooler that swallows notifications", async () => {
  const url = await server.database();
  const llama = ["--llama", "http://127.0.0.1:1"];
  const found = await run(url, ["doctor", ...llama]);
  expect(found.out).toMatch(/ {2}ok {4}postgres:\/\/127\.0\.0\.1:\d+\/test_\d+: PostgreSQL 15/);
  expect(found.out).toContain("notifications arrive");
  expect(found.out).toContain("no house is there yet");
  expect(await rows(url, "select 1 from pg_tables where schemaname = 'public'")).toEqual([]);
  await run(url, ["user", "list"]);
  expect((await run(url, ["doctor", ...llama])).out).toContain(" is sound: 1 people");
  const bouncer = await startBouncer(server.port);
  const through = await run(server.url(url.slice(url.lastIndexOf("/") + 1), bouncer.port), [
    "doctor",
    ...llama,
  ]);
  await bouncer.close();
  expect(through.out).toMatch(/WRONG .*notifications don't arrive/);
  await rows(url, "create database ascii encoding 'UTF8' locale 'C' template template0");
  const ascii = await run(server.url("ascii"), ["doctor", ...llama]);
  expect(ascii.out).toMatch(/WRONG .*its locale has no letters but those of ASCII/);
  expect((await run(server.url("ascii"), ["user", "list"])).err).toContain("make it with locale 'C.UTF-8'");
  const none = await run("postgres://ann:s3cret@127.0.0.1:1/x", ["doctor", ...llama]);
  expect(none.out).toMatch(/WRONG postgres:\/\/127\.0\.0\.1:1\/x: PostgreSQL can't be used: /);
  expect(none.out + none.err).not.toContain("s3cret");
  const user = await run("postgres://ann:s3cret@127.0.0.1:1/x", ["user", "list"]);
  expect(user.err).toStartWith("parlor: can't use postgres://ann@127.0.0.1:1/x: ");
}, 90_000);
