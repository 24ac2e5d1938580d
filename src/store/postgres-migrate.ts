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
 * @throws Error when it was made by a newer parlor, or holds something else; PostgresError
 */
export async function migrate(connection: Connection, steps: readonly string[] = migrations): Promise<void> {
  await connection.query(`begin; set local lock_timeout = '${waitSeconds}s'`);
  try {
    await connection.query(`select pg_advisory_xact_lock(${schemaLock})`);
    await apply(connection, steps);
  } catch (error) {
    await connection.query("rollback").catch(() => connection.close());
    throw error;
  }
  await connection.query("commit");
}

async function apply(connection: Connection, steps: readonly string[]): Promise<void> {
  const find = "select table_name from information_schema.tables where table_schema = current_schema()";
  const { rows: tables } = await connection.query(find);
  const isKnown = tables.some((row) => row["table_name"] === "schema_version");
  if (!isKnown && tables.length > 0)
    throw new Error("it holds what another program keeps; choose an empty one");
  if (!isKnown)
    await connection.query(
      "create table schema_version (version bigint not null); insert into schema_version values (0)",
    );
  const { rows } = await connection.query("select version from schema_version");
  const done = Number(rows[0]?.["version"]);
  if (done > steps.length)
    throw new Error(
      `it was made by a newer parlor (schema ${done}, this one knows ${steps.length}); use that`,
    );
  for (const sql of steps.slice(done)) await connection.query(sql);
  if (done < steps.length) await connection.query("update schema_version set version = $1", [steps.length]);
}
