// Opens the Store in a PostgreSQL database: brings its schema to the newest, and says in words why it can't
// be used.

import { Connection } from "../postgres/connection.ts";
import type { PoolBounds } from "../postgres/pool.ts";
import { one } from "./database.ts";
import { StoreUnusable } from "./file.ts";
import { PostgresDatabase, type PostgresOptions, standardBounds } from "./postgres-database.ts";
import { migrate } from "./postgres-migrate.ts";
import { openVectors } from "./postgres-vectors.ts";
import { SqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** An upgrade may take long. */
const upgradeMs = 30 * 60_000;
/** So may the index of some hundred long messages. */
const intakeMs = 2 * 60_000;

/**
 * Opens the database at `url` (`postgres://…`); makes and upgrades its tables if need be.
 * @throws StoreUnusable when it can't be reached or written, or was made by a newer parlor
 */
export async function openPostgres(
  url: string,
  options: PostgresOptions = {},
  bounds: Partial<PoolBounds> = {},
): Promise<Store> {
  return new SqlStore(await openPostgresDatabase(url, options, bounds));
}

/**
 * Opens the database at `url` for a house that is moved into it.
 * @throws StoreUnusable also while a parlor uses it
 */
export async function openPostgresIntake(url: string): Promise<PostgresDatabase> {
  const database = await openPostgresDatabase(url, { isShared: true }, { statementMs: intakeMs }, true);
  database.forgetting.rest(); // it would erase rows that others still refer to
  const led = await database.read(() => one("select 1 from lease where until > now()"));
  if (led === null) return database;
  await database.close();
  throw new StoreUnusable(`a parlor uses ${withoutPassword(url)}; end that one`);
}

/** As `openPostgres`, without tables. */
export async function openPostgresDatabase(
  url: string,
  options: PostgresOptions = {},
  bounds: Partial<PoolBounds> = {},
  isIntake = false,
): Promise<PostgresDatabase> {
  const { connectMs } = standardBounds;
  const connection = new Connection(url, { connectMs, statementMs: upgradeMs });
  try {
    await migrate(connection, isIntake);
    const vectors = await openVectors(connection, options);
    return await PostgresDatabase.open(url, options, { ...standardBounds, ...bounds }, vectors);
  } catch (error) {
    throw unusableDatabase(url, error);
  } finally {
    await connection.close();
  }
}

/** Says why the database at `url` can't be used. */
export const unusableDatabase = (url: string, error: unknown): StoreUnusable =>
  new StoreUnusable(`can't use ${withoutPassword(url)}: ${(error as Error).message}`);

/** The address as it may be shown. */
export const withoutPassword = (url: string): string => url.replace(/(\/\/[^/:@]*):[^@]*@/, "$1@");
