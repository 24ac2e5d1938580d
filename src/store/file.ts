// The Store's file as a file: rights for its owner only, one parlor at a time, a copy while it is in use, a check.
// Knows nothing of what is in it. Used by store/sqlite and by main's commands.

import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How long a write waits for another process that holds the file, in ms. */
const busyMs = 2_000;

/** The file can't be used; its message is one line for whoever starts parlor. */
export class StoreUnusable extends Error {}

/**
 * Makes the file and its folder, readable by their owner alone, if they are not there.
 * @throws StoreUnusable
 */
export function makeFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "a", 0o600)); // SQLite gives -wal and -shm the rights of the file itself
  } catch (error) {
    throw new StoreUnusable(`can't write ${file}: ${(error as Error).message}`);
  }
}

export interface FileLock {
  release(): void;
}

/**
 * Takes the file for this process, until it ends however it ends: an open transaction on a file of its own, which the
 * system drops with the process. Two parlors on one file would each take the other's running answers for lost.
 * @throws StoreUnusable
 */
export function lockFile(file: string): FileLock {
  const lock = new Database(`${file}.lock`, { create: true });
  try {
    chmodSync(`${file}.lock`, 0o600);
    lock.run("begin exclusive");
  } catch {
    lock.close();
    throw new StoreUnusable(`${file} is in use by another parlor; end that one, or choose another place with --data`);
  }
  return { release: () => lock.close() };
}

/** The database in `file` as parlor uses it: a journal beside it, references that hold. */
export function openDatabase(file: string): Database {
  const db = new Database(file, { create: true, strict: true });
  db.run("pragma journal_mode = wal");
  db.run("pragma synchronous = normal");
  db.run("pragma foreign_keys = on");
  db.run("pragma secure_delete = on"); // what is deleted is overwritten, so that nothing of it can be read in the file
  db.run("pragma temp_store = memory"); // a large sort would else go to a file, a temporary chat's text with it
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
    throw new StoreUnusable(`can't rewrite ${file} without what was deleted in it: ${(error as Error).message}`);
  }
}

/** The search indexes of the schema as it is. */
export function searchTables(db: Database): string[] {
  const sql = "select name from sqlite_master where type = 'table' and replace(sql, ' ', '') like 'createvirtualtable%usingfts5(%'";
  return db
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name);
}

/** Moves the journal into the file and empties it, for it holds what pages were before. False, at once, while somebody else reads. */
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
    const references = db.query<{ table: string; rowid: number; parent: string }, []>("pragma foreign_key_check").all();
    return [...structure, ...references.map(({ table, rowid, parent }) => `row ${rowid} of ${table} points to nothing in ${parent}`)];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    db.close();
  }
}

function openExisting(file: string): Database {
  if (!existsSync(file)) throw new StoreUnusable(`there is no ${file}`);
  return new Database(file, { readwrite: true });
}
