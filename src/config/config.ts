// The configuration, of ONE table of everything that can be set (src/options.ts and src/bounds.ts). src/given.ts reads what was given of it, src/help.ts prints
// it. Only main (and the tests of this table) imports it; everybody else is handed plain values.

import { AddressSet, originText, unixPeer } from "../domain/address.ts";
import { llamaAddress, withoutSecrets } from "../domain/upstream.ts";
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
import { type Option, options } from "./options.ts";

export interface Config {
  /** Empty: none was named. */
  readonly llama: readonly string[];
  readonly llamaApiKey: string | null;
  readonly models: readonly string[];
  readonly llamaServer: string | null;
  readonly llamaArgs: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Empty: at the root. */
  readonly basePath: string;
  /** null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** null: the default place. */
  readonly data: string | null;
  readonly enforcedPersona: string | null;
  readonly generateTitles: boolean;
  readonly auth: "none" | "password" | "header" | "oidc";
  readonly trustedProxies: readonly string[];
  /** Where `auth` is oidc. */
  readonly oidc: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string | null;
  } | null;
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

/** The words and the options of a command line. */
export const split = (args: readonly string[]): { words: string[]; flags: string[] } =>
  wordsAndFlags(args, all);

/** The bounds' defaults, for tests that enter without a command line. */
export const defaultBounds: Bounds = Object.fromEntries(
  Object.entries(bounds).map(([name, bound]) => [name, bound.default]),
) as Bounds;

/** Finds the file of settings, whose place is known only when the data folder is; null where there is none. */
type ReadSettings = (data: string | null) => SettingsFile | null;

/**
 * The configuration of a command line, an environment and the file of settings; a flag wins over the environment, the
 * environment over the file.
 * @throws UsageError
 */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readSettings: ReadSettings = () => null,
  isDoctor = false, // it looks at what is given, also at what holds for nothing
): Config {
  const flags = fromFlags(args, all);
  const nearer = { ...fromEnvironment(env, all), ...flags };
  const file = readSettings(nearer[options.data.flag]?.at(-1) ?? null);
  const written = file ? fromFile(file, all) : {};
  const given = { ...written, ...nearer };
  const one = (option: Option): string | null => given[option.flag]?.at(-1) ?? option.default;
  const many = (option: Option): readonly string[] => given[option.flag] ?? [];
  const config: Config = {
    llama: [...new Set(many(options.llama).map(llamaOf))],
    llamaApiKey: one(options.llamaApiKey),
    models: many(options.model),
    llamaServer: one(options.llamaServer),
    llamaArgs: many(options.llamaArg),
    host: (one(options.host) as string).replace(/^\[(.*)\]$/, "$1"),
    port: Number(one(options.port)),
    basePath: (one(options.basePath) ?? "").replace(/\/+$/, ""),
    tls: tlsOf(one),
    data: one(options.data),
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
      `--host ${config.host} is reachable by others, who could all use parlor; add --auth password for accounts, --open to allow that, or use 127.0.0.1`,
    );
  }
  if (config.auth === "header" && config.trustedProxies.length === 0) {
    throw new UsageError(
      "--auth header needs the proxy that is believed: --trusted-proxy ADDR, such as 127.0.0.1",
    );
  }
  if (config.bounds.restartMs > config.bounds.restartMaxMs) {
    throw new UsageError(
      `--restart-ms ${config.bounds.restartMs} is longer than the longest pause, --restart-max-ms ${config.bounds.restartMaxMs}`,
    );
  }
  refuseWithoutEffect(config, given);
  if (!isDoctor) refuseIdle(config, { ...written, ...flags });
  return Object.freeze(config);
}

/** What would match nobody, or nothing looks at: whoever gave it believes that it holds. @throws UsageError */
function refuseWithoutEffect({ host, auth, trustedProxies, metricsAllow }: Config, given: Given): void {
  const isUnix = host.startsWith("unix:");
  if (!isUnix && [...trustedProxies, ...metricsAllow].includes(unixPeer))
    throw new UsageError(`${unixPeer} can be listed only where parlor listens on --host unix:/PATH`);
  if (isUnix && trustedProxies.length > 0 && !trustedProxies.includes(unixPeer)) {
    throw new UsageError(
      `--trusted-proxy: over --host ${host} no connection has an address; the proxy that is believed is called ${unixPeer}`,
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
 * Of what was typed for this start, on the command line or in the file of settings, what nothing looks at. The environment may be an image's or a service's, for
 * every start of parlor there: `withoutEffect` names what holds for nothing in it. @throws UsageError
 */
function refuseIdle({ host, models }: Config, typed: Given): void {
  if (host.startsWith("unix:") && typed[options.port.flag]?.some((port) => port !== "0"))
    throw new UsageError(`--port is for an address, and --host ${host} has none; give one of the two`);
  const ownOnly = [options.llamaArg, options.llamaServer].find(({ flag }) => typed[flag] !== undefined);
  if (ownOnly && models.length === 0) {
    throw new UsageError(
      `--${ownOnly.flag} is for a llama-server that parlor starts: give --model FILE.gguf, too, or leave it out`,
    );
  }
}

/**
 * What was given and can't have an effect but is no reason not to start: options of a llama-server of ours where none is started, names in the environment that
 * look like parlor's and are not.
 */
export function withoutEffect(
  { models, llamaArgs, llamaServer }: Config,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const known = new Set([...all.map((option) => option.env), "PARLOR_URL", "PARLOR_KEY"]);
  // Kubernetes adds the last two kinds for a service that is called parlor
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith("PARLOR_") && !known.has(name) && !/^PARLOR_(SERVICE|PORT)_/.test(name),
  );
  const ownOnly = [
    ...(llamaArgs.length > 0 ? ["--llama-arg"] : []),
    ...(llamaServer !== null ? ["--llama-server"] : []),
  ];
  return [...unknown, ...(models.length === 0 ? ownOnly : [])];
}

/** @throws UsageError */
function llamaOf(typed: string): string {
  const address = llamaAddress(typed);
  if (address === null)
    throw new UsageError(
      `--llama ${withoutSecrets(typed)} is no address of a llama-server; write it as http://HOST:PORT`,
    );
  return address;
}

/** @throws UsageError */
function tlsOf(one: (option: Option) => string | null): Config["tls"] {
  const [cert, key] = [one(options.tlsCert), one(options.tlsKey)];
  if ((cert === null) !== (key === null))
    throw new UsageError("TLS needs both: --tls-cert FILE and --tls-key FILE");
  return cert === null || key === null ? null : { cert, key };
}

/** The OpenID provider, where people sign in there. @throws UsageError */
function oidcOf(one: (option: Option) => string | null): Config["oidc"] {
  if (one(options.auth) !== "oidc") return null;
  const [issuer, clientId] = [one(options.oidcIssuer), one(options.oidcClientId)];
  if (issuer === null || clientId === null)
    throw new UsageError("--auth oidc needs --oidc-issuer URL and --oidc-client-id ID");
  const { protocol, hostname, username, password } = new URL(issuer);
  if (username !== "" || password !== "")
    throw new UsageError(
      `--oidc-issuer ${withoutSecrets(issuer)} was given with a name or a password, which providers do not use; the client's are --oidc-client-id and --oidc-client-secret`,
    );
  if (protocol !== "https:" && !isLoopback(hostname)) {
    throw new UsageError(
      `--oidc-issuer ${withoutSecrets(issuer)} is reached without TLS: whoever is between could sign in as anybody; allowed is https://, and http:// on this machine`,
    );
  }
  return { issuer, clientId, clientSecret: one(options.oidcClientSecret) };
}

/** True for the addresses and the name of this machine alone, and for a socket in its file system. */
export function isLoopback(host: string): boolean {
  return (
    host.startsWith("unix:") || host.toLowerCase() === "localhost" || new AddressSet(["loopback"]).has(host)
  );
}
