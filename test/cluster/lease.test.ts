// Who leads. If this fails, two processes begin the same answers, or none does.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Lease } from "../../src/cluster/lease.ts";
import { change } from "../../src/store/database.ts";
import { openPostgres, openPostgresDatabase } from "../../src/store/postgres.ts";
import { until } from "../llama/server.ts";
import { type PostgresServer, startPostgres } from "../postgres/servers.ts";
import { openWire } from "../postgres/wire.ts";

let server: PostgresServer;
const open: Lease[] = [];
beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
afterEach(async () => {
  for (const lease of open.splice(0)) await lease.resign();
});
afterAll(() => server.close());

const leaseMs = 1_500;

/** A database with the tables. */
async function fresh(): Promise<string> {
  const url = await server.database();
  await (await openPostgres(url)).close();
  return url;
}

/** A process that wants to lead, and what it was told. */
async function candidate(database: string, id: string) {
  const told: string[] = [];
  const lease = new Lease({
    ...{ database, id, url: `http://${id}`, leaseMs },
    gained: (term) => told.push(`gained ${term}`),
    lost: () => told.push("lost"),
    changed: (holder) => told.push(holder ? `led by ${holder.holder} ${holder.term}` : "led by nobody"),
    onError: () => {},
  });
  open.push(lease);
  await lease.start();
  return { lease, told };
}

test("the first process leads, and goes on leading; the others know who does", async () => {
  const url = await fresh();
  const [a, b] = [await candidate(url, "a"), await candidate(url, "b")];
  expect(a.told).toEqual(["led by a 1", "gained 1"]);
  expect(b.told).toEqual(["led by a 1"]);
  const later = performance.now() + leaseMs * 2;
  await until(() => performance.now() > later, "the lease would be over");
  expect([a.lease.isHeld, a.lease.term, b.lease.isHeld, b.lease.term]).toEqual([true, 1, false, 0]);
  expect(b.told).toEqual(["led by a 1"]);
}, 30_000);

test("who gives the lease up is followed at once", async () => {
  const url = await fresh();
  const [a, b] = [await candidate(url, "a"), await candidate(url, "b")];
  await a.lease.resign();
  await until(() => b.told.includes("gained 2"), "the other leads");
  expect(b.lease.isHeld).toBe(true);
}, 30_000);

test("who can't reach the database may do nothing once the lease is over, and learns that another leads", async () => {
  const url = await fresh();
  const wire = openWire(server.port);
  const a = await candidate(server.url(url.slice(url.lastIndexOf("/") + 1), wire.port), "a");
  const b = await candidate(url, "b");
  wire.freeze();
  const frozenAt = performance.now();
  await until(() => !a.lease.isHeld, "the lease is over");
  await until(() => b.told.includes("gained 2"), "the other leads");
  expect(performance.now() - frozenAt).toBeGreaterThan(leaseMs / 2);
  expect(a.told).not.toContain("lost"); // it can't know
  wire.thaw();
  await until(() => a.told.includes("lost"), "it has learned that");
  wire.close();
}, 60_000);

test("the same process goes on in its term when the database was away and nobody else led", async () => {
  const url = await fresh();
  const a = await candidate(url, "a");
  await server.stop("fast");
  await until(() => !a.lease.isHeld, "the lease is over");
  await server.start();
  await until(() => a.lease.isHeld, "the lease is held again");
  expect(a.lease.term).toBe(1);
}, 60_000);

test("what a process writes that leads no longer is refused, and it is told", async () => {
  const url = await fresh();
  const a = await candidate(url, "a");
  let deposed = 0;
  const term = () => a.lease.term;
  const store = await openPostgresDatabase(url, { term, deposed: () => deposed++ });
  const set = (value: string) => change("insert into settings (name, value) values ('waits', ?)", value);
  await store.write(() => set("1"));
  await store.write(() => change("delete from settings"));
  // another process has led meanwhile
  const other = await openPostgresDatabase(url);
  await other.write(() =>
    change("update lease set term = term + 1, holder = 'b', until = now() + interval '1 h'"),
  );
  expect(await store.write(() => set("2")).catch((error) => error.code)).toBe("store_unwritable");
  expect(deposed).toBe(1);
  expect(await other.write(() => change("delete from settings"))).toBe(0);
  await Promise.all([store.close(), other.close()]);
}, 30_000);
