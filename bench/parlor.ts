// parlor as the benchmarks start it: on a free port of loopback, without anything left from before. Ended with the benchmark.

import { join } from "node:path";
import { until } from "../test/llama/server.ts";
import { root, start } from "./process.ts";

/** What `make build` compiles. */
export const executable = join(root, "dist/parlor");

export interface StartedParlor {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/**
 * Starts parlor before these llama-servers and waits until it is ready. Its data lie in a new folder, unless
 * `flags` name another. `command` is the executable, or what stands for it.
 * @throws Error if it does not say where it listens, or is not ready in time
 */
export async function startParlor(
  llamaUrls: readonly string[],
  flags: readonly string[] = [],
  command: readonly string[] = [executable],
): Promise<StartedParlor> {
  const upstream = llamaUrls.flatMap((url) => ["--llama", url]);
  const { line, process } = await start([
    ...command,
    ...(flags.includes("--port") ? [] : ["--port", "0"]),
    ...["--log-level", "error"],
    ...upstream,
    ...flags,
  ]);
  const url = / listening on (http:\S+)/.exec(line)?.[1];
  if (url === undefined) throw new Error(`${command.join(" ")} did not start: ${line}`);
  await until(async () => (await fetch(`${url}/readyz`)).status === 200, "parlor is ready");
  return { url, port: Number(new URL(url).port), pid: process.pid, stop: () => process.kill() };
}
