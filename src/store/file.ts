// The database as a file: access rights, the lock that keeps a second parlor out, backups, checks. Does not
// know the tables.

import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How long a write waits for another process that holds the file, in ms. */
const busyMs = 2_000;

/**
 * The file can't be used. The message is one line for the operator: which file, what is wrong with it, and
 * what to do.
 */
export class StoreUnusable extends Error {}

const elsewhere = "or choose another place with --data";
/** Error codes of SQLite (https://sqlite.org/rescode.html) and of the system, in words. */
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

/** A StoreUnusable for an error with a known code; any other error unchanged. */
export function unusable(file: string, error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const says = faults.find(([pattern]) => pattern.test(String(code)))?.[1];
  return error instanceof StoreUnusable || says === undefined
    ? error
    : new StoreUnusable(`${file} ${says} (${message})`);
}

/**
 * Makes the file and its folder where they are missing, with access for their owner only.
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
 * Locks the database for this process: an open transaction on a file beside it, which the system ends with
 * the process however that ends. Two parlors on one file would each take the other's running answers for
 * lost.
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

/** Opens the database in `file` with parlor's settings. */
export function openDatabase(file: string): Database {
  const db = new Database(file, { create: true, strict: true });
  db.run("pragma journal_mode = wal");
  db.run("pragma synchronous = normal");
  db.run("pragma foreign_keys = on");
  db.run("pragma secure_delete = on"); // overwrites deleted text, so that nobody can read it in the file
  db.run("pragma temp_store = memory"); // otherwise a large sort writes temporary chats to a file
  db.run(`pragma busy_timeout = ${busyMs}`); // a backup or a check may hold the file for a moment
  return db;
}

/**
 * Rewrites the database without deleted text that older versions of parlor left in it.
 * @throws StoreUnusable when the disk has too little room
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

/** Names of the search indexes in the current schema. */
export function searchTables(db: Database): string[] {
  const sql = `select name from sqlite_master
    where type = 'table' and replace(sql, ' ', '') like 'createvirtualtable%usingfts5(%'`;
  return db
    .query<{ name: string }, []>(sql)
    .all()
    .map(({ name }) => name);
}

/**
 * Moves the journal into the file and empties it, since it holds old versions of pages. Returns false at once
 * while another process reads.
 */
export function emptyJournal(db: Database): boolean {
  db.run("pragma busy_timeout = 0");
  const isDone = db.query<{ busy: number }, []>("pragma wal_checkpoint(truncate)").get()?.busy !== 1;
  db.run(`pragma busy_timeout = ${busyMs}`);
  return isDone;
}

/** Copies of `file` from before upgrades. They hold text that was deleted since. */
export function setAsideCopies(file: string): string[] {
  const beginning = `${basename(file)}.before-`;
  const names = existsSync(dirname(file)) ? readdirSync(dirname(file)) : [];
  return names.filter((name) => name.startsWith(beginning)).map((name) => join(dirname(file), name));
}

/**
 * Copies the database in `file` to `copy`. A parlor may be using it.
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
 * Faults that SQLite finds in `file`: structure, then references. Empty for a sound file.
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
