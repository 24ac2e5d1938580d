// Opens the Store in an SQLite file: makes the file where there is none, takes its lock, and says in words
// why it can't be used.

import type { ChangeListener } from "./database.ts";
import { lockFile, makeFile, unusable } from "./file.ts";
import { SqlStore } from "./sql-store.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import type { Store } from "./store.ts";

interface SqliteOptions extends ChangeListener {
  /**
   * For commands that change accounts and conversations while a parlor serves the same file, and touch no
   * Run.
   */
  readonly isShared?: boolean;
  /**
   * The store whose links, usage, settings and audit log this one uses: temporary chats count as usage there.
   */
  readonly beside?: Store;
}

/**
 * Opens the database in `file`; makes and migrates it if need be. `:memory:` is a database that ends with the
 * process.
 * @throws StoreUnusable when it can't be written, is in use, or was made by a newer parlor
 */
export function openSqlite(
  file: string,
  { isShared = false, beside, ...listener }: SqliteOptions = {},
): Store {
  if (file === ":memory:")
    return new SqlStore(
      new SqliteDatabase(file, null, listener),
      beside instanceof SqlStore ? beside : undefined,
    );
  makeFile(file);
  const lock = isShared ? null : lockFile(file);
  try {
    return new SqlStore(new SqliteDatabase(file, lock, listener));
  } catch (error) {
    lock?.release();
    throw unusable(file, error);
  }
}
