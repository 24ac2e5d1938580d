// Redis as the Bus keeps the Bus's promises, in one process and between two.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { redisBus } from "../../src/bus/redis.ts";
import type { HouseEvent } from "../../src/domain/event.ts";
import { busContract, remoteBusContract } from "../contract/bus.ts";
import { until } from "../llama/server.ts";
import { startRedis } from "../postgres/servers.ts";
import { openWire } from "../postgres/wire.ts";

let server: Awaited<ReturnType<typeof startRedis>>;
beforeAll(async () => {
  server = await startRedis();
}, 120_000);
afterAll(() => server.close());

/** Short waits, so that tests of failures are quick. */
const bounds = { connectMs: 2_000, sendMs: 1_000, beatMs: 200 };

busContract("redis", () => redisBus(server.url, bounds));
remoteBusContract("redis", async () => {
  const wire = openWire(server.port);
  return {
    near: await redisBus(server.url, bounds),
    far: await redisBus(`redis://127.0.0.1:${wire.port}`, bounds),
    wire,
    restart: () => server.restart(),
  };
});

test("a server that stands still for a while doubles nothing and mixes nothing up", async () => {
  const [near, far] = [await redisBus(server.url, bounds), await redisBus(server.url, bounds)];
  const heard: number[] = [];
  let missed = 0;
  far.subscribe(
    "a",
    (event) => heard.push("n" in event ? event.n : -1),
    () => missed++,
  );
  let n = 0;
  const say = () => near.publish("a", { kind: "part", n: n++ } as unknown as HouseEvent);
  say();
  await until(() => heard.length === 1, "it is heard");
  const client = new RedisClient(server.url);
  const isBack = client.send("DEBUG", ["SLEEP", "2"]);
  const timer = setInterval(say, 10);
  await isBack;
  const after = n;
  await until(() => heard.some((each) => each > after), "events come again");
  clearInterval(timer);
  client.close();
  expect(missed).toBeGreaterThan(0);
  expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
  await Promise.all([near.close(), far.close()]);
});
