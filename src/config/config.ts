// The configuration, made from one table of options (config/options.ts and config/bounds.ts).
// config/arguments.ts reads the values, config/help.ts prints the table. Other rooms are handed plain values
// instead of this configuration.

import { originText, unixPeer } from "../domain/address.ts";
import type { LogLevel } from "../telemetry/log.ts";
import {
  envOf,
  fromEnvironment,
  fromFile,
  fromFlags,
  type Given,
  kebab,
  type SettingsFile,
  UsageError,
  wordsAndFlags,
} from "./arguments.ts";
import { type Bounds, bounds } from "./bounds.ts";
import { type HouseConfig, houseOf } from "./house.ts";
import { type Option, options } from "./options.ts";
import {
  isLoopback,
  llamaOf,
  type OidcProvider,
  oidcOf,
  type SpecialSource,
  specialOf,
  type TlsFiles,
  tlsOf,
} from "./values.ts";

export interface Config {
  /** Empty if none was named. */
  readonly llama: readonly string[];
  readonly llamaApiKey: string | null;
  readonly models: readonly string[];
  /** Servers and models that embed texts. */
  readonly embedding: SpecialSource;
  /** Servers and models that rank texts. */
  readonly reranking: SpecialSource;
  readonly llamaServer: string | null;
  readonly llamaArgs: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Empty: at the root. */
  readonly basePath: string;
  /** null: plain HTTP. */
  readonly tls: TlsFiles | null;
  /** null for the default place. */
  readonly data: string | null;
  /** null: an SQLite file and one process. */
  readonly db: HouseConfig | null;
  readonly enforcedPersona: string | null;
  readonly generateTitles: boolean;
  readonly auth: "none" | "password" | "header" | "oidc";
  readonly trustedProxies: readonly string[];
  /** null unless `auth` is `oidc`. */
  readonly oidc: OidcProvider | null;
  readonly metricsToken: string | null;
  readonly metricsAllow: readonly string[];
  readonly open: boolean;
  readonly allowOrigins: readonly string[];
  readonly logTexts: boolean;
  readonly logFormat: "json" | "pretty" | null;
  readonly logLevel: LogLevel;
  readonly bounds: Bounds;
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

/** The words and the options of a command line: see wordsAndFlags. */
export const split = (args: readonly string[]): { words: string[]; flags: string[] } =>
  wordsAndFlags(args, all);

/** The default bounds, where there is no command line. */
export const defaultBounds: Bounds = Object.fromEntries(
  Object.entries(bounds).map(([name, bound]) => [name, bound.default]),
) as Bounds;

/**
 * Reads the settings file of a data folder, which is known only after the command line is read; null if there
 * is none.
 */
type ReadSettings = (data: string | null) => SettingsFile | null;

/**
 * Makes the configuration from a command line, an environment and the settings file. A flag wins over the
 * environment, the environment over the file. `isDoctor` accepts options that have no effect, which `parlor
 * doctor` then reports.
 * @throws UsageError
 */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readSettings: ReadSettings = () => null,
  isDoctor = false,
): Config {
  const flags = fromFlags(args, all);
  const nearer = { ...fromEnvironment(env, all), ...flags };
  const file = readSettings(nearer[options.data.flag]?.at(-1) ?? null);
  const written = file ? fromFile(file, all) : {};
  const given = { ...written, ...nearer };
  const one = (option: Option): string | null => given[option.flag]?.at(-1) ?? option.default;
  const many = (option: Option): readonly string[] => given[option.flag] ?? [];
  const config: Config = {
    llama: [...new Set(many(options.llama).map((each) => llamaOf(each)))],
    llamaApiKey: one(options.llamaApiKey),
    models: many(options.model),
    embedding: specialOf(options.embedLlama, options.embedModel, many, one),
    reranking: specialOf(options.rerankLlama, options.rerankModel, many, one),
    llamaServer: one(options.llamaServer),
    llamaArgs: many(options.llamaArg),
    host: (one(options.host) as string).replace(/^\[(.*)\]$/, "$1"),
    port: Number(one(options.port)),
    basePath: (one(options.basePath) ?? "").replace(/\/+$/, ""),
    tls: tlsOf(one),
    data: one(options.data),
    db: houseOf(
      one,
      [options.model, options.embedModel, options.rerankModel].some((each) => one(each)),
    ),
    enforcedPersona: one(options.enforcePersona)?.replace(/\.md$/, "") ?? null,
    generateTitles: one(options.generateTitles) === "true",
    auth: one(options.auth) as Config["auth"],
    trustedProxies: many(options.trustedProxy),
    oidc: oidcOf(one),
    metricsToken: one(options.metricsToken),
    metricsAllow: given[options.metricsAllow.flag] ?? ["127.0.0.1", "::1"],
    open: one(options.open) === "true",
    allowOrigins: [...new Set(many(options.allowOrigin).map((each) => originText(each) as string))],
    logTexts: one(options.logTexts) === "true",
    logFormat: one(options.logFormat) as Config["logFormat"],
    logLevel: one(options.logLevel) as Config["logLevel"],
    bounds: Object.freeze(
      Object.fromEntries(
        Object.keys(bounds).map((name, i) => [name, Number(one(boundOptions[i] as Option))]),
      ),
    ) as Bounds,
  };
  if (config.auth === "none" && !config.open && !isLoopback(config.host)) {
    throw new UsageError(
      `--host ${config.host} is reachable by others, who could all use parlor; add --auth password for ` +
        "accounts, --open to allow that, or use 127.0.0.1",
    );
  }
  if (config.auth === "header" && config.trustedProxies.length === 0) {
    throw new UsageError(
      "--auth header needs the proxy that is believed: --trusted-proxy ADDR, such as 127.0.0.1",
    );
  }
  if (config.bounds.restartMs > config.bounds.restartMaxMs) {
    throw new UsageError(
      `--restart-ms ${config.bounds.restartMs} is longer than the longest pause, --restart-max-ms ` +
        `${config.bounds.restartMaxMs}`,
    );
  }
  refuseWithoutEffect(config, given);
  if (!isDoctor) refuseIdle(config, { ...written, ...flags });
  return Object.freeze(config);
}

/**
 * Refuses options that would match nothing or are not used: the operator believes that they protect.
 * @throws UsageError
 */
function refuseWithoutEffect({ host, auth, trustedProxies, metricsAllow }: Config, given: Given): void {
  const isUnix = host.startsWith("unix:");
  if (!isUnix && [...trustedProxies, ...metricsAllow].includes(unixPeer))
    throw new UsageError(`${unixPeer} can be listed only where parlor listens on --host unix:/PATH`);
  if (isUnix && trustedProxies.length > 0 && !trustedProxies.includes(unixPeer)) {
    throw new UsageError(
      `--trusted-proxy: over --host ${host} no connection has an address; the proxy that is believed ` +
        `is called ${unixPeer}`,
    );
  }
  if (isUnix && given[options.metricsAllow.flag] && !metricsAllow.includes(unixPeer)) {
    throw new UsageError(
      `--metrics-allow: over --host ${host} no connection has an address; allowed is ${unixPeer}`,
    );
  }
  if (auth === "oidc") return;
  const idle = [options.oidcIssuer, options.oidcClientId, options.oidcClientSecret].find(
    ({ flag }) => given[flag] !== undefined,
  );
  if (idle)
    throw new UsageError(`--${idle.flag} is for --auth oidc, and holds for nothing with --auth ${auth}`);
}

/**
 * Refuses options without effect on the command line and in the settings file. The environment may belong to
 * an image or a service and hold for every start there, so `withoutEffect` only reports such options in it.
 * @throws UsageError
 */
function refuseIdle(config: Config, typed: Given): void {
  const { host } = config;
  if (host.startsWith("unix:") && typed[options.port.flag]?.some((port) => port !== "0"))
    throw new UsageError(`--port is for an address, and --host ${host} has none; give one of the two`);
  const ownOnly = idleOfOwn(config).find(({ flag }) => typed[flag] !== undefined);
  if (ownOnly) {
    throw new UsageError(
      `--${ownOnly.flag} is for a llama-server that parlor starts: give --model FILE.gguf, too, or ` +
        "leave it out",
    );
  }
}

/** Options of a llama-server that parlor starts, where it starts none that has them. */
function idleOfOwn({ models, embedding, reranking }: Config): readonly Option[] {
  if (models.length > 0) return [];
  const isOnly = embedding.model === null && reranking.model === null;
  return [options.llamaArg, ...(isOnly ? [options.llamaServer] : [])];
}

/**
 * Names of settings without effect that do not prevent a start: options of a llama-server that parlor does
 * not start, and names in the environment that look like parlor's and are not.
 */
export function withoutEffect(config: Config, env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set([...all.map((option) => option.env), "PARLOR_URL", "PARLOR_KEY"]);
  // Kubernetes adds the last two kinds for a service that is called parlor
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith("PARLOR_") && !known.has(name) && !/^PARLOR_(SERVICE|PORT)_/.test(name),
  );
  const isGiven = ({ flag }: Option) =>
    flag === options.llamaArg.flag ? config.llamaArgs.length > 0 : config.llamaServer !== null;
  return [
    ...unknown,
    ...idleOfOwn(config)
      .filter(isGiven)
      .map(({ flag }) => `--${flag}`),
  ];
}
