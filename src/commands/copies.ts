// `parlor backup` and `parlor check`: a complete copy of the house in one SQLite file, and what is wrong
// with the house.

import { CommandError } from "../config/arguments.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import { backup, check } from "../store/file.ts";
import { say } from "./output.ts";
import type { Place } from "./place.ts";

// modules for PostgreSQL are loaded only where it is used

/** Copies the house to `to`. @throws StoreUnusable */
export async function backupHouse({ file, database }: Place, to: string): Promise<void> {
  if (database === null) backup(file, to);
  else await (await import("./migrate.ts")).backupPostgres(database, to);
  say(`${shown({ file, database })} is copied to ${to}`);
}

/** @throws CommandError with what is wrong, StoreUnusable when the house can't be read */
export async function checkHouse(place: Place): Promise<void> {
  const { faults, holds } = await examine(place);
  if (faults.length > 0)
    throw new CommandError(`${shown(place)} is damaged: ${faults.slice(0, 3).join("; ")}`, 1);
  say(`${shown(place)} is sound${holds}`);
}

/**
 * What is wrong with the house, and, of a database, what it holds, in words.
 * @throws StoreUnusable when it can't be read
 */
export async function examine({
  file,
  database,
}: Place): Promise<{ faults: readonly string[]; holds: string }> {
  if (database === null) return { faults: check(file), holds: "" };
  const { faults, counts } = await (await import("../store/postgres-check.ts")).checkPostgres(database);
  const told = ["people", "conversations", "messages", "files", "documents", "passages"];
  return { faults, holds: `: ${told.map((table) => `${counts.get(table)} ${table}`).join(", ")}` };
}

/** The name of the house as it may be shown. */
export const shown = ({ file, database }: Place): string =>
  database === null ? file : withoutSecrets(database);
