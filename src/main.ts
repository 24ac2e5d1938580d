// Command line → config → adapters → app → Bun.serve → signals. The only file that chooses adapters and ends the process.

import { homedir } from "node:os";
import { join } from "node:path";
import { version } from "../package.json";
import { createApp } from "./app.ts";
import { localBus } from "./bus/local.ts";
import { type Config, parseConfig, UsageError } from "./config.ts";
import { help } from "./help.ts";
import { backup, check, StoreUnusable } from "./store/file.ts";
import { openSqlite } from "./store/sqlite.ts";
import { openLog } from "./telemetry/log.ts";
import { findLlamaServer, LlamaChild } from "./upstream/child.ts";
import { openLlama } from "./upstream/llama.ts";

/** Bun allows 256 fetches at once unless this is set before it starts; the rest hang without a word. */
const fetchesMax = "65000";

function readConfig(args: readonly string[]): Config {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(help(version));
    process.exit(0);
  }
  if (args.includes("--version")) {
    process.stdout.write(`parlor ${version}\n`);
    process.exit(0);
  }
  try {
    return parseConfig(args, process.env);
  } catch (error) {
    if (error instanceof UsageError) fail(error.message, 2);
    throw error;
  }
}

function fail(line: string, code: number): never {
  process.stderr.write(`parlor: ${line}\n`);
  process.exit(code);
}

/** Starts over in the same process with room for more fetches. */
function raiseFetchLimit(args: readonly string[]): void {
  if (process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"] || !process.execve) return;
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  const script = isCompiled ? [] : [Bun.main];
  process.execve(process.execPath, [process.execPath, ...script, ...args], { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: fetchesMax } as Record<
    string,
    string
  >);
}

/** The file that holds the conversations (XDG Base Directory Specification, 0.8). */
function storeFile(config: Config): string {
  const home = process.env["XDG_DATA_HOME"] || join(process.env["HOME"] || homedir(), ".local/share");
  return join(config.data ?? join(home, "parlor"), "parlor.db");
}

/** `parlor backup FILE` and `parlor check`; false when the command line asks for neither. */
function command(words: readonly string[], args: readonly string[]): boolean {
  const [name, operand] = words;
  if (name === undefined) return false;
  const file = storeFile(readConfig(args));
  if (name === "backup" && operand !== undefined) {
    backup(file, operand);
    process.stdout.write(`${file} is copied to ${operand}\n`);
  } else if (name === "check" && operand === undefined) {
    const faults = check(file);
    if (faults.length > 0) fail(`${file} is damaged: ${faults.slice(0, 3).join("; ")}`, 1);
    process.stdout.write(`${file} is sound\n`);
  } else fail(`${words.join(" ")} is not a command; parlor --help lists them`, 2);
  return true;
}

async function serve(config: Config): Promise<void> {
  const { bounds } = config;
  const format = config.logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const log = openLog({ level: config.logLevel, format, write: (line) => process.stderr.write(`${line}\n`) });
  const program = config.model === null ? null : findLlamaServer(config.llamaServer, process.execPath, process.env["PATH"] ?? "");
  if (config.model !== null) {
    const where = config.llamaServer ? `at ${config.llamaServer}` : "beside parlor or in PATH";
    if (program === null) fail(`there is no llama-server ${where}; name one with --llama-server PATH`, 1);
    if (!(await Bun.file(config.model).exists())) fail(`there is no model at ${config.model}`, 1);
  }
  const file = storeFile(config);
  const store = openSqlite(file);
  const starting = { args: config.llamaArgs, apiKey: config.llamaApiKey, endMs: bounds.graceMs, log, ...bounds };
  const child = program === null || config.model === null ? undefined : new LlamaChild({ ...starting, program, model: config.model });
  const upstream = openLlama({ url: child?.url ?? config.llama, apiKey: config.llamaApiKey, ...bounds, ...(child ? { child } : {}) });
  const app = await createApp({ store, temporary: openSqlite(":memory:"), bus: localBus(), upstream, log, allowOrigins: config.allowOrigins, bounds });

  let server: Bun.Server<never>;
  try {
    server = Bun.serve({
      hostname: config.host,
      port: config.port,
      development: false,
      reusePort: false, // with `development: false` Bun shares a port that is in use, without a word
      fetch: app.fetch,
      websocket: app.websocket,
      error: () => new Response("Internal error\n", { status: 500 }),
    }) as Bun.Server<never>;
  } catch (error) {
    await upstream.close();
    const taken = (error as { code?: string }).code === "EADDRINUSE";
    fail(
      taken
        ? `port ${config.port} of ${config.host} is in use; choose another with --port`
        : `can't listen on ${config.host}:${config.port}: ${(error as Error).message}`,
      1,
    );
  }
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  process.stdout.write(`parlor ${version} listening on http://${host}:${server.port}\n`);

  log.info("conversations are kept", { file });

  let ending = false;
  const end = async (signal: string) => {
    if (ending) return;
    ending = true;
    log.info("ending", { signal });
    await app.stop();
    await server.stop(true);
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end(signal));
}

const given = process.argv.slice(2);
const firstFlag = given.findIndex((word) => word.startsWith("-"));
const words = firstFlag < 0 ? given : given.slice(0, firstFlag);
const args = given.slice(words.length);
try {
  if (!command(words, args)) {
    const config = readConfig(args);
    raiseFetchLimit(args);
    await serve(config);
  }
} catch (error) {
  if (error instanceof StoreUnusable) fail(error.message, 1);
  throw error;
}
