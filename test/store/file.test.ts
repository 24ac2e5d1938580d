// The Store's file: rights, lock, copies, checks, schemas. If this fails, conversations can be read by others or be lost.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { newId } from "../../src/domain/conversation.ts";
import { backup, check, StoreUnusable } from "../../src/store/file.ts";
import { migrate, migrations } from "../../src/store/migrate.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-store-"));
const fresh = (): string => join(folder, newId(), "sub", "parlor.db");
const rights = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const say = (conversation: string) => ({
  conversation,
  message: newId(),
  text: "a question",
  owner: localPerson,
  limits: standardLimits.admin,
  queueMaxRuns: 10,
});

test("file and folder are for their owner only, also what SQLite puts beside it", async () => {
  const file = fresh();
  const store = openSqlite(file);
  await store.say(say(newId()));
  expect([rights(join(file, "..")), rights(file), rights(`${file}-wal`), rights(`${file}-shm`), rights(`${file}.lock`)]).toEqual([
    "700",
    "600",
    "600",
    "600",
    "600",
  ]);
  await store.close();
});

test("what was stored is there after a restart", async () => {
  const file = fresh();
  const conversation = newId();
  let store = openSqlite(file);
  await store.say(say(conversation));
  const before = await store.thread(conversation, { limit: 10 });
  await store.close();
  store = openSqlite(file);
  expect(await store.thread(conversation, { limit: 10 })).toEqual(before);
  expect(await store.left()).toHaveLength(1);
  await store.close();
});

test("two parlors on one file: the second is refused, and let in when the first is gone", async () => {
  const file = fresh();
  const store = openSqlite(file);
  expect(() => openSqlite(file)).toThrow(/in use by another parlor/);
  await store.close();
  await openSqlite(file).close();
});

test("a place that can't be written, and a file that is none, are refused in one line", () => {
  expect(() => openSqlite("/proc/none/parlor.db")).toThrow(StoreUnusable);
  const file = join(folder, "text.db");
  writeFileSync(file, "this is no database, it only has its name and a certain length ".repeat(100));
  expect(() => openSqlite(file)).toThrow();
});

test("a backup of a store in use is complete, sound and for its owner only; nothing is overwritten", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const conversation = newId();
  await store.say(say(conversation));
  const copy = join(folder, `${newId()}.db`);
  backup(file, copy);
  expect([rights(copy), check(copy)]).toEqual(["600", []]);
  expect(() => backup(file, copy)).toThrow(/is there already/);
  const copied = openSqlite(copy);
  expect(await copied.thread(conversation, { limit: 10 })).toEqual(await store.thread(conversation, { limit: 10 }));
  expect((await copied.search(localPerson, "question", 5)).length).toBe(2);
  await copied.close();
  await store.close();
  expect(() => backup(join(folder, "none.db"), join(folder, "x.db"))).toThrow(/there is no/);
});

test("check finds a damaged file", async () => {
  const file = fresh();
  const store = openSqlite(file);
  for (let i = 0; i < 200; i++)
    await store.say({ ...say(newId()), text: "x".repeat(500), owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 1000 });
  await store.close();
  expect(check(file)).toEqual([]);
  const bytes = new Uint8Array(await Bun.file(file).arrayBuffer());
  bytes.fill(0x55, 8192, 40_960);
  await Bun.write(file, bytes);
  expect(check(file).length).toBeGreaterThan(0);
});

describe("schemas", () => {
  /** A file at schema `version` with one conversation in it. */
  function made(version: number): string {
    const file = join(folder, `${newId()}.db`);
    const db = new Database(file, { create: true });
    db.run("pragma foreign_keys = on");
    migrate(db, file, migrations.slice(0, version));
    db.run("insert into conversations (id, head, title, created_at, updated_at) values ('conversation-aaaaaaaa', 'answer-aaaaaaaaaaaaaaa', 'Früher', 1, 2)");
    db.run(
      "insert into messages (id, conversation, parent, role, text, created_at) values ('question-aaaaaaaaaaaaa', 'conversation-aaaaaaaa', null, 'user', 'Wie war es früher?', 1)",
    );
    db.run(
      "insert into messages (id, conversation, parent, role, text, created_at) values ('answer-aaaaaaaaaaaaaaa', 'conversation-aaaaaaaa', 'question-aaaaaaaaaaaaa', 'assistant', 'Anders.', 1)",
    );
    db.run(
      "insert into runs (id, conversation, message, status, created_at) values ('run-aaaaaaaaaaaaaaaaaa', 'conversation-aaaaaaaa', 'answer-aaaaaaaaaaaaaaa', 'done', 1)",
    );
    db.close();
    return file;
  }

  for (let version = 1; version <= migrations.length; version++) {
    test(`a file of schema ${version} is read, with everything in it`, async () => {
      const file = made(version);
      const store = openSqlite(file);
      expect((await store.thread("conversation-aaaaaaaa", { limit: 10 })).thread.map(({ message }) => message.text)).toEqual(["Wie war es früher?", "Anders."]);
      expect((await store.search(localPerson, "fruher", 10)).length).toBe(2);
      await store.close();
      expect(check(file)).toEqual([]);
      expect(existsSync(`${file}.before-${migrations.length}`)).toBe(version < migrations.length);
    });
  }

  test("before a file is changed a copy is set aside, and a step that fails changes nothing", () => {
    const file = made(migrations.length);
    const db = new Database(file);
    const next = migrations.length + 1;
    expect(() => migrate(db, file, [...migrations, "alter table conversations add column mood text; select nonsense;"])).toThrow();
    expect(db.query("pragma user_version").get()).toEqual({ user_version: migrations.length });
    expect(
      db
        .query<{ name: string }, []>("pragma table_info(conversations)")
        .all()
        .some(({ name }) => name === "mood"),
    ).toBe(false);
    expect(check(`${file}.before-${next}`)).toEqual([]);
    db.close();
  });

  test("a file from a newer parlor is refused with one line", () => {
    const file = made(migrations.length);
    const db = new Database(file);
    db.run(`pragma user_version = ${migrations.length + 1}`);
    db.close();
    expect(() => openSqlite(file)).toThrow(/^\S+ was made by a newer parlor \(schema \d+, this one knows \d+\); use that one$/);
  });
});
