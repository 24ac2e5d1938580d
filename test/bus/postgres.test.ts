// PostgreSQL as the Bus keeps the Bus's promises, in one process and between two.

import { afterAll, beforeAll } from "bun:test";
import { postgresBus } from "../../src/bus/postgres.ts";
import { busContract, remoteBusContract } from "../contract/bus.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";
import { openWire } from "../postgres/wire.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterAll(() => server.close());

/** Short waits, so that tests of failures are quick. */
const bounds = { connectMs: 2_000, statementMs: 1_000, beatMs: 200 };

busContract("postgres", async () => postgresBus(await server.database(), bounds));
remoteBusContract("postgres", async () => {
  const url = await server.database();
  const wire = openWire(server.port);
  const far = server.url(url.slice(url.lastIndexOf("/") + 1), wire.port);
  return {
    near: await postgresBus(url, bounds),
    far: await postgresBus(far, bounds),
    wire,
    restart: () => server.stop("fast").then(() => server.start()),
  };
});
