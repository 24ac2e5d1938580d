// The llama-server program and its processes: where the program is, a free port, and a process group that
// ends with parlor. When to start and restart it is decided in upstream/child.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/**
 * The shell script that ends a process group with parlor. Its standard input is a pipe whose other end only
 * parlor holds, so it reads the end of the pipe when parlor ends, for whatever reason. It then sends SIGTERM
 * to the group `$1` (a build removes its partial files), and SIGKILL a second later.
 */
const guardScript = `trap "" HUP INT TERM
read -r _
kill -s TERM -- "-$1" && sleep 1 && kill -s KILL -- "-$1"`;

/**
 * The llama-server to start: the named one, else the one beside parlor's executable, else the first on PATH.
 * @returns null when there is none
 */
export function findLlamaServer(named: string | null, executable: string, path: string): string | null {
  if (named) return isExecutable(named) ? named : null;
  const folders = [dirname(executable), ...path.split(delimiter)];
  return folders.map((folder) => join(folder, "llama-server")).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A loopback port on which nothing listens now. */
export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

/**
 * The environment without parlor's own settings, some of which are secrets that llama-server does not need.
 */
export function envWithoutParlor(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("PARLOR_")));
}

/** Sends a signal to the child's process group, or to the child alone where it has none. */
export function signalGroup(child: Bun.Subprocess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/**
 * Starts a guard that ends a process group when parlor is gone.
 * @returns null where there is no shell; a killed parlor then leaves its llama-server behind
 */
export function endWithParlor(group: number): Bun.Subprocess<"pipe", "ignore", "ignore"> | null {
  try {
    return Bun.spawn(["/bin/sh", "-c", guardScript, "parlor-watch", String(group)], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
  } catch {
    return null;
  }
}
