// Command line → config → adapters → app → Bun.serve → signals. The only file that chooses adapters and ends the process.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { version } from "../package.json";
import { createApp } from "./app.ts";
import { localBus } from "./bus/local.ts";
import { CommandError, type SettingsFile, UsageError } from "./config/arguments.ts";
import { type Config, parseConfig, split, withoutEffect } from "./config/config.ts";
import { help } from "./config/help.ts";
import { options } from "./config/options.ts";
import { AddressSet } from "./domain/address.ts";
import { Failure } from "./domain/failure.ts";
import { makePersonaFolder, PersonaFolder } from "./persona/folder.ts";
import { listen, tryToListen } from "./server/listen.ts";
import { StoreUnusable } from "./store/file.ts";
import { openSqlite } from "./store/sqlite.ts";
import { type Log, openLog, steadyWriter, visible } from "./telemetry/log.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { LlamaChild } from "./upstream/child.ts";
import { bypassProxyForLoopback } from "./upstream/http.ts";
import { openLlama } from "./upstream/llama.ts";
import { Pool } from "./upstream/pool.ts";
import { findLlamaServer } from "./upstream/process.ts";

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
    if ((error as { code?: string }).code === "ENOENT" || (error as { code?: string }).code === "ENOTDIR")
      return null;
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

async function serve(config: Config): Promise<void> {
  const { bounds } = config;
  const format = config.logFormat ?? (process.stderr.isTTY ? "pretty" : "json");
  const log = openLog({ level: config.logLevel, format, write: steadyWriter(process.stderr) });
  const say = steadyWriter(process.stdout);
  for (const setting of withoutEffect(config, process.env))
    log.warn("this setting has no effect here", { setting });
  const program =
    config.models.length === 0
      ? null
      : findLlamaServer(config.llamaServer, process.execPath, process.env["PATH"] ?? "");
  if (config.models.length > 0 && program === null) {
    fail(
      `there is no llama-server ${config.llamaServer ? `at ${config.llamaServer}` : "beside parlor or in PATH"}; name one with --llama-server PATH`,
      1,
    );
  }
  for (const model of config.models)
    if (!(await Bun.file(model).exists())) fail(`there is no model at ${model}`, 1);
  const file = storeFile(config);
  const metrics = new Metrics();
  const store = openSqlite(file, { stored: (ms) => metrics.stored(ms), damaged: (line) => log.error(line) });
  const kept = {
    store,
    temporary: openSqlite(":memory:", { beside: store }),
    personas: await openPersonas(config, log),
  };
  if (program !== null) await tryToListen(config); // before a model is loaded for nothing
  const starting = {
    args: config.llamaArgs,
    apiKey: config.llamaApiKey,
    endMs: bounds.graceMs,
    log,
    ...bounds,
  };
  const open = (url: string, child?: LlamaChild) =>
    openLlama({ url, apiKey: config.llamaApiKey, log, ...bounds, ...(child && { child }) });
  const children =
    program === null ? [] : config.models.map((model) => new LlamaChild({ ...starting, program, model }));
  const own = children.map((child) => open(child.url, child));
  const upstream = new Pool(
    { open, log },
    config.llama.length + own.length > 0 ? config.llama : [options.llama.default],
    own,
  );
  const app = await createApp({
    ...config,
    ...kept,
    isTls: config.tls !== null,
    areUpstreamsFixed: config.llama.length > 0,
    bus: localBus(),
    upstream,
    log,
    metrics,
  });

  const listening = await listen(app, {
    ...config,
    isSocketTrusted: new AddressSet(config.trustedProxies).hasUnix,
  }).catch(async (error) => {
    await upstream.close();
    throw error;
  });
  const { address } = listening;
  const invitation = await app.firstInvitation();
  const first =
    invitation === null
      ? ""
      : `\nThere is no admin yet. Become the first at ${address}/invite/${invitation} (once, within a day).`;

  let ending = false;
  const end = async (signal: string) => {
    if (ending) return;
    ending = true;
    log.info("ending", { signal });
    await app.stop();
    await listening.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end(signal));
  const renew = (file: string) => {
    try {
      listening.renew();
      log.info("the certificate was read again", { file });
    } catch (error) {
      log.error("the certificate can't be used; the one before holds", { error: (error as Error).message });
    }
  };
  const { tls } = config;
  if (tls !== null) process.on("SIGHUP", () => renew(tls.cert));
  else if (!ignoresHangup()) process.on("SIGHUP", () => void end("SIGHUP")); // the terminal is gone
  say(`parlor ${version} listening on ${address}${first}`); // in one go: whoever starts us may read one line and go
  log.info("conversations are kept", { file });
}

/** It was started with nohup, or as something that does: the end of its terminal is not its own. Elsewhere than on Linux the system's default is left in place. */
function ignoresHangup(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (Number.parseInt(ignored.slice(-1), 16) & 1) === 1; // SIGHUP is the first signal
  } catch {
    return true;
  }
}

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

/** What a command has to say can't be said: whoever reads it has seen enough (`parlor user list | head -1`), or the disk is full. */
function unwritable({ code, message }: Error & { code?: string }): never {
  if (code === "EPIPE") process.exit(0);
  fail(`standard output can't be written: ${message}`, 1);
}

// each command's own code is loaded when it is asked for: the start of what serves is shorter without
bypassProxyForLoopback();
process.umask(0o077); // whatever is written here is for its owner's eyes
const given = process.argv.slice(2);
const { words, flags } = split(given);
process.stderr.on("error", () => {}); // nobody reads it any more
try {
  if (words.length > 0) process.stdout.on("error", unwritable);
  if (words[0] === "help") readConfig(["--help"]);
  if (words[0] === "ask") {
    const isContinued = (flag: string) => flag === "--continue";
    await askHere(
      [...words.slice(1), ...flags.filter(isContinued)],
      flags.filter((flag) => !isContinued(flag)),
    );
  } else if (words[0] === "doctor" && words.length === 1) {
    const config = readConfig(flags, true);
    const here = {
      file: storeFile(config),
      execPath: process.execPath,
      path: process.env["PATH"] ?? "",
      fallback: options.llama.default,
    };
    await (await import("./commands/doctor.ts")).runDoctor(config, here);
  } else if (words.length > 0 && !words[0]?.startsWith("-"))
    await (await import("./commands/commands.ts")).runCommand(words, storeFile(readConfig(flags)));
  else {
    await serve(readConfig(given));
  }
} catch (error) {
  if (error instanceof StoreUnusable) fail(error.message, 1);
  if (error instanceof CommandError) fail(error.message, error.code);
  if (error instanceof Failure && error.code === "store_damaged") process.exit(1); // the log has named the file and what to do
  // what the system says of a file or a folder is for whoever started us; anything else is a bug, and its place is of use
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === "string" && /^(E[A-Z]+|SQLITE_\w+)$/.test(code)) fail(String(message), 1);
  throw error;
}
