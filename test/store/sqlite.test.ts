// SQLite keeps the Store's promises.

import { openSqlite } from "../../src/store/sqlite.ts";
import { accountsContract } from "../contract/accounts.ts";
import { collectionsContract } from "../contract/collections.ts";
import { filesContract } from "../contract/files.ts";
import { sourcesContract } from "../contract/sources.ts";
import { storeContract } from "../contract/store.ts";
import { vectorsContract } from "../contract/vectors.ts";

storeContract("sqlite", async () => openSqlite(":memory:"));
accountsContract("sqlite", async () => openSqlite(":memory:"));
collectionsContract("sqlite", async () => openSqlite(":memory:"));
vectorsContract("sqlite", async () => openSqlite(":memory:"));
sourcesContract("sqlite", async () => openSqlite(":memory:"));
filesContract("sqlite", async () => openSqlite(":memory:"));
