// ONE table of everything that can be set: flag, environment name, default, unit, meaning. src/given.ts reads what was
// given of it, src/help.ts prints it. Only main (and the tests of this table) imports it; everybody else is handed plain values.

import { fromEnvironment, fromFile, fromFlags, type SettingsFile, UsageError } from "./given.ts";
import { logLevels } from "./telemetry/log.ts";

export interface Option {
  readonly flag: string;
  readonly env: string | null;
  /** What stands behind the flag; null for a switch. */
  readonly value: string | null;
  readonly default: string | null;
  readonly doc: string;
  readonly repeatable?: true;
  /** Allowed words. */
  readonly oneOf?: readonly string[];
  /** A whole number within bounds. */
  readonly range?: readonly [number, number];
  readonly isUrl?: true;
  readonly isOrigin?: true;
}

/** What people choose. */
export const options = {
  llama: { flag: "llama", env: "PARLOR_LLAMA", value: "URL", default: "http://127.0.0.1:8080", doc: "the llama-server to use", isUrl: true },
  llamaApiKey: { flag: "llama-api-key", env: "PARLOR_LLAMA_API_KEY", value: "KEY", default: null, doc: "its --api-key" },
  model: { flag: "model", env: "PARLOR_MODEL", value: "FILE.gguf", default: null, doc: "start llama-server ourselves with this model" },
  llamaServer: {
    flag: "llama-server",
    env: "PARLOR_LLAMA_SERVER",
    value: "PATH",
    default: null,
    doc: "which llama-server to start (else: beside parlor, then PATH)",
  },
  llamaArg: { flag: "llama-arg", env: "PARLOR_LLAMA_ARGS", value: "ARG", default: null, doc: "passed through to the llama-server we start", repeatable: true },
  host: { flag: "host", env: "PARLOR_HOST", value: "ADDR", default: "127.0.0.1", doc: "address to listen on" },
  port: {
    flag: "port",
    env: "PARLOR_PORT",
    value: "N",
    default: "8081",
    doc: "port to listen on (0: any free one; the line printed says which)",
    range: [0, 65535],
  },
  data: { flag: "data", env: "PARLOR_DATA", value: "DIR", default: null, doc: "where conversations are kept (else: parlor in the XDG data home)" },
  enforcePersona: {
    flag: "enforce-persona",
    env: "PARLOR_ENFORCE_PERSONA",
    value: "NAME",
    default: null,
    doc: "the persona that answers everybody: NAME.md in the data folder's personas",
  },
  generateTitles: {
    flag: "generate-titles",
    env: "PARLOR_GENERATE_TITLES",
    value: null,
    default: null,
    doc: "have the model make each conversation's title, behind its first answer",
  },
  open: { flag: "open", env: null, value: null, default: null, doc: "allow to listen beyond loopback, where everyone who reaches the port can use it" },
  allowOrigin: {
    flag: "allow-origin",
    env: "PARLOR_ALLOW_ORIGIN",
    value: "URL",
    default: null,
    doc: "another site whose pages may use parlor, or a name parlor is reached by, as http://NAME:PORT",
    repeatable: true,
    isOrigin: true,
  },
  logFormat: {
    flag: "log-format",
    env: "PARLOR_LOG_FORMAT",
    value: "FORMAT",
    default: null,
    doc: "json or pretty (else: pretty on a terminal)",
    oneOf: ["json", "pretty"],
  },
  logLevel: { flag: "log-level", env: "PARLOR_LOG_LEVEL", value: "LEVEL", default: "info", doc: "debug, info, warn or error", oneOf: logLevels },
} as const satisfies Record<string, Option>;

interface Bound {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

const minute = 60_000;

/** Every queue, buffer, time-out and retry has a bound here, with its unit in its name. Set by flag or environment like the options. */
export const bounds = {
  stallMs: { default: 2 * minute, min: 100, max: 60 * minute, doc: "longest silence of llama-server within an answer (its pings, every 30 s, are sound)" },
  stopMs: { default: 5_000, min: 0, max: minute, doc: "how long a stopped answer's slot is watched until llama-server shows it idle" },
  graceMs: { default: 5_000, min: 0, max: 10 * minute, doc: "how long running answers may go on after SIGTERM" },
  foldMs: { default: 40, min: 0, max: 1_000, doc: "tokens that come within this time reach the page together; in long answers it grows to twice this" },
  checkpointEveryMs: { default: 200, min: 10, max: minute, doc: "at most this much of an answer is lost when parlor is killed" },
  pageMaxMessages: { default: 50, min: 2, max: 10_000, doc: "messages of a long conversation that a page holds at first, and gets more of at a time" },
  answerTokens: {
    default: 1024,
    min: 1,
    max: 1_000_000,
    doc: "room kept in the context for an answer, in tokens, where the persona names no longest one; at most a quarter of it",
  },
  temporaryMs: { default: 60 * minute, min: 1_000, max: 7 * 24 * 60 * minute, doc: "a temporary chat that nobody looks at is forgotten after this time" },
  queueMaxRuns: { default: 200, min: 1, max: 100_000, doc: "questions that may wait at once" },
  messageMaxBytes: { default: 256 * 1024, min: 1, max: 16 << 20, doc: "longest message, in UTF-8" },
  importMaxBytes: { default: 100 << 20, min: 1024, max: 1 << 30, doc: "largest file of conversations that is brought in" },
  socketsMaxPerAddress: { default: 512, min: 1, max: 100_000, doc: "open sockets from one address" },
  commandsMax: { default: 8, min: 1, max: 1_000, doc: "commands of one socket under way at once" },
  outboxMaxBytes: {
    default: 1 << 20,
    min: 64 * 1024,
    max: 64 << 20,
    doc: "text that may wait for one program that does not read; a page has at most one frame waiting",
  },
  heartbeatMs: { default: 15_000, min: 100, max: 5 * minute, doc: "between two signs of life to every page; one that is silent for three is closed" },
  pollMs: { default: 500, min: 20, max: minute, doc: "between two looks at a llama-server that is not ready" },
  pollReadyMs: { default: 2_000, min: 20, max: minute, doc: "between two looks at a llama-server that is ready" },
  probeMs: { default: 2_000, min: 20, max: minute, doc: "how long one such look may take" },
  lineMaxBytes: { default: 4 << 20, min: 1024, max: 256 << 20, doc: "longest line of llama-server's stream" },
  restartMs: { default: 500, min: 10, max: minute, doc: "first pause before a llama-server of ours that died is started again; doubles" },
  restartMaxMs: { default: 30_000, min: 10, max: 10 * minute, doc: "longest such pause" },
} as const satisfies Record<string, Bound>;

export type Bounds = { readonly [name in keyof typeof bounds]: number };

export interface Config {
  readonly llama: string;
  readonly llamaApiKey: string | null;
  readonly model: string | null;
  readonly llamaServer: string | null;
  readonly llamaArgs: readonly string[];
  readonly host: string;
  readonly port: number;
  /** null: the default place. */
  readonly data: string | null;
  readonly enforcedPersona: string | null;
  readonly generateTitles: boolean;
  readonly open: boolean;
  readonly allowOrigins: readonly string[];
  readonly logFormat: "json" | "pretty" | null;
  readonly logLevel: (typeof logLevels)[number];
  readonly bounds: Bounds;
}

/** The flag of a bound: `stallMs` → `stall-ms`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment name of a bound: `stallMs` → `PARLOR_STALL_MS`. */
export function envOf(name: string): string {
  return `PARLOR_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}

export const boundOptions: readonly Option[] = Object.entries(bounds).map(([name, bound]) => ({
  flag: kebab(name),
  env: envOf(name),
  value: "N",
  default: String(bound.default),
  doc: bound.doc,
  range: [bound.min, bound.max],
}));
const all: readonly Option[] = [...Object.values<Option>(options), ...boundOptions];

/** The bounds' defaults, for tests that enter without a command line. */
export const defaultBounds: Bounds = Object.fromEntries(Object.entries(bounds).map(([name, bound]) => [name, bound.default])) as Bounds;

/** Finds the file of settings, whose place is known only when the data folder is; null where there is none. */
export type ReadSettings = (data: string | null) => SettingsFile | null;

/**
 * The configuration of a command line, an environment and the file of settings; a flag wins over the environment, the
 * environment over the file.
 * @throws UsageError
 */
export function parseConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>, readSettings: ReadSettings = () => null): Config {
  const nearer = { ...fromEnvironment(env, all), ...fromFlags(args, all) };
  const file = readSettings(nearer[options.data.flag]?.at(-1) ?? null);
  const given = { ...(file && fromFile(file, all)), ...nearer };
  const one = (option: Option): string | null => given[option.flag]?.at(-1) ?? option.default;
  const many = (option: Option): readonly string[] => given[option.flag] ?? [];
  const config: Config = {
    llama: (one(options.llama) as string).replace(/\/+$/, ""),
    llamaApiKey: one(options.llamaApiKey),
    model: one(options.model),
    llamaServer: one(options.llamaServer),
    llamaArgs: many(options.llamaArg),
    host: (one(options.host) as string).replace(/^\[(.*)\]$/, "$1"),
    port: Number(one(options.port)),
    data: one(options.data),
    enforcedPersona: one(options.enforcePersona),
    generateTitles: one(options.generateTitles) === "true",
    open: one(options.open) === "true",
    allowOrigins: many(options.allowOrigin).map((url) => new URL(url).origin),
    logFormat: one(options.logFormat) as Config["logFormat"],
    logLevel: one(options.logLevel) as Config["logLevel"],
    bounds: Object.freeze(Object.fromEntries(Object.keys(bounds).map((name, i) => [name, Number(one(boundOptions[i] as Option))]))) as Bounds,
  };
  if (!config.open && !isLoopback(config.host)) {
    throw new UsageError(`--host ${config.host} is reachable by others, who could all use parlor; add --open to allow that, or use 127.0.0.1`);
  }
  return Object.freeze(config);
}

/** True for the addresses and the name of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
