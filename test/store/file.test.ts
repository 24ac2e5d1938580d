// The Store's file: rights, lock, copies, checks, schemas. If this fails, conversations can be read by others
// or be lost.
// Promises: T6, X7.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { Failure } from "../../src/domain/failure.ts";
import { newId } from "../../src/domain/id.ts";
import { backup, check, makeFile, StoreUnusable, setAsideCopies, unusable } from "../../src/store/file.ts";
import { migrate, migrations } from "../../src/store/migrate.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Ending, QueuedRun } from "../../src/store/store.ts";
import { doneEnding, draft, parts } from "../contract/ending.ts";
import { until } from "../llama/server.ts";
import { threadMs } from "../processor.ts";

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
  expect([
    rights(join(file, "..")),
    rights(file),
    rights(`${file}-wal`),
    rights(`${file}-shm`),
    rights(`${file}.lock`),
  ]).toEqual(["700", "600", "600", "600", "600"]);
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
  expect(await store.unfinishedRuns()).toHaveLength(1);
  await store.close();
});

test("two parlors on one file: the second is refused, and let in when the first is gone", async () => {
  const file = fresh();
  const store = openSqlite(file);
  expect(() => openSqlite(file)).toThrow(/in use by another parlor/);
  await store.close();
  await openSqlite(file).close();
});

describe("a file that can't be used is named, with what is wrong and what to do", () => {
  const refused = (file: string): string => {
    try {
      void openSqlite(file).close();
    } catch (error) {
      expect(error).toBeInstanceOf(StoreUnusable);
      return (error as Error).message;
    }
    return "";
  };
  /** A store with something in it, closed. */
  async function made(): Promise<string> {
    const file = fresh();
    const store = openSqlite(file);
    await store.say({ ...say(newId()), text: "a question ".repeat(2_000) });
    await store.close();
    return file;
  }
  const damage = (file: string, change: (bytes: Uint8Array) => Uint8Array) =>
    writeFileSync(file, change(new Uint8Array(readFileSync(file))));

  test("no database", () => {
    const file = join(folder, "text.db");
    writeFileSync(file, "this is no database, it only has its name and a certain length ".repeat(100));
    expect(refused(file)).toMatch(/text\.db is no database, .*put a backup in its place/);
  });

  test("cut off, at any place", async () => {
    for (const share of [0.1, 0.5, 0.9]) {
      const file = await made();
      damage(file, (bytes) => bytes.slice(0, Math.floor(bytes.length * share)));
      expect(refused(file)).toMatch(
        /parlor\.db is (damaged or cut off|no database).*put a backup in its place/,
      );
    }
  });

  test("overwritten in the middle: said when it is noticed, to people and in the log", async () => {
    const file = await made();
    damage(file, (bytes) => bytes.fill(0x5a, 4096, bytes.length));
    const told: string[] = [];
    const attempt = (async () => {
      const store = openSqlite(file, { damaged: (line) => told.push(line) });
      await store.list({ owner: localPerson, limit: 10 });
    })();
    const error = await attempt.then(
      () => null,
      (thrown) => thrown,
    );
    const line = error instanceof Failure ? (told[0] as string) : (error as Error).message;
    expect(line).toMatch(/parlor\.db is damaged or cut off; .*parlor check/);
    if (error instanceof Failure) expect(error.code).toBe("store_damaged");
  });

  test("of another program, or held by one", async () => {
    const file = fresh();
    makeFile(file);
    const other = new Database(file);
    other.run("create table theirs (x)");
    expect(refused(file)).toMatch(/parlor\.db holds what another program keeps; .*--data/);
    other.run("pragma user_version = 3");
    expect(refused(file)).toMatch(/parlor\.db holds what another program keeps; .*--data/);
    other.close();
    const held = await made();
    const holder = new Database(held);
    holder.run("pragma locking_mode = exclusive");
    holder.run("begin exclusive");
    expect(refused(held)).toMatch(/parlor\.db is held by another program; end that one/);
    holder.close();
  });

  test("in a place where it can't be", async () => {
    expect(refused("/proc/none/parlor.db")).toMatch(/^\/proc\/none\/parlor\.db /);
    const taken = fresh();
    mkdirSync(taken, { recursive: true });
    expect(refused(taken)).toMatch(/parlor\.db can't be made: .*in the way/);
    const denied = Object.assign(new Error("permission denied"), { code: "EACCES" });
    expect(String(unusable("/x/parlor.db", denied))).toMatch(
      /\/x\/parlor\.db can't be written; give it and its folder to the user that parlor runs as/,
    );
    const locked = await made();
    rmSync(`${locked}.lock`);
    mkdirSync(`${locked}.lock`);
    expect(refused(locked)).toMatch(/parlor\.db\.lock /);
  });

  test("commands name it, too", async () => {
    const file = await made();
    damage(file, (bytes) => bytes.slice(0, 8192));
    expect(() => backup(file, join(folder, newId()))).toThrow(/parlor\.db is damaged or cut off/);
    expect(check(file).length).toBeGreaterThan(0);
    expect(() => openSqlite(file, { isShared: true })).toThrow(/parlor\.db is damaged or cut off/);
  });
});

test("a backup of a store in use is complete and for its owner only; nothing is overwritten", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const conversation = newId();
  await store.say(say(conversation));
  const copy = join(folder, `${newId()}.db`);
  backup(file, copy);
  expect([rights(copy), check(copy)]).toEqual(["600", []]);
  expect(() => backup(file, copy)).toThrow(/is there already/);
  const copied = openSqlite(copy);
  expect(await copied.thread(conversation, { limit: 10 })).toEqual(
    await store.thread(conversation, { limit: 10 }),
  );
  expect((await copied.search(localPerson, "question", 5)).length).toBe(2);
  await copied.close();
  await store.close();
  expect(() => backup(join(folder, "none.db"), join(folder, "x.db"))).toThrow(/there is no/);
});

test("check finds a damaged file", async () => {
  const file = fresh();
  const store = openSqlite(file);
  for (let i = 0; i < 200; i++)
    await store.say({
      ...say(newId()),
      text: "x".repeat(500),
      owner: localPerson,
      limits: standardLimits.admin,
      queueMaxRuns: 1000,
    });
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
    db.run(
      `insert into conversations (id, head, title, created_at, updated_at)
       values ('conversation-aaaaaaaa', 'answer-aaaaaaaaaaaaaaa', 'Früher', 1, 2)`,
    );
    db.run(
      `insert into messages (id, conversation, parent, role, text, created_at) values
       ('question-aaaaaaaaaaaaa', 'conversation-aaaaaaaa', null, 'user', 'Wie war es früher?', 1)`,
    );
    db.run(
      `insert into messages (id, conversation, parent, role, text, created_at) values
       ('answer-aaaaaaaaaaaaaaa', 'conversation-aaaaaaaa', 'question-aaaaaaaaaaaaa', 'assistant', 'Anders.', 1)`,
    );
    db.run(
      `insert into runs (id, conversation, message, status, created_at) values
       ('run-aaaaaaaaaaaaaaaaaa', 'conversation-aaaaaaaa', 'answer-aaaaaaaaaaaaaaa', 'done', 1)`,
    );
    const said = (id: string, column: string, text: string, thought: string) =>
      db.run(
        `insert into messages (id, conversation, parent, role, text, ${column}, created_at)
         values (?, 'conversation-aaaaaaaa', 'question-aaaaaaaaaaaaa', 'assistant', ?, ?, 1)`,
        [id, text, column === "parts" ? JSON.stringify(parts(text, thought)) : thought],
      );
    const column = version < 8 ? "reasoning" : "parts";
    said("thinker-aaaaaaaaaaaaaa", column, "42.", "Hm, 6 × 7.");
    said("thought-aaaaaaaaaaaaaa", column, "", "Hm.");
    said("running-aaaaaaaaaaaaaa", column, "So far", "");
    db.run(
      `insert into runs (id, conversation, message, status, created_at) values
       ('running-run-aaaaaaaaaa', 'conversation-aaaaaaaa', 'running-aaaaaaaaaaaaaa', 'running', 2)`,
    );
    for (const [thought, text] of [
      ["I ", ""],
      ["see.", ", so"],
      ["", " good."],
    ])
      if (version < 8)
        db.run("insert into drafts (run, text, reasoning) values ('running-run-aaaaaaaaaa', ?, ?)", [
          text as string,
          thought as string,
        ]);
      else
        for (const part of parts(text as string, thought))
          db.run(
            `insert into drafts (run, step, kind, text, stream_bytes)
             values ('running-run-aaaaaaaaaa', 0, ?, ?, 0)`,
            [part.kind, part.text],
          );
    db.close();
    return file;
  }

  for (let version = 1; version <= migrations.length; version++) {
    test(`a file of schema ${version} is read, with everything in it`, async () => {
      const file = made(version);
      const store = openSqlite(file);
      expect(
        (await store.thread("conversation-aaaaaaaa", { limit: 10 })).thread.map(
          ({ message }) => message.text,
        ),
      ).toEqual(["Wie war es früher?", "Anders."]);
      expect((await store.search(localPerson, "fruher", 10)).length).toBe(2);
      const record = await store.record("conversation-aaaaaaaa");
      expect(record?.messages.map(({ id, text, parts }) => [id.slice(0, 7), text, parts])).toEqual([
        ["questio", "Wie war es früher?", undefined],
        ["answer-", "Anders.", undefined],
        ["thinker", "42.", parts("42.", "Hm, 6 × 7.")],
        ["thought", "", parts("", "Hm.")],
        ["running", "So far, so good.", parts("So far, so good.", "I see.")],
      ]);
      expect(await store.unfinishedRuns()).toMatchObject([
        { draft: { parts: parts("So far, so good.", "I see."), step: 0, from: 0 } },
      ]);
      await store.close();
      expect(check(file)).toEqual([]);
      expect(existsSync(`${file}.before-${migrations.length}`)).toBe(version < migrations.length);
    });
  }

  test("before a file is changed a copy is set aside, and a step that fails changes nothing", () => {
    const file = made(migrations.length);
    const db = new Database(file);
    const next = migrations.length + 1;
    expect(() =>
      migrate(db, file, [...migrations, "alter table conversations add column mood text; select nonsense;"]),
    ).toThrow();
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
    expect(() => openSqlite(file)).toThrow(
      /^\S+ was made by a newer parlor \(schema \d+, this one knows \d+\); use that one$/,
    );
  });
});

describe("what is deleted can be read in no file", () => {
  /** Words of the kind in the files of the database and in a backup that is made now. */
  const left = (file: string, ...words: string[]): string[] => {
    const copy = join(folder, newId());
    backup(file, copy);
    const files = readdirSync(dirname(file)).filter((name) => !name.includes(".before-"));
    return [...files.map((name) => join(dirname(file), name)), copy].flatMap((path) => {
      const bytes = readFileSync(path);
      return words
        .filter((word) => bytes.includes(word))
        .map((word) => `${word} in ${path.slice(dirname(file).length)}`);
    });
  };
  const nothing = (file: string, ...words: string[]) =>
    until(() => left(file, ...words).length === 0, "nothing is left");
  const ending: Ending = { ...doneEnding, parts: [] };
  const secret = "Zwetschgenkuchen";
  const folded = "zwetschgenkuchen"; // as the search index has it
  const long = `${secret} ${"and more about it ".repeat(2_000)}`;

  /** A store with a lot beside, so that what is deleted lies among what stays. */
  async function filled(file: string, owner?: string, beside = 20) {
    const store = openSqlite(file);
    for (let i = 0; i < beside; i++) {
      const { run } = (await store.say({ ...say(newId()), text: `something else, ${i}` })) as QueuedRun;
      await store.start(run.id);
      await store.end(run.id, { ...ending, parts: parts("an answer") });
    }
    const conversation = newId();
    const said = (await store.say({
      ...say(conversation),
      text: long,
      ...(owner && { owner }),
    })) as QueuedRun;
    await store.start(said.run.id);
    for (let i = 0; i < 5; i++) await store.checkpoint([draft(said.run.id, `${secret}! `, `${secret}? `, 7)]);
    await store.end(said.run.id, {
      ...ending,
      parts: parts(`${secret}! `.repeat(5), `${secret}? `.repeat(5)),
    });
    await store.rename(conversation, `${secret}, baked`);
    return { store, conversation, said };
  }

  test("a conversation, by Delete and once it can't be undone any more", async () => {
    const file = fresh();
    const { store, conversation } = await filled(file);
    expect(left(file, secret, folded)).not.toEqual([]);
    await store.remove(conversation);
    await store.purge(Date.now() + 1);
    await nothing(file, secret, folded);
    await store.close();
    expect(left(file, secret, folded)).toEqual([]);
  });

  test("a conversation, by retention", async () => {
    const file = fresh();
    const { store, conversation } = await filled(file);
    await store.forget(conversation);
    await nothing(file, secret, folded);
    await store.close();
  });

  test("a message, by Delete and once it can't be undone any more", async () => {
    const file = fresh();
    const { store, conversation, said } = await filled(file);
    await store.rename(conversation, "a name");
    await store.prune(conversation, said.question?.id as string);
    await store.purge(Date.now() + 1_000);
    await nothing(file, secret, folded);
    await store.close();
  });

  test("a person: name, passwords, words", async () => {
    const file = fresh();
    await openSqlite(file).close();
    const before = openSqlite(file, { isShared: true });
    const person = await before.people.add({ name: secret, role: "member", password: "$argon2id$the-hash" });
    await before.close();
    const { store } = await filled(file, person.id);
    await store.people.change(person.id, { password: "$argon2id$another" });
    await nothing(file, "the-hash");
    await store.people.erase(person.id);
    await nothing(file, secret, folded, "$argon2id", person.id);
    await store.close();
  });

  test("while a backup is read: as soon as it is over", async () => {
    const file = fresh();
    const { store, conversation } = await filled(file);
    const reader = new Database(file);
    reader.run("begin");
    reader.query("select count(*) from messages").get();
    const startedAt = performance.now();
    await store.forget(conversation);
    expect(performance.now() - startedAt).toBeLessThan(1_000); // a reader delays nobody
    expect(left(file, secret)).not.toEqual([]);
    reader.run("rollback");
    reader.close();
    await nothing(file, secret, folded);
    await store.close();
  });

  test("by a process that ends at once, and by the next one where it was killed", async () => {
    const file = fresh();
    const { store, conversation } = await filled(file);
    await store.forget(conversation);
    await store.close();
    expect(left(file, secret, folded)).toEqual([]);
    const other = await filled(file);
    await other.store.forget(other.conversation);
    // as a kill leaves them: with what was to be done noted, and nothing done
    const killed = fresh();
    makeFile(killed);
    for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, `${killed}${end}`);
    expect(left(killed, folded)).not.toEqual([]);
    const again = openSqlite(killed);
    await nothing(killed, secret, folded);
    await again.close();
    await other.store.close();
  });

  test("others get their turn meanwhile", async () => {
    const { store, conversation } = await filled(fresh(), undefined, 300);
    await store.forget(conversation);
    let [turns, longestMs, last] = [0, 0, threadMs()];
    while (turns < 20) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const now = threadMs();
      [turns, longestMs, last] = [turns + 1, Math.max(longestMs, now - last), now];
    }
    expect(longestMs).toBeLessThan(100);
    await store.close();
  });

  test("a file of an older parlor loses text deleted before the upgrade; its copy is named", async () => {
    const file = fresh();
    makeFile(file);
    const old = new Database(file);
    migrate(old, file, migrations.slice(0, 4));
    old.run("insert into conversations (id, title, created_at, updated_at) values ('c', ?, 1, 1)", [long]);
    old.run(
      "insert into messages (id, conversation, role, text, created_at) values ('m', 'c', 'user', ?, 1)",
      [long],
    );
    old.run("delete from messages");
    old.run("delete from conversations");
    old.close();
    expect(left(file, secret, folded)).not.toEqual([]);
    const upgraded = openSqlite(file);
    expect(left(file, secret, folded)).toEqual([]);
    expect(setAsideCopies(file)).toEqual([`${file}.before-${migrations.length}`]);
    await upgraded.close();
  });
});
