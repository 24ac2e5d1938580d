// The end of `make test`: which files of tests took longest, and one line that says how many passed, read from the report that the runner wrote.
// Called by the Makefile: bun test/closing.ts REPORT EXIT-CODE-OF-THE-RUNNER

import { existsSync, readFileSync } from "node:fs";

const slowest = 10;

/** What is written of a report, and with which code to end. */
export function closing(report: string | null, runnerCode: number): { text: string; code: number } {
  const [, total, failures, skipped] =
    /^<testsuites .*?\btests="(\d+)".*?\bfailures="(\d+)".*?\bskipped="(\d+)"/m.exec(report ?? "") ?? [];
  if (report === null || total === undefined) return { text: "the test runner left no report", code: 1 };
  // a file that can't be loaded, or a hook that fails behind the last test, is in no report: the runner's code alone tells of it
  const isUntold = runnerCode !== 0 && Number(failures) === 0;
  const failed = Number(failures) + (isUntold ? 1 : 0);
  const files = [...report.matchAll(/^ {2}<testsuite name="([^"]+)".*? time="([\d.]+)"/gm)].map(
    ([, name, seconds]) => ({ name, seconds: Number(seconds) }),
  );
  const longest = files.sort((a, b) => b.seconds - a.seconds).slice(0, slowest);
  const lines = [
    "the files that took longest:",
    ...longest.map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`),
    ...(isUntold ? ["something failed outside of a test; see above"] : []),
    `${Number(total) - Number(failures) - Number(skipped)} passed, ${failed} failed, ${skipped} skipped`,
  ];
  return { text: lines.join("\n"), code: failed > 0 ? 1 : runnerCode };
}

if (import.meta.main) {
  const [file = "", code = "1"] = process.argv.slice(2);
  const end = closing(existsSync(file) ? readFileSync(file, "utf8") : null, Number(code));
  console.log(end.text);
  process.exit(end.code);
}
