// The servers of tests end with the process that started them.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../llama/server.ts";

const opens = (port: number): Promise<boolean> =>
  Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
    (socket) => {
      socket.end();
      return true;
    },
    () => false,
  );

test("they end when that process is killed", async () => {
  const program = `
    const { startPostgres, startRedis } = await import(${JSON.stringify(join(import.meta.dir, "servers.ts"))});
    console.log((await startPostgres()).port, (await startRedis()).port);
    await new Promise(() => setInterval(() => {}, 1000));`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const ports = new TextDecoder().decode(value).trim().split(" ").map(Number);
  expect(ports.length).toBe(2);
  for (const port of ports) expect(await opens(port)).toBe(true);
  child.kill("SIGKILL");
  for (const port of ports) await until(async () => !(await opens(port)), "nothing listens there any more");
}, 120_000);
