// Command line → config → adapters → app → Bun.serve → signals. The only file that chooses adapters and ends the process.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../package.json";
import { createApp } from "./app.ts";
import { localBus } from "./bus/local.ts";
import { Shelf } from "./chat/shelf.ts";
import { type Config, parseConfig } from "./config.ts";
import { type SettingsFile, UsageError } from "./given.ts";
import { help } from "./help.ts";
import { makePersonaFolder, PersonaFolder } from "./persona/folder.ts";
import { backup, check, StoreUnusable } from "./store/file.ts";
import { openSqlite } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";
import { type Log, openLog } from "./telemetry/log.ts";
import { readConversations } from "./transfer/read.ts";
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
    return parseConfig(args, process.env, settingsFile);
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

/** The folder that holds everything of ours (XDG Base Directory Specification, 0.8); `data` is what was chosen. */
function dataFolder(data: string | null): string {
  const home = process.env["XDG_DATA_HOME"] || join(process.env["HOME"] || homedir(), ".local/share");
  return data ?? join(home, "parlor");
}

/** The file of settings in it; null when there is none. */
function settingsFile(data: string | null): SettingsFile | null {
  const name = join(dataFolder(data), "parlor.toml");
  try {
    return { name, text: readFileSync(name, "utf8") };
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT" || (error as { code?: string }).code === "ENOTDIR") return null;
    throw new UsageError(`${name} can't be read: ${(error as Error).message}`);
  }
}

const storeFile = (config: Config): string => join(dataFolder(config.data), "parlor.db");

/** The personas in the data folder, where the shipped ones are put first. */
async function openPersonas(config: Config, log: Log): Promise<PersonaFolder> {
  const folder = join(dataFolder(config.data), "personas");
  makePersonaFolder(folder);
  const personas = new PersonaFolder(folder, log);
  const { enforcedPersona } = config;
  if (enforcedPersona !== null && !(await personas.find(enforcedPersona)))
    fail(`there is no persona ${join(folder, `${enforcedPersona}.md`)} that can be used`, 1);
  return personas;
}

/** `parlor backup FILE`, `check`, `export FILE`, `import FILE`; false when the command line asks for none of them. */
async function command(words: readonly string[], args: readonly string[]): Promise<boolean> {
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
  } else if (name === "export" && operand !== undefined) await exportAll(file, operand);
  else if (name === "import" && operand !== undefined) await importFile(file, operand);
  else fail(`${words.join(" ")} is not a command; parlor --help lists them`, 2);
  return true;
}

/** Writes all conversations as JSON Lines, from a copy, so that a parlor may be running. */
async function exportAll(file: string, to: string): Promise<void> {
  if (existsSync(to)) fail(`${to} is there already; name a file that is not`, 1);
  const folder = mkdtempSync(join(tmpdir(), "parlor-export-"));
  let store: Store | null = null;
  try {
    const copy = join(folder, "parlor.db");
    backup(file, copy);
    store = openSqlite(copy);
    const sink = Bun.file(to).writer();
    const ids = await store.ids();
    for (const id of ids) await sink.write(`${JSON.stringify(await store.record(id))}\n`);
    await sink.end();
    process.stdout.write(`${ids.length} conversations are written to ${to}\n`);
  } finally {
    await store?.close();
    rmSync(folder, { recursive: true });
  }
}

/** Brings in a file of conversations; what can't be read is named line by line. */
async function importFile(file: string, from: string): Promise<void> {
  if (!(await Bun.file(from).exists())) fail(`there is no ${from}`, 1);
  const store = openSqlite(file);
  const { records, faults } = await readConversations(await Bun.file(from).text());
  const { added, known } = await new Shelf({ store, bus: localBus() }).add(records);
  await store.close();
  for (const fault of faults) process.stderr.write(`parlor: ${from}: ${fault}\n`);
  process.stdout.write(`${added} conversations are brought in, ${known} were here already, ${faults.length} could not be read\n`);
  if (added + known === 0) process.exit(1);
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
  const kept = { store, temporary: openSqlite(":memory:"), personas: await openPersonas(config, log) };
  const app = await createApp({ ...config, ...kept, bus: localBus(), upstream, log });

  let server: Bun.Server<never>;
  try {
    server = Bun.serve({
      hostname: config.host,
      port: config.port,
      development: false,
      maxRequestBodySize: bounds.importMaxBytes + (1 << 20), // a form around the file
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

process.umask(0o077); // whatever is written here is for its owner's eyes
const given = process.argv.slice(2);
const firstFlag = given.findIndex((word) => word.startsWith("-"));
const words = firstFlag < 0 ? given : given.slice(0, firstFlag);
const args = given.slice(words.length);
try {
  if (!(await command(words, args))) {
    const config = readConfig(args);
    raiseFetchLimit(args);
    await serve(config);
  }
} catch (error) {
  if (error instanceof StoreUnusable) fail(error.message, 1);
  // what the system says of a file or a folder is for whoever started us; anything else is a bug, and its place is of use
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && /^(E[A-Z]+|SQLITE_\w+)$/.test(code)) fail(String(message), 1);
  throw error;
}
