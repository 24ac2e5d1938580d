// A Run of three steps, on the real llama-server, killed within each step and between each two, and taken up
// by the next process. If this fails, a step is lost, doubled or done twice.
// Promises: T1, T2.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Part, plainText } from "../../src/domain/part.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { PageClient } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { freePort, startLlama, until } from "../llama/server.ts";

const llama = await startLlama({ args: ["-np", "2", "-c", "65536"] });
afterAll(() => llama.stop());
const folder = mkdtempSync(join(tmpdir(), "parlor-steps-"));
mkdirSync(join(folder, "personas"));
writeFileSync(join(folder, "personas/brief.md"), "---\nname: Brief\nmax_tokens: 300\n---\n");

/** A house of `stepping-house.ts` at this port; `kill` is where it ends itself. */
async function start(file: string, port: number, kill = "") {
  const env = { ...process.env, LLAMA: llama.url, FILE: file, PORT: String(port), KILL: kill };
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "stepping-house.ts")], {
    env: { ...env, PERSONAS: join(folder, "personas") },
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return { url: new TextDecoder().decode(value).trim(), child };
}

let n = 0;
/** The parts of an answer in three steps that was killed there and taken up. */
async function answered(kill: string): Promise<readonly Part[]> {
  const file = join(folder, `${n++}.db`);
  const port = freePort();
  const first = await start(file, port, kill);
  const page = await new PageClient(first).ready();
  page.say("medium");
  if (kill === "") await page.lastIs("done");
  else await first.child.exited;
  page.gone = true;
  first.child.kill("SIGKILL");
  await first.child.exited;
  const second = await start(file, port);
  const again = await new PageClient(second, page.conversation).ready();
  const { text } = await again.lastIs("done");
  again.close();
  second.child.kill("SIGTERM");
  second.child.kill("SIGKILL");
  await second.child.exited;
  const store = openSqlite(file);
  const message = (await store.record(page.conversation))?.messages.at(-1);
  await store.close();
  expect(text.length).toBeGreaterThan(0);
  return message?.parts ?? [];
}

let whole: readonly Part[];
test("three steps make three parts", async () => {
  whole = await answered("");
  expect(whole.map(({ kind }) => kind)).toEqual(["text", "text", "text"]);
  expect(textOf("medium").startsWith(plainText(whole.slice(0, 1)))).toBe(true);
});

for (const kill of ["within:0", "after:0", "before:1", "within:1", "after:1", "before:2", "within:2"])
  test(`killed ${kill}`, async () => {
    expect(await answered(kill)).toEqual([...whole]);
    await until(async () => (await llama.busySlots()) === 0, "no slot is held");
  });
