// Programs that the benchmarks start, and what they use. Ended with the benchmark.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dir, "..");

/** Starts a program and gives the first line it prints. */
export async function start(command: string[]): Promise<{ line: string; process: Bun.Subprocess }> {
  const child = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "ignore",
    stdin: "ignore",
    env: { ...process.env, PARLOR_DATA: mkdtempSync(join(tmpdir(), "parlor-bench-")) },
  });
  process.on("exit", () => child.kill("SIGKILL"));
  let line = "";
  for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
    line += new TextDecoder().decode(chunk);
    if (line.includes("\n")) break;
  }
  return { line: line.trim(), process: child };
}

/** CPU time of a process so far, in µs (/proc/PID/stat, 100 ticks a second). */
export async function cpuOf(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
