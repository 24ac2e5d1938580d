// `parlor ask` and `parlor doctor` from a terminal, as scripts and people use them. If this fails, a pipe gets what is no answer, or somebody looks for a fault
// where there is none.

import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { textOf } from "../llama/recitals.ts";
import { demoModel, llamaProgram } from "../llama/server.ts";
import { bareEnvironment, executable, standing, startReady } from "./stage.ts";

const parlor = standing(() => startReady());
const home = mkdtempSync(join(tmpdir(), "parlor-home-"));

function run(
  args: readonly string[],
  input = "",
  env: Record<string, string> = {},
): { code: number; out: string; err: string } {
  const asked = { PARLOR_URL: parlor.it.url, HOME: home, PARLOR_DATA: join(home, "data") };
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], {
    env: { ...bareEnvironment, ...asked, ...env },
    stdin: new TextEncoder().encode(input),
    cwd: "/",
    timeout: 20_000,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

test("ask: into a pipe the answer as it is; -c goes on; standard input is asked, alone or behind the words", () => {
  expect(run(["ask", "lamp"])).toEqual({ code: 0, out: `${textOf("markdown")}\n`, err: "" });
  expect(run(["ask", "count", "please"]).out).toBe("1 messages were sent to me.\n");
  expect(run(["ask", "-c", "count again"]).out).toBe("3 messages were sent to me.\n");
  expect(run(["ask", "count once more", "--continue"]).out).toBe("5 messages were sent to me.\n");
  expect(run(["ask"], "twenty").out).toBe(`${textOf("twenty")}\n`);
  expect(run(["ask", "What is this?"], "a file that says twenty").out).toBe(`${textOf("twenty")}\n`);
});

test("ask: what goes wrong is one line and a code", () => {
  expect(run(["ask"])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^parlor: what shall be asked\? .*\n$/),
  });
  expect(run(["ask", "x"], "", { PARLOR_URL: "http://127.0.0.1:1" })).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringContaining("no parlor answers at http://127.0.0.1:1"),
  });
  const secret = run(["ask", "x"], "", { PARLOR_URL: "http://ada:s3cret@127.0.0.1:1" });
  expect(secret).toMatchObject({ code: 1, err: expect.not.stringContaining("s3cret") });
  expect(run(["http://ada:s3cret@x"])).toMatchObject({ code: 2, err: expect.not.stringContaining("s3cret") });
  expect(run(["ask", "-c", "x"], "", { HOME: "/nonexistent", PARLOR_URL: parlor.it.url })).toMatchObject({
    code: 1,
    err: expect.stringContaining("nothing was asked"),
  });
  expect(run(["ask", "x".repeat(100_000), "y".repeat(100_000), "z".repeat(100_000)])).toMatchObject({
    code: 1,
    err: expect.stringContaining("the limit is"),
  });
});

test("a file that turns out to be damaged at the start is named, with what to do, and no place in parlor's code", () => {
  const data = join(home, "damaged");
  run(["user", "add", "ann", "--data", data]);
  const file = openSync(join(data, "parlor.db"), "r+");
  writeSync(file, "X".repeat(20), 4096);
  closeSync(file);
  const { code, err } = run(["--llama", "http://127.0.0.1:1", "--port", "0", "--data", data]);
  expect(code).toBe(1);
  expect(err).toMatch(/damaged\/parlor\.db is damaged or cut off; .*put a backup/);
  expect(err.trim().split("\n")).toHaveLength(1);
});

test("doctor: a llama-server that is there, one that is not, and a model that it loads to look at", async () => {
  const found = run(["doctor", "--llama", "http://127.0.0.1:1", "--llama-server", llamaProgram()]);
  expect(found).toMatchObject({
    code: 1,
    err: expect.stringContaining("1 thing keeps parlor from answering"),
  });
  expect(found.out).toMatch(/ {2}WRONG http:\/\/127\.0\.0\.1:1: no llama-server answers/);
  expect(found.out).toMatch(/ {2}ok {4}.*llama-server: version: /);
  const model = await demoModel();
  const tried = run([
    "doctor",
    "--model",
    model,
    "--llama-server",
    llamaProgram(),
    "--llama-arg=-c",
    "--llama-arg=4096",
  ]);
  expect(tried.code).toBe(0);
  expect(tried.out).toContain(`${model}: 4 slots, 4096 tokens of context each`);
  expect(tried.out).toMatch(/could .*its slots share one context of 4096 tokens.*-np 4 -c 16384/);
  expect(tried.out).toMatch(/could .*--metrics/);
  const broken = run(["doctor", "--model", executable, "--llama-server", llamaProgram()]);
  expect(broken).toMatchObject({
    code: 1,
    out: expect.stringMatching(/WRONG .*llama-server can't load it: /),
  });
});
