// Opens the Store in a PostgreSQL database: brings its schema to the newest, and says in words why it can't
// be used.

import { Connection } from "../postgres/connection.ts";
import type { PoolBounds } from "../postgres/pool.ts";
import type { ChangeListener } from "./database.ts";
import { StoreUnusable } from "./file.ts";
import { PostgresDatabase, standardBounds } from "./postgres-database.ts";
import { migrate } from "./postgres-migrate.ts";
import { SqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** An upgrade may take long. */
const upgradeMs = 30 * 60_000;

/**
 * Opens the database at `url` (`postgres://…`); makes and upgrades its tables if need be.
 * @throws StoreUnusable when it can't be reached or written, or was made by a newer parlor
 */
export async function openPostgres(
  url: string,
  listener: ChangeListener = {},
  bounds: Partial<PoolBounds> = {},
): Promise<Store> {
  return new SqlStore(await openPostgresDatabase(url, listener, bounds));
}

/** As `openPostgres`, without tables. */
export async function openPostgresDatabase(
  url: string,
  listener: ChangeListener = {},
  bounds: Partial<PoolBounds> = {},
): Promise<PostgresDatabase> {
  const { connectMs } = standardBounds;
  const connection = new Connection(url, { connectMs, statementMs: upgradeMs });
  try {
    await migrate(connection);
    return await PostgresDatabase.open(url, listener, { ...standardBounds, ...bounds });
  } catch (error) {
    throw new StoreUnusable(`can't use ${withoutPassword(url)}: ${(error as Error).message}`);
  } finally {
    await connection.close();
  }
}

export const withoutPassword = (url: string): string => url.replace(/(\/\/[^/:@]*):[^@]*@/, "$1@");
