// The numbered migrations for PostgreSQL, embedded in the executable and applied in order, one process at a
// time. The table `schema_version` has the number of applied ones.

import type { Connection } from "../postgres/connection.ts";
import house from "./postgres/001_house.sql" with { type: "text" };

/** In order. A released migration is never changed. */
const migrations: readonly string[] = [house];

/** Key of the lock that a process holds while it migrates. */
const schemaLock = 7_202;
/** Longest wait for another process that migrates, in seconds. */
const waitSeconds = 60;

/**
 * Brings the database to the newest schema, in one transaction.
 * @param isIntake true for the process that moves a house into it
 * @throws Error when it was made by a newer parlor, holds something else or half a house; PostgresError
 */
export async function migrate(
  connection: Connection,
  isIntake = false,
  steps: readonly string[] = migrations,
): Promise<void> {
  await changeSchema(connection, () => apply(connection, steps, isIntake));
}

/** Runs `change` in a transaction while no other process changes the schema. */
export async function changeSchema(connection: Connection, change: () => Promise<unknown>): Promise<void> {
  await connection.query(`begin; set local lock_timeout = '${waitSeconds}s'`);
  try {
    await connection.query(`select pg_advisory_xact_lock(${schemaLock})`);
    await change();
  } catch (error) {
    await connection.query("rollback").catch(() => connection.close());
    throw error;
  }
  await connection.query("commit");
}

/** @throws Error when the database has no house of the newest schema; PostgresError */
export async function refuseOtherSchema(connection: Connection): Promise<void> {
  const tables = await tablesOf(connection);
  if (!tables.includes("schema_version")) throw new Error("it holds no house");
  refuseUnfinished(tables);
  const version = await versionOf(connection);
  if (version > migrations.length) throw new Error(madeByNewer(version));
  if (version < migrations.length)
    throw new Error("it was made by an older parlor; start this one on it once, which upgrades it");
}

async function apply(connection: Connection, steps: readonly string[], isIntake: boolean): Promise<void> {
  const tables = await tablesOf(connection);
  const isKnown = tables.includes("schema_version");
  if (!isKnown && tables.length > 0)
    throw new Error("it holds what another program keeps; choose an empty one");
  if (!isIntake) refuseUnfinished(tables);
  if (!isKnown) {
    await refuseAscii(connection);
    const table = "create table schema_version (version bigint not null)";
    await connection.query(`${table}; insert into schema_version values (0)`);
  }
  const done = await versionOf(connection);
  if (done > steps.length) throw new Error(madeByNewer(done));
  for (const sql of steps.slice(done)) await connection.query(sql);
  if (done < steps.length) await connection.query("update schema_version set version = $1", [steps.length]);
}

/** A database whose locale is "C" knows no other letters than those of ASCII: a search would miss words. */
async function refuseAscii(connection: Connection): Promise<void> {
  const { rows } = await connection.query("select lower('Ä') = 'ä' and 'ä' ~ '[[:alnum:]]' as is_fine");
  if (rows[0]?.["is_fine"] !== true)
    throw new Error(
      "its locale has no letters but those of ASCII; make it with locale 'C.UTF-8', encoding UTF8",
    );
}

async function tablesOf(connection: Connection): Promise<readonly unknown[]> {
  const find = "select table_name from information_schema.tables where table_schema = current_schema()";
  return (await connection.query(find)).rows.map((row) => row["table_name"]);
}

async function versionOf(connection: Connection): Promise<number> {
  const { rows } = await connection.query("select version from schema_version");
  return Number(rows[0]?.["version"]);
}

/** The table is there until all of a house is: see store/house-copy. */
function refuseUnfinished(tables: readonly unknown[]): void {
  if (tables.includes("migration"))
    throw new Error("a house is being moved there; the same parlor migrate again goes on with it");
}

const madeByNewer = (version: number): string =>
  `it was made by a newer parlor (schema ${version}, this one knows ${migrations.length}); use that`;
