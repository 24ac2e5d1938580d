// The start: command line → config → adapters → app → Bun.serve → signals. The only file that chooses
// adapters and ends the process.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { version } from "../package.json";
import { type App, createApp } from "./app.ts";
import { localBus } from "./bus/local.ts";
import { findProgram, openServers } from "./commands/servers.ts";
import { CommandError, UsageError } from "./config/arguments.ts";
import { type Config, parseConfig, split, withoutEffect } from "./config/config.ts";
import { dataFolder, settingsFile, storeFile } from "./config/data-folder.ts";
import { help } from "./config/help.ts";
import { options } from "./config/options.ts";
import { childArgument, childModule } from "./documents/protocol.ts";
import { AddressSet } from "./domain/address.ts";
import { Failure } from "./domain/failure.ts";
import { makePersonaFolder, PersonaFolder } from "./persona/folder.ts";
import { type Listening, listen, tryToListen } from "./server/listen.ts";
import { StoreUnusable } from "./store/file.ts";
import { openSqlite } from "./store/sqlite.ts";
import { type Log, openLog, steadyWriter, visible } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { bypassProxyForLoopback } from "./upstream/http.ts";

function readConfig(args: readonly string[], isDoctor = false): Config {
  if (args.some((arg) => ["--help", "-h"].includes(arg))) {
    process.stdout.write(help(version));
    process.exit(0);
  }
  if (args.includes("--version")) {
    process.stdout.write(`parlor ${version}\n`);
    process.exit(0);
  }
  try {
    return parseConfig(args, process.env, settingsFile, isDoctor);
  } catch (error) {
    if (error instanceof UsageError) fail(error.message, 2);
    throw error;
  }
}

function fail(line: string, code: number): never {
  process.stderr.write(`parlor: ${visible(line)}\n`);
  process.exit(code);
}

/**
 * The personas in the data folder, to which the shipped ones are copied first, and the folder of documents
 * with the collections in it that were copied just now.
 */
async function openPersonas(config: Config, log: Log) {
  const data = dataFolder(config.data);
  const [folder, documents] = [join(data, "personas"), join(resolve(data), "documents")];
  const complete = makePersonaFolder(folder, documents, log);
  const personas = new PersonaFolder(folder, log);
  const { enforcedPersona } = config;
  if (enforcedPersona !== null && !(await personas.find(enforcedPersona)))
    fail(`there is no persona ${join(folder, `${enforcedPersona}.md`)} that can be used`, 1);
  return { personas, documents, completeCollections: complete };
}

/** The Store and the Bus: an SQLite file and this process alone, or PostgreSQL and the other processes. */
async function openStore(config: Config, log: Log, metrics: Metrics) {
  if (config.db !== null) {
    const { openHouse } = await import("./commands/house.ts");
    return openHouse(config, config.db, { log, metrics, version });
  }
  const kept = storeFile(config.data);
  const store = openSqlite(kept, { stored: (ms) => metrics.stored(ms), damaged: (line) => log.error(line) });
  return { kept, store, bus: localBus(), house: null, servers: null };
}

async function serve(config: Config): Promise<void> {
  const format = config.logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const log = openLog({ level: config.logLevel, format, write: steadyWriter(process.stderr) });
  for (const setting of withoutEffect(config, process.env))
    log.warn("this setting has no effect here", { setting });
  const start = await findProgram(config);
  const metrics = new Metrics();
  const { kept, store, bus, house, servers: later } = await openStore(config, log, metrics);
  const temporary = openSqlite(":memory:", { beside: store });
  const voices = await openPersonas(config, log);
  if (start !== null) await tryToListen(config); // a busy port is reported before a model is loaded
  const servers = later ?? openServers(config, start, log);
  const app = await createApp({
    ...config,
    ...{ store, temporary, ...voices, ...servers, log, metrics, bus, house },
    isTls: config.tls !== null,
    areUpstreamsFixed: config.llama.length > 0,
  });
  const isSocketTrusted = new AddressSet(config.trustedProxies).hasUnix;
  const listening = await listen(app, { ...config, isSocketTrusted }).catch(async (error) => {
    await Promise.all(Object.values(servers).map((each) => each.close()));
    throw error;
  });
  const invitation = await app.firstInvitation();
  endOnSignals(config, app, listening, log);
  announce(listening.address, invitation);
  log.info("conversations are kept", { in: kept });
  app.begin();
}

/**
 * SIGTERM and SIGINT end parlor. SIGHUP reloads the certificate; without TLS it ends parlor, as the terminal
 * is gone.
 */
function endOnSignals({ tls }: Config, app: App, listening: Listening, log: Log): void {
  let isEnding = false;
  const end = async (signal: string) => {
    if (isEnding) return;
    isEnding = true;
    log.info("ending", { signal });
    await app.stop();
    await listening.stop();
    process.exit(0);
  };
  const reloadCertificate = (file: string) => {
    try {
      listening.reloadCertificate();
      log.info("the certificate was read again", { file });
    } catch (error) {
      log.error("the certificate can't be used; the one before holds", { error: (error as Error).message });
    }
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));
  if (tls !== null) process.on("SIGHUP", () => reloadCertificate(tls.cert));
  else if (!ignoresHangup()) process.on("SIGHUP", () => void end("SIGHUP"));
}

/**
 * Prints the address in a single write: a program that starts parlor may read one line and close the pipe.
 */
function announce(address: string, invitation: string | null): void {
  const invite =
    invitation === null
      ? ""
      : `\nThere is no admin yet. Become the first at ${address}/invite/${invitation} (once, within a day).`;
  steadyWriter(process.stdout)(`parlor ${version} listening on ${address}${invite}`);
}

/**
 * True if parlor was started with SIGHUP ignored, as nohup does: then it must outlive its terminal. Systems
 * without /proc (all but Linux) count as ignoring, which leaves their default in place.
 */
function ignoresHangup(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (Number.parseInt(ignored.slice(-1), 16) & 1) === 1; // SIGHUP is the first signal
  } catch {
    return true;
  }
}

/** Where commands find the house. */
const placeOf = ({ data, db }: Config) => ({ file: storeFile(data), database: db?.database ?? null });

/** `parlor ask WORDS [-c] [options]`. */
async function askHere(words: readonly string[], flags: readonly string[]): Promise<void> {
  const { host, port, basePath, tls } = readConfig(flags);
  const unix = host.startsWith("unix:") && !process.env["PARLOR_URL"] ? host.slice("unix:".length) : null;
  const here =
    unix !== null
      ? `http://parlor${basePath}`
      : `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}${basePath}`;
  const url = (process.env["PARLOR_URL"] || here).replace(/\/+$/, "");
  await (await import("./commands/ask.ts")).runAsk(words, {
    url,
    unix,
    key: process.env["PARLOR_KEY"] || null,
    env: process.env,
  });
}

/**
 * Ends a command whose output can't be written: the reader closed the pipe (`parlor user list | head -1`), or
 * the disk is full.
 */
function unwritable({ code, message }: Error & { code?: string }): never {
  if (code === "EPIPE") process.exit(0);
  fail(`standard output can't be written: ${message}`, 1);
}

// the code of each command is loaded only when that command runs, which makes the start of the server shorter
bypassProxyForLoopback();
process.umask(0o077); // files that parlor writes are readable by their owner only
const given = process.argv.slice(2);
const { words, flags } = split(given);
process.stderr.on("error", () => {}); // the reader of the log has closed the pipe
try {
  if (words.length > 0) process.stdout.on("error", unwritable);
  if (words[0] === "help") readConfig(["--help"]);
  if (given[0] === childArgument) await (await import(childModule)).runChild();
  else if (words[0] === "ask") {
    const isContinued = (flag: string) => flag === "--continue";
    await askHere(
      [...words.slice(1), ...flags.filter(isContinued)],
      flags.filter((flag) => !isContinued(flag)),
    );
  } else if (words[0] === "doctor" && words.length === 1) {
    const config = readConfig(flags, true);
    const here = {
      place: placeOf(config),
      execPath: process.execPath,
      path: process.env["PATH"] ?? "",
      fallback: options.llama.default,
    };
    await (await import("./commands/doctor.ts")).runDoctor(config, here);
  } else if (given[0] === "migrate") {
    await (await import("./commands/migrate.ts")).runMigrate(given.slice(1));
  } else if (words[0] === "extract" && words.length === 2) {
    const { bounds } = readConfig(flags, true);
    await (await import("./commands/extract.ts")).runExtract(words[1] as string, bounds);
  } else if (words.length > 0 && !words[0]?.startsWith("-")) {
    const config = readConfig(flags);
    await (await import("./commands/commands.ts")).runCommand(words, placeOf(config), config.bounds);
  } else {
    await serve(readConfig(given));
  }
} catch (error) {
  if (error instanceof StoreUnusable) fail(error.message, 1);
  if (error instanceof CommandError) fail(error.message, error.code);
  // the log names the file and the remedy
  if (error instanceof Failure && error.code === "store_damaged") process.exit(1);
  if (error instanceof Failure && error.code === "no_leader")
    fail("another parlor uses this --db; several need --cluster-url and --cluster-key, each of them", 1);
  // errors of the system about files and folders are for the operator; anything else is a bug, shown with its
  // stack
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && /^(E[A-Z]+|SQLITE_\w+)$/.test(code)) fail(String(message), 1);
  throw error;
}
