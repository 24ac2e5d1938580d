// ONE table of everything that can be set: flag, environment name, default, unit, meaning (the second half, bounds, is in src/bounds.ts). src/given.ts reads what was
// given of it, src/help.ts prints it. Only main (and the tests of this table) imports it; everybody else is handed plain values.

import { type Bounds, bounds } from "./bounds.ts";
import { envOf, fromEnvironment, fromFile, fromFlags, kebab, type SettingsFile, UsageError } from "./given.ts";
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
  llama: {
    flag: "llama",
    env: "PARLOR_LLAMA",
    value: "URL",
    default: "http://127.0.0.1:8080",
    doc: "a llama-server to use; each question goes to the one that begins to answer it soonest",
    repeatable: true,
    isUrl: true,
  },
  llamaApiKey: { flag: "llama-api-key", env: "PARLOR_LLAMA_API_KEY", value: "KEY", default: null, doc: "their --api-key" },
  model: {
    flag: "model",
    env: "PARLOR_MODEL",
    value: "FILE.gguf",
    default: null,
    doc: "start llama-server ourselves with this model, one for each that is named",
    repeatable: true,
  },
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
  auth: {
    flag: "auth",
    env: "PARLOR_AUTH",
    value: "MODE",
    default: "none",
    doc: "who may come in: none (everybody is one person), password (accounts of parlor's own), header (a proxy says who it is), oidc (an OpenID provider)",
    oneOf: ["none", "password", "header", "oidc"],
  },
  trustedProxy: {
    flag: "trusted-proxy",
    env: "PARLOR_TRUSTED_PROXY",
    value: "ADDR",
    default: null,
    doc: "address of a proxy whose Remote-User, X-Forwarded-For, X-Forwarded-Proto and X-Request-Id are believed",
    repeatable: true,
  },
  oidcIssuer: { flag: "oidc-issuer", env: "PARLOR_OIDC_ISSUER", value: "URL", default: null, doc: "the OpenID provider", isUrl: true },
  oidcClientId: {
    flag: "oidc-client-id",
    env: "PARLOR_OIDC_CLIENT_ID",
    value: "ID",
    default: null,
    doc: "parlor's name there; its way back is http(s)://HOST:PORT/login/callback",
  },
  oidcClientSecret: {
    flag: "oidc-client-secret",
    env: "PARLOR_OIDC_CLIENT_SECRET",
    value: "KEY",
    default: null,
    doc: "its secret there (else: a public client)",
  },
  metricsToken: {
    flag: "metrics-token",
    env: "PARLOR_METRICS_TOKEN",
    value: "KEY",
    default: null,
    doc: "what a monitoring from elsewhere must bear at /metrics (Authorization: Bearer KEY)",
  },
  metricsAllow: {
    flag: "metrics-allow",
    env: "PARLOR_METRICS_ALLOW",
    value: "ADDR",
    default: null,
    doc: "address that may look at /metrics without a token (else: this machine)",
    repeatable: true,
  },
  open: { flag: "open", env: null, value: null, default: null, doc: "allow --auth none beyond loopback, where everyone who reaches the port can use it" },
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
  logTexts: { flag: "log-texts", env: "PARLOR_LOG_TEXTS", value: null, default: null, doc: "log the text of questions and answers, too" },
  logLevel: { flag: "log-level", env: "PARLOR_LOG_LEVEL", value: "LEVEL", default: "info", doc: "debug, info, warn or error", oneOf: logLevels },
} as const satisfies Record<string, Option>;

export interface Config {
  /** Empty: none was named. */
  readonly llama: readonly string[];
  readonly llamaApiKey: string | null;
  readonly models: readonly string[];
  readonly llamaServer: string | null;
  readonly llamaArgs: readonly string[];
  readonly host: string;
  readonly port: number;
  /** null: the default place. */
  readonly data: string | null;
  readonly enforcedPersona: string | null;
  readonly generateTitles: boolean;
  readonly auth: "none" | "password" | "header" | "oidc";
  readonly trustedProxies: readonly string[];
  /** Where `auth` is oidc. */
  readonly oidc: { readonly issuer: string; readonly clientId: string; readonly clientSecret: string | null } | null;
  readonly metricsToken: string | null;
  readonly metricsAllow: readonly string[];
  readonly open: boolean;
  readonly allowOrigins: readonly string[];
  readonly logTexts: boolean;
  readonly logFormat: "json" | "pretty" | null;
  readonly logLevel: (typeof logLevels)[number];
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
    llama: many(options.llama).map((url) => url.replace(/\/+$/, "")),
    llamaApiKey: one(options.llamaApiKey),
    models: many(options.model),
    llamaServer: one(options.llamaServer),
    llamaArgs: many(options.llamaArg),
    host: (one(options.host) as string).replace(/^\[(.*)\]$/, "$1"),
    port: Number(one(options.port)),
    data: one(options.data),
    enforcedPersona: one(options.enforcePersona),
    generateTitles: one(options.generateTitles) === "true",
    auth: one(options.auth) as Config["auth"],
    trustedProxies: many(options.trustedProxy),
    oidc: oidcOf(one),
    metricsToken: one(options.metricsToken),
    metricsAllow: given[options.metricsAllow.flag] ?? ["127.0.0.1", "::1"],
    open: one(options.open) === "true",
    allowOrigins: many(options.allowOrigin).map((url) => new URL(url).origin),
    logTexts: one(options.logTexts) === "true",
    logFormat: one(options.logFormat) as Config["logFormat"],
    logLevel: one(options.logLevel) as Config["logLevel"],
    bounds: Object.freeze(Object.fromEntries(Object.keys(bounds).map((name, i) => [name, Number(one(boundOptions[i] as Option))]))) as Bounds,
  };
  if (config.auth === "none" && !config.open && !isLoopback(config.host)) {
    throw new UsageError(
      `--host ${config.host} is reachable by others, who could all use parlor; add --auth password for accounts, --open to allow that, or use 127.0.0.1`,
    );
  }
  if (config.auth === "header" && config.trustedProxies.length === 0) {
    throw new UsageError("--auth header needs the proxy that is believed: --trusted-proxy ADDR, such as 127.0.0.1");
  }
  return Object.freeze(config);
}

/** The OpenID provider, where people sign in there. @throws UsageError */
function oidcOf(one: (option: Option) => string | null): Config["oidc"] {
  if (one(options.auth) !== "oidc") return null;
  const [issuer, clientId] = [one(options.oidcIssuer), one(options.oidcClientId)];
  if (issuer === null || clientId === null) throw new UsageError("--auth oidc needs --oidc-issuer URL and --oidc-client-id ID");
  return { issuer, clientId, clientSecret: one(options.oidcClientSecret) };
}

/** True for the addresses and the name of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
