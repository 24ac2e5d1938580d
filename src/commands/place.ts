// Where commands find the house: an SQLite file or a PostgreSQL database, which a parlor may be using.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { en } from "../../views/words/en.ts";
import { CommandError } from "../config/arguments.ts";
import { Failure } from "../domain/failure.ts";
import { backup } from "../store/file.ts";
import { openSqlite } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";

export interface Place {
  readonly file: string;
  /** Address of the database that is used instead of the file. */
  readonly database: string | null;
}

type Work = (store: Store) => Promise<void>;

/** Runs `work` on the Store. @throws CommandError, StoreUnusable */
export async function withStore({ file, database }: Place, work: Work): Promise<void> {
  let damage = "";
  const damaged = (line: string) => {
    damage = line;
  };
  const options = { isShared: true as const, damaged };
  const store = database === null ? openSqlite(file, options) : await openDatabase(database, options);
  try {
    await work(store);
  } catch (error) {
    if (damage !== "") throw new CommandError(damage, 1);
    if (!(error instanceof Failure) || error.code === "internal") throw error;
    throw new CommandError(en.failures[error.code](error.facts), 1);
  } finally {
    await store.close();
  }
}

/** The same for work that reads all of it: on a copy of a file, which it would hold for long. */
export async function withCopy(place: Place, work: Work): Promise<void> {
  if (place.database !== null) return withStore(place, work);
  const folder = mkdtempSync(join(tmpdir(), "parlor-copy-"));
  let store: Store | null = null;
  try {
    const copy = join(folder, "parlor.db");
    backup(place.file, copy);
    store = openSqlite(copy);
    await work(store);
  } finally {
    await store?.close();
    rmSync(folder, { recursive: true });
  }
}

/** Its module is loaded only where it is needed. */
async function openDatabase(url: string, options: { isShared: true; damaged(line: string): void }) {
  return (await import("../store/postgres.ts")).openPostgres(url, options);
}
