// `parlor migrate`: moves a house from an SQLite file to PostgreSQL, or back. Also writes the copies of
// houses in PostgreSQL (`parlor backup`).

import { existsSync, renameSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { CommandError } from "../config/arguments.ts";
import { termsOf } from "../documents/indexing.ts";
import { Failure } from "../domain/failure.ts";
import { PostgresError } from "../postgres/connection.ts";
import { lockFile, makeFile, StoreUnusable, unusable } from "../store/file.ts";
import { type Balance, copyHouse } from "../store/house-copy.ts";
import { type HouseSource, openPostgresSource, openSqliteSource } from "../store/house-source.ts";
import { postgresIntake, sqliteIntake } from "../store/intake.ts";
import { openPostgresIntake, withoutPassword } from "../store/postgres.ts";
import { SqliteDatabase } from "../store/sqlite-database.ts";
import { say } from "./output.ts";

const usage =
  "usage: parlor migrate --from FILE.db --to postgres://USER@HOST/NAME, or from there to a new FILE.db";

/** True for the address of a database, false for the name of a file. */
const isAddress = (place: string): boolean => /^postgres(ql)?:\/\//i.test(place);

/** @throws CommandError, StoreUnusable */
export async function runMigrate(args: readonly string[]): Promise<void> {
  const { from, to } = readArguments(args);
  if (isAddress(from) === isAddress(to)) throw new CommandError(usage, 2);
  const moving = isAddress(to) ? toPostgres(from, to) : toFile(from, to, false, progress);
  const balance = await moving.catch(failInWords);
  for (const { table, source, target } of balance)
    if (source > 0 || target > 0) say(`${table}\t${target}${target === source ? "" : ` of ${source}`}`);
  refuseMissing(balance);
  const rows = balance.reduce((sum, each) => sum + each.target, 0);
  say(`${withoutPassword(from)} is copied to ${withoutPassword(to)}: all of its ${rows} rows are there`);
}

/**
 * Writes a house in PostgreSQL to a new SQLite file, as it is at one moment; a parlor may be using it.
 * @throws StoreUnusable
 */
export async function backupPostgres(url: string, to: string): Promise<void> {
  refuseMissing(await toFile(url, to, true).catch(failInWords));
}

/** A database that is away, or a disk that is full. */
function failInWords(error: unknown): never {
  if (error instanceof PostgresError) throw new CommandError(`PostgreSQL: ${error.message}`, 1);
  if (error instanceof Failure && error.code === "store_unwritable")
    throw new CommandError("it can't be written now; the same command goes on once it can", 1);
  throw error;
}

function readArguments(args: readonly string[]): { from: string; to: string } {
  const options = { from: { type: "string" }, to: { type: "string" } } as const;
  try {
    const { from, to } = parseArgs({ args: [...args], options }).values;
    if (from !== undefined && to !== undefined) return { from, to };
  } catch {
    // an option that it does not know, or a word too much
  }
  throw new CommandError(usage, 2);
}

async function toPostgres(from: string, to: string): Promise<readonly Balance[]> {
  const source = await openSqliteSource(from);
  try {
    const target = await openPostgresIntake(to);
    try {
      return await copyHouse({ source, target, intake: postgresIntake, termsOf, progress });
    } catch (error) {
      if (error instanceof StoreUnusable)
        throw new StoreUnusable(`can't move it to ${withoutPassword(to)}: ${error.message}`);
      throw error;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function toFile(
  from: string,
  to: string,
  mayBeUsed: boolean,
  progress?: (table: string, done: number, total: number) => void,
): Promise<readonly Balance[]> {
  if (existsSync(to)) throw new StoreUnusable(`${to} is there already; name a file that is not`);
  const source = await openPostgresSource(from, mayBeUsed);
  try {
    return await writeFile(source, to, progress);
  } finally {
    await source.close();
  }
}

/** Writes `TO.part`, which gets its name when it is complete. */
async function writeFile(
  source: HouseSource,
  to: string,
  progress?: (table: string, done: number, total: number) => void,
): Promise<readonly Balance[]> {
  const part = `${to}.part`;
  const remove = () => {
    for (const ending of ["", "-wal", "-shm"]) rmSync(part + ending, { force: true });
  };
  const lock = lockFile(part);
  try {
    remove(); // what an interrupted one has left
    makeFile(part);
    const target = new SqliteDatabase(part, null);
    const copying = copyHouse({
      ...{ source, target, intake: sqliteIntake, termsOf },
      ...(progress && { progress }),
    });
    const balance = await copying.finally(() => target.close());
    if (missing(balance).length === 0) renameSync(part, to);
    return balance;
  } catch (error) {
    throw unusable(part, error);
  } finally {
    remove();
    lock.release();
    rmSync(`${part}.lock`, { force: true });
  }
}

/** Tables that lack rows. */
const missing = (balance: readonly Balance[]): readonly string[] =>
  balance.filter(({ source, target }) => source !== target).map(({ table }) => table);

/** @throws CommandError */
function refuseMissing(balance: readonly Balance[]): void {
  const tables = missing(balance);
  if (tables.length > 0) throw new CommandError(`rows are missing: ${tables.join(", ")}`, 1);
}

/** Shows on a terminal how far a table is. */
function progress(table: string, done: number, total: number): void {
  if (!process.stderr.isTTY || total === 0) return;
  process.stderr.write(`\r${table}: ${done} of ${total}\u001b[K${done === total ? "\r\u001b[K" : ""}`);
}
