// The benchmarks run: each contender is started, asked and measured, in a short form that says nothing of how fast anything is. If this fails,
// the numbers of bench/README.md can't be had again.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { llamaProgram } from "../llama/server.ts";

const root = join(import.meta.dir, "../..");

async function short(name: string): Promise<string> {
  const env = { ...process.env, QUICK: "1", LLAMA_SERVER: llamaProgram() };
  const child = Bun.spawn([process.execPath, join(root, `bench/${name}.ts`)], {
    cwd: root,
    env,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, why] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect({ name, code: await child.exited, why }).toEqual({ name, code: 0, why: "" });
  return said;
}

test("the relay's contenders are all measured", async () => {
  const said = await short("relay");
  for (const way of [
    "direct",
    "llama-server's router",
    "tutorial's relay (Node, ws)",
    "parlor /v1",
    "parlor /chat",
    "parlor page, Markdown",
  ]) {
    expect(said).toMatch(new RegExp(`\\| 16 \\| 50 \\| ${RegExp.escape(way)} \\| \\d+\\.\\d\\d \\|`)); // an age of its tokens
    expect(said).toMatch(new RegExp(`\\| 16 \\| ${RegExp.escape(way)} \\| [\\d,]{4,} \\|`)); // tokens a second
  }
  expect(said).toMatch(/\| real llama-server \| parlor \/v1 \| \d+\.\d\d \|/);
  expect(said).toMatch(/\| real llama-server \| parlor \/chat \| \d+\.\d\d \|/);
});

test("many at once are measured", async () => {
  const said = await short("crowd");
  expect(said).toMatch(/\| 32 \| \d+ \| \d+ \| \d+\.\d\d \|/); // 32 watchers of one answer
  expect(said).toMatch(/\| an idle page, kB \| 20, 80, 320 \| [\d. |-]+\|/);
});

test("who is asked is measured beside taking turns", async () => {
  const said = await short("routing");
  for (const way of ["nginx, in turns", "parlor"])
    expect(said).toMatch(new RegExp(`\\| 2 \\| ${way} \\| \\d+ \\| \\d+ \\| \\d+\\.\\d % \\|`));
});
