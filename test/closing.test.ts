// The last line of `make test`. If this fails, a run that failed is taken for one that passed.

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closing } from "./closing.ts";

/** Runs these files as `make test` does: the last line of what is said, and the code. */
function run(files: Record<string, string>): { last: string; code: number } {
  const folder = mkdtempSync(join(tmpdir(), "parlor-closing-"));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), `import { test, expect } from "bun:test";\n${text}`);
  const report = join(folder, "tests.xml");
  const runner = [
    process.execPath,
    "test",
    "--parallel=2",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const { exitCode } = Bun.spawnSync(runner, { cwd: folder, stdout: "ignore", stderr: "ignore" });
  const end = Bun.spawnSync([
    process.execPath,
    join(import.meta.dir, "closing.ts"),
    report,
    String(exitCode),
  ]);
  return { last: end.stdout.toString().trim().split("\n").at(-1) as string, code: end.exitCode };
}

const fine = 'test("a", () => {}); test("b", () => {}); test.skip("c", () => {});';

test("all files' tests are counted; it passes when all passed", () => {
  expect(run({ "a.test.ts": fine, "b.test.ts": fine })).toEqual({
    last: "4 passed, 0 failed, 2 skipped",
    code: 0,
  });
});

test("a test that fails, a hook that fails, a file that can't be loaded and a runner that dies are failures", () => {
  const failing = {
    "a test": 'test("a", () => expect(1).toBe(2));',
    "a hook":
      'import { beforeAll } from "bun:test"; beforeAll(() => { throw new Error("late"); }); test("a", () => {});',
    "a file": 'throw new Error("at load");',
    "a runner": 'test("a", () => process.kill(process.pid, "SIGKILL"));',
  };
  for (const [what, text] of Object.entries(failing)) {
    const { last, code } = run({ "a.test.ts": fine, "b.test.ts": text });
    expect({ what, last, code }).toEqual({
      what,
      last: expect.stringMatching(/^\d+ passed, 1 failed, 1 skipped$/),
      code: 1,
    });
  }
});

test("no report is a failure", () => {
  expect(closing(null, 0)).toEqual({ text: "the test runner left no report", code: 1 });
});

test("`make check` starts no llama-server, so that a fresh clone needs none", () => {
  const said = Bun.spawnSync(["make", "-pn", "check"], {
    cwd: join(import.meta.dir, ".."),
  }).stdout.toString();
  const files = (/^UNIT := (.*)$/m.exec(said)?.[1] ?? "").split(/\s+/);
  expect(files.length).toBeGreaterThan(20);
  expect(files).toContain("test/tidy.test.ts");
  for (const file of ["test/programs/programs.test.ts", "test/programs/sdk.test.ts"])
    expect(files).not.toContain(file);
});
