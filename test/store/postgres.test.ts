// PostgreSQL keeps the Store's promises.

import { Database as Sqlite } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { all } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openPostgres, openPostgresDatabase } from "../../src/store/postgres.ts";
import { accountsContract } from "../contract/accounts.ts";
import { collectionsContract } from "../contract/collections.ts";
import { databaseContract } from "../contract/database.ts";
import { filesContract } from "../contract/files.ts";
import { nearnessContract } from "../contract/nearness.ts";
import { sourcesContract } from "../contract/sources.ts";
import { storeContract } from "../contract/store.ts";
import { vectorsContract } from "../contract/vectors.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";

let server: PostgresServer;
let template: string;
beforeAll(async () => {
  server = await startPostgres();
  const url = await server.database();
  await (await openPostgresDatabase(url)).close();
  template = url.slice(url.lastIndexOf("/") + 1);
}, 120_000);
afterAll(() => server.close());

/** An empty house. */
const fresh = () => server.database(template);

databaseContract("postgres", async () => openPostgresDatabase(await fresh()));
storeContract("postgres", async () => openPostgres(await fresh()));
accountsContract("postgres", async () => openPostgres(await fresh()));
collectionsContract("postgres", async () => openPostgres(await fresh()));
sourcesContract("postgres", async () => openPostgres(await fresh()));
filesContract("postgres", async () => openPostgres(await fresh()));
vectorsContract("postgres", async () => openPostgres(await fresh()));
nearnessContract("postgres without pgvector", async () => openPostgres(await fresh()));

test("one line says that there is no pgvector, and the Store compares no vectors", async () => {
  const said: string[] = [];
  const store = await openPostgres(await fresh(), { lacks: (line) => said.push(line) });
  expect(store.documents.vectors.nearest).toBeNull();
  expect(said).toEqual([expect.stringContaining("PostgreSQL has no pgvector, so vectors are compared in")]);
  await store.close();
});

test("the tables have the columns that they have in SQLite", async () => {
  type Column = { table: string; column: string };
  const lines = (columns: readonly Column[]) =>
    columns.map(({ table, column }) => `${table}.${column}`).sort();
  const sqlite = new Sqlite(":memory:");
  migrate(sqlite, ":memory:");
  // its search indexes are virtual tables, with tables of their own
  const theirs = `select t.name as "table", c.name as "column" from pragma_table_list t
    join pragma_table_info(t.name) c where t.type = 'table' and t.name not like 'sqlite_%'`;
  const database = await openPostgresDatabase(await fresh());
  const columns = await database.read(() =>
    all<Column>(
      `select table_name as "table", column_name as "column" from information_schema.columns
       where table_schema = 'public' and table_name not in ('schema_version', 'lease') and table_name !~ '^passage_(terms|lists|blocks|sizes|totals)$'`,
    ),
  );
  await database.close();
  expect(lines(columns)).toEqual(lines(sqlite.query<Column, []>(theirs).all()));
  sqlite.close();
});
