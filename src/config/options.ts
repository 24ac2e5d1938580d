// The first half of the table of options: flag, environment name, default, unit, meaning. The second half,
// bounds, is in config/bounds.ts. config/config.ts makes the configuration from both.

import { logLevels } from "../telemetry/log.ts";

export interface Option {
  readonly flag: string;
  readonly env: string | null;
  /** Name of the value in help; null for a switch. */
  readonly value: string | null;
  readonly default: string | null;
  readonly doc: string;
  readonly repeatable?: true;
  /** The allowed values. */
  readonly oneOf?: readonly string[];
  /** Least and greatest value of a whole number. */
  readonly range?: readonly [number, number];
  readonly isUrl?: true;
  readonly isOrigin?: true;
  /** An address, a range of them, or a word for one (domain/address). */
  readonly isAddress?: true;
  readonly isPath?: true;
  /** An address to listen on. */
  readonly isHost?: true;
  /** A secret, which is never shown. It must be usable in a header. */
  readonly isSecret?: true;
}

/** The options that are no bounds. */
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
  llamaApiKey: {
    flag: "llama-api-key",
    env: "PARLOR_LLAMA_API_KEY",
    value: "KEY",
    default: null,
    doc: "their --api-key",
    isSecret: true,
  },
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
  llamaArg: {
    flag: "llama-arg",
    env: "PARLOR_LLAMA_ARGS",
    value: "ARG",
    default: null,
    doc: "passed through to the llama-server we start",
    repeatable: true,
  },
  host: {
    flag: "host",
    env: "PARLOR_HOST",
    value: "ADDR",
    default: "127.0.0.1",
    doc: "address to listen on, or unix:/PATH for a socket in the file system",
    isHost: true,
  },
  port: {
    flag: "port",
    env: "PARLOR_PORT",
    value: "N",
    default: "8081",
    doc: "port to listen on (0: any free one; the line printed says which)",
    range: [0, 65535],
  },
  basePath: {
    flag: "base-path",
    env: "PARLOR_BASE_PATH",
    value: "PATH",
    default: null,
    doc: "the path that a proxy has parlor at, as /chat; the proxy may take it off or leave it",
    isPath: true,
  },
  tlsCert: {
    flag: "tls-cert",
    env: "PARLOR_TLS_CERT",
    value: "FILE",
    default: null,
    doc: "speak TLS with this certificate (PEM, its chain behind it); read again at SIGHUP",
  },
  tlsKey: { flag: "tls-key", env: "PARLOR_TLS_KEY", value: "FILE", default: null, doc: "its key (PEM)" },
  data: {
    flag: "data",
    env: "PARLOR_DATA",
    value: "DIR",
    default: null,
    doc: "where conversations are kept (else: parlor in the XDG data home)",
  },
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
    doc:
      "who may come in: none (everybody is one person), password (accounts of parlor's own), header (a " +
      "proxy says who it is), oidc (an OpenID provider)",
    oneOf: ["none", "password", "header", "oidc"],
  },
  trustedProxy: {
    flag: "trusted-proxy",
    env: "PARLOR_TRUSTED_PROXY",
    value: "ADDR",
    default: null,
    doc:
      "address of a proxy whose Remote-User, X-Forwarded-For, -Host, -Port and -Proto and X-Request-Id " +
      "are believed: one, a range (172.18.0.0/16), loopback, or unix for --host unix:/PATH",
    repeatable: true,
    isAddress: true,
  },
  oidcIssuer: {
    flag: "oidc-issuer",
    env: "PARLOR_OIDC_ISSUER",
    value: "URL",
    default: null,
    doc: "the OpenID provider",
    isUrl: true,
  },
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
    isSecret: true,
  },
  metricsToken: {
    flag: "metrics-token",
    env: "PARLOR_METRICS_TOKEN",
    value: "KEY",
    default: null,
    doc: "what a monitoring from elsewhere must bear at /metrics (Authorization: Bearer KEY)",
    isSecret: true,
  },
  metricsAllow: {
    flag: "metrics-allow",
    env: "PARLOR_METRICS_ALLOW",
    value: "ADDR",
    default: null,
    doc: "address, or range of them, that may look at /metrics without a token (else: this machine)",
    repeatable: true,
    isAddress: true,
  },
  open: {
    flag: "open",
    env: null,
    value: null,
    default: null,
    doc: "allow --auth none beyond loopback, where everyone who reaches the port can use it",
  },
  allowOrigin: {
    flag: "allow-origin",
    env: "PARLOR_ALLOW_ORIGIN",
    value: "URL",
    default: null,
    doc:
      "another site or app whose pages may use parlor (http://NAME:PORT, app://NAME, " +
      "chrome-extension://ID), or a name parlor is reached by",
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
  logTexts: {
    flag: "log-texts",
    env: "PARLOR_LOG_TEXTS",
    value: null,
    default: null,
    doc: "log the text of questions and answers, too",
  },
  logLevel: {
    flag: "log-level",
    env: "PARLOR_LOG_LEVEL",
    value: "LEVEL",
    default: "info",
    doc: "debug, info, warn or error",
    oneOf: logLevels,
  },
} as const satisfies Record<string, Option>;
