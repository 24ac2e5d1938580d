// Log lines. If this fails, a log shipper or a person at a terminal can't read them.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog, steadyWriter } from "../../src/telemetry/log.ts";

test("JSON: one object per line, at or above the level", () => {
  const lines: string[] = [];
  const log = openLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  log.debug("hidden");
  log.info("seen", { a: 1, b: "two\nlines" });
  log.error("worse");
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: "info",
      what: "seen",
      a: 1,
      b: "two\nlines",
    },
    { time: expect.any(String), level: "error", what: "worse" },
  ]);
  expect(lines.join("")).not.toContain("\n");
});

test("pretty: readable, still one line each", () => {
  const lines: string[] = [];
  openLog({ level: "debug", format: "pretty", write: (line) => lines.push(line) }).warn("slow", {
    ms: 5,
    why: "two words",
    none: undefined,
  });
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}slow {2}ms=5 {2}why="two words"$/);
});

test("untrusted text can't control a terminal that shows the log", () => {
  const said = "\u001b]52;c;eA==\u0007\u009b2J\u202etxt.exe\u2066\u200f\u007f\u2028\r\nforged";
  for (const format of ["json", "pretty"] as const) {
    const lines: string[] = [];
    openLog({ level: "debug", format, write: (line) => lines.push(line) }).warn(said, {
      [said]: said,
      bare: "\u001b[2J",
    });
    expect(lines.join("")).not.toMatch(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
    if (format === "json")
      expect(JSON.parse(lines[0] as string)).toMatchObject({ what: said, [said]: said, bare: "\u001b[2J" });
    else expect(lines[0]).toContain("bare=\\u001b[2J");
  }
});

describe("a process whose log", () => {
  /**
   * Writes a line each ms and says on its fourth descriptor that it goes on; what its standard error is
   * decides `run`.
   */
  const file = join(mkdtempSync(join(tmpdir(), "parlor-log-")), "writes.ts");
  writeFileSync(
    file,
    `import { writeSync } from "node:fs";
    import { openLog, steadyWriter } from ${JSON.stringify(join(import.meta.dir, "../../src/telemetry/log.ts"))};
    const log = openLog({ level: "info", format: "json", write: steadyWriter(process.stderr) });
    for (let n = 0; n < 40; n++) { for (let i = 0; i < 10; i++) log.info("x".repeat(5000)); await new Promise((next) => setTimeout(next, 2)); }
    writeSync(3, "went on");
    process.exit(0);`,
  );
  for (const [what, to] of [
    ["has lost its reader", "2> >(head -c 10000 >/dev/null)"],
    ["nobody reads any more", "2> >(exec >/dev/null 3>&-; exec sleep 2)"],
    ["is on a full disk", "2>/dev/full"],
    ["is closed", "2>&-"],
  ] as const) {
    test(`${what} goes on`, () => {
      const { exitCode, stdout } = Bun.spawnSync([
        "bash",
        "-c",
        `"$@" 3>&1 >/dev/null ${to}`,
        "x",
        process.execPath,
        file,
      ]);
      expect([exitCode, stdout.toString()]).toEqual([0, "went on"]);
    });
  }

  test("is not read buffers a bounded amount, and reports the lost lines when it is read again", () => {
    let written: string[] = [];
    const done: (() => void)[] = [];
    const stream = {
      on() {},
      write: (line: string, over: () => void) => written.push(line) + done.push(over),
    } as unknown as NodeJS.WritableStream;
    const log = openLog({ level: "info", format: "json", write: steadyWriter(stream) });
    for (let i = 0; i < 300; i++) log.info("x".repeat(10_000));
    expect(written.length).toBeLessThan(120);
    const lost = 300 - written.length;
    for (const over of done.splice(0)) over();
    written = [];
    log.info("again");
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      { level: "warn", lines: lost },
      { what: "again" },
    ]);
  });
});
