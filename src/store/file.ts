// The Store's file as a file: rights for its owner only, one parlor at a time, a copy while it is in use, a
// check. Knows nothing of what is in it.

import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How long a write waits for another process that holds the file, in ms. */
const busyMs = 2_000;

/**
 * The file can't be used; its message is one line for whoever starts parlor: which file, what is wrong with
 * it, and what to do.
 */
export class StoreUnusable extends Error {}

const elsewhere = "or choose another place with --data";
/** What SQLite (https://sqlite.org/rescode.html) and the system say of a file, in words. */
const faults: readonly [code: RegExp, says: string][] = [
  [
    /^SQLITE_NOTADB/,
    `is no database, or its beginning is damaged; put a backup in its place, move it away, ${elsewhere}`,
  ],
  [
    /^SQLITE_CORRUPT/,
    "is damaged or cut off; stop parlor, keep a copy of it, and put a backup in its place; " +
      "what is wrong with it says `parlor check`",
  ],
  [/^SQLITE_(BUSY|LOCKED)/, "is held by another program; end that one, then start parlor again"],
  [
    /^(SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|EACCES|EPERM|EROFS)/,
    `can't be written; give it and its folder to the user that parlor runs as, ${elsewhere}`,
  ],
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/, `can't be written, for the disk is full; make room, ${elsewhere}`],
  [
    /^SQLITE_IOERR/,
    "can't be read or written: the disk fails, or is a share that can't lock files; " +
      "`parlor check` says what is still sound",
  ],
  [
    /^(EISDIR|ENOTDIR)/,
    `can't be made: a folder or a file of that name is in the way; move it, ${elsewhere}`,
  ],
];

/** What is known about an error of this file, in one line; the error itself where nothing is. */
export function unusable(file: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const says = faults.find(([pattern]) => pattern.test(String(code)))?.[1];
  return error instanceof StoreUnusable || says === undefined
    ? error
    : new StoreUnusable(`${file} ${says} (${message})`);
}

/**
 * Makes the file and its folder, readable by their owner alone, if they are not there.
 * @throws StoreUnusable
 */
export function makeFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "a", 0o600)); // SQLite gives -wal and -shm the rights of the file itself
  } catch (error) {
    const known = unusable(file, error);
    throw known instanceof StoreUnusable
      ? known
      : new StoreUnusable(
          `${file} can't be made: ${(error as Error).message}; choose another place with --data`,
        );
  }
}

export interface FileLock {
  release(): void;
}

/**
 * Takes the file for this process, until it ends however it ends: an open transaction on a file of its own,
 * which the system drops with the process. Two parlors on one file would each take the other's running
 * answers for lost.
 * @throws StoreUnusable
 */
export function lockFile(file: string): FileLock {
  let lock: Database | null = null;
  try {
    lock = new Database(`${file}.lock`, { create: true });
    chmodSync(`${file}.lock`, 0o600);
    lock.run("begin exclusive");
  } catch (error) {
    lock?.close();
    if (/^SQLITE_BUSY/.test(String((error as { code?: unknown }).code)))
      throw new StoreUnusable(`${file} is in use by another parlor; end that one, ${elsewhere}`);
    throw unusable(`${file}.lock`, error);
  }
  return { release: () => lock.close() };
}

/** The database in `file` as parlor uses it: a journal beside it, references that hold. */
export function openDatabase(file: string): Database {
  const db = new Database(file, { create: true, strict: true });
  db.run("pragma journal_mode = wal");
  db.run("pragma synchronous = normal");
  db.run("pragma foreign_keys = on");
  db.run("pragma secure_delete = on"); // overwrites deleted text, so that nobody can read it in the file
  db.run("pragma temp_store = memory"); // otherwise a large sort writes temporary chats to a file
  db.run(`pragma busy_timeout = ${busyMs}`); // a backup or a check of the file may hold it for a moment
  return db;
}

/**
 * Rewrites the database without what was deleted in it so far, which parlors before left there.
 * @throws StoreUnusable when there is no room to do so
 */
export function rewrite(db: Database, file: string): void {
  try {
    for (const index of searchTables(db)) db.run(`insert into ${index} (${index}) values ('optimize')`);
    db.run("vacuum");
    emptyJournal(db);
  } catch (error) {
    throw new StoreUnusable(
      `can't rewrite ${file} without what was deleted in it: ${(error as Error).message}`,
    );
  }
}

/** The search indexes of the schema as it is. */
export function searchTables(db: Database): string[] {
  const sql = `select name from sqlite_master
    where type = 'table' and replace(sql, ' ', '') like 'createvirtualtable%usingfts5(%'`;
  return db
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name);
}

/**
 * Moves the journal into the file and empties it, for it holds what pages were before. False, at once, while
 * somebody else reads.
 */
export function emptyJournal(db: Database): boolean {
  db.run("pragma busy_timeout = 0");
  const isDone = db.query<{ busy: number }, []>("pragma wal_checkpoint(truncate)").get()?.busy !== 1;
  db.run(`pragma busy_timeout = ${busyMs}`);
  return isDone;
}

/** The copies of `file` that were set aside before upgrades: they hold what was deleted since. */
export function setAsideCopies(file: string): string[] {
  const beginning = `${basename(file)}.before-`;
  const names = existsSync(dirname(file)) ? readdirSync(dirname(file)) : [];
  return names.filter((name) => name.startsWith(beginning)).map((name) => join(dirname(file), name));
}

/**
 * Copies the database in `file` to `copy`, also while a parlor uses it.
 * @throws StoreUnusable
 */
export function backup(file: string, copy: string): void {
  if (existsSync(copy)) throw new StoreUnusable(`${copy} is there already; name a file that is not`);
  const db = openExisting(file);
  try {
    db.query("vacuum into ?").run(copy);
    chmodSync(copy, 0o600);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (/^SQLITE_(CORRUPT|NOTADB|BUSY)/.test(String(code))) throw unusable(file, error);
    throw new StoreUnusable(`can't copy to ${copy}: ${(error as Error).message}`);
  } finally {
    db.close();
  }
}

/**
 * What SQLite finds wrong in `file`: structure, then references; empty when all is well.
 * @throws StoreUnusable when it can't be opened
 */
export function check(file: string): string[] {
  const db = openExisting(file);
  try {
    const found = db.query<{ integrity_check: string }, []>("pragma integrity_check").all();
    const structure = found.map((row) => row.integrity_check).filter((line) => line !== "ok");
    const references = db
      .query<{ table: string; rowid: number; parent: string }, []>("pragma foreign_key_check")
      .all();
    return [
      ...structure,
      ...references.map(
        ({ table, rowid, parent }) => `row ${rowid} of ${table} points to nothing in ${parent}`,
      ),
    ];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    db.close();
  }
}

function openExisting(file: string): Database {
  if (!existsSync(file)) throw new StoreUnusable(`there is no ${file}`);
  try {
    return new Database(file, { readwrite: true });
  } catch (error) {
    throw unusable(file, error);
  }
}
