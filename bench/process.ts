// Programs that the benchmarks start, and what they use. Ended with the benchmark.

import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dir, "..");

/** Starts a program and gives the first line it prints. */
export async function start(command: string[]): Promise<{ line: string; process: Bun.Subprocess }> {
  const child = Bun.spawn(command, {
    stdout: "pipe",
    stderr: "ignore",
    stdin: "ignore",
    // more answers at once than the 256 fetches that Bun runs otherwise
    env: {
      ...process.env,
      BUN_CONFIG_MAX_HTTP_REQUESTS: "20000",
      PARLOR_DATA: mkdtempSync(join(tmpdir(), "parlor-bench-")),
    },
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
export function cpuOf(pid: number): number {
  const { user, system } = ticksOf(pid);
  return user + system;
}

/** The same by kind. */
export function ticksOf(pid: number): { user: number; system: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return { user: Number(fields[11]) * 10_000, system: Number(fields[12]) * 10_000 };
}

/** CPU time of a process's threads so far, in µs, counted by the scheduler in ns (/proc/PID/task/TID/schedstat). A thread that has ended is not in it. */
export function scheduledOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return (
    tasks.reduce(
      (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
      0,
    ) / 1000
  );
}

/** Resident memory, in bytes. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
