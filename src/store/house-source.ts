// A house that is copied: its rows at one moment, page by page. Reads an SQLite file that no parlor uses, or
// a PostgreSQL database, also while a parlor uses that.

import { Database } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { Connection } from "../postgres/connection.ts";
import type { Value } from "./database.ts";
import { lockFile, StoreUnusable } from "./file.ts";
import type { HouseTable } from "./house-tables.ts";
import { unusableDatabase } from "./postgres.ts";
import { refuseOtherSchema } from "./postgres-migrate.ts";
import { numbered } from "./postgres-sql.ts";
import { openSqlite } from "./sqlite.ts";

export type Row = Readonly<Record<string, Value>>;

export interface HouseSource {
  /** Another one after each change of the house; null where that can't be told. */
  mark(): string | null;
  count(table: HouseTable): Promise<number>;
  /** The first rows behind the one with the key `after`, in the order of their keys. */
  page(table: HouseTable, after: readonly Value[] | null): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** Longest time of one statement, in ms. */
const statementMs = 120_000;
const connectMs = 3_000;

/**
 * Opens the house in `file`, and upgrades it first if an older parlor made it.
 * @throws StoreUnusable when there is none, a parlor uses it, or it can't be read
 */
export async function openSqliteSource(file: string): Promise<HouseSource> {
  if (!existsSync(file)) throw new StoreUnusable(`there is no ${file}`);
  const lock = lockFile(file);
  const db = await opened(file).catch((error) => {
    lock.release();
    throw error;
  });
  const read = (sql: string, ...values: Value[]) => db.query<Row, Value[]>(sql).all(...values);
  return {
    mark() {
      const [{ size, mtimeMs }, journal] = [statSync(file), `${file}-wal`];
      return [size, mtimeMs, existsSync(journal) ? statSync(journal).size : 0].join(" ");
    },
    count: async (table) => countIn(read(countOf(table))),
    page: async (table, after) => read(pageOf(table, after), ...(after ?? [])),
    async close() {
      db.close();
      lock.release();
    },
  };
}

/** Upgrades the file, and empties its journal, so that it changes no more until somebody writes. */
async function opened(file: string): Promise<Database> {
  await openSqlite(file, { isShared: true }).close();
  const db = new Database(file, { readonly: true, strict: true });
  db.run("begin"); // one moment, though a command may write meanwhile
  return db;
}

/**
 * Opens the house at `url`, as it is at this moment.
 * @param mayBeUsed also while a parlor uses it
 * @throws StoreUnusable when it can't be reached, or has another schema
 */
export async function openPostgresSource(url: string, mayBeUsed: boolean): Promise<HouseSource> {
  const connection = new Connection(url, { connectMs, statementMs });
  const read = async (sql: string, values: readonly Value[] = []) =>
    (await connection.query(numbered(sql), values)).rows as readonly Row[];
  try {
    await connection.query("begin isolation level repeatable read read only");
    await refuseOtherSchema(connection);
    if (!mayBeUsed && (await read("select 1 from lease where until > now()")).length > 0)
      throw new Error("a parlor uses it; end that one");
  } catch (error) {
    await connection.close();
    throw unusableDatabase(url, error);
  }
  return {
    mark: () => null,
    count: async (table) => countIn(await read(countOf(table))),
    page: (table, after) => read(pageOf(table, after), after ?? []),
    close: () => connection.close(),
  };
}

const countOf = ({ name }: HouseTable): string => `select count(*) as n from ${name}`;
const countIn = ([row]: readonly Row[]): number => Number(row?.["n"]);

function pageOf({ name, key, pageRows }: HouseTable, after: readonly Value[] | null): string {
  const keys = key.join(", ");
  const from = after === null ? "" : `where (${keys}) > (${key.map(() => "?").join(", ")})`;
  return `select * from ${name} ${from} order by ${keys} limit ${pageRows}`;
}
