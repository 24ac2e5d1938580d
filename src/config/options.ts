// The first half of the table of options: flag, environment name, default, unit, meaning. The second half,
// bounds, is in config/bounds.ts. config/config.ts makes the configuration from both.

import { logLevels } from "../telemetry/log.ts";
import { houseOptions } from "./house-options.ts";
import { llamaOptions } from "./llama-options.ts";

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

/** All options except the bounds. */
export const options = {
  ...llamaOptions,
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
    doc: "port to listen on (0: any free port; the first line of output names it)",
    range: [0, 65535],
  },
  basePath: {
    flag: "base-path",
    env: "PARLOR_BASE_PATH",
    value: "PATH",
    default: null,
    doc: "the path at which a proxy serves parlor, such as /chat; the proxy may strip it or keep it",
    isPath: true,
  },
  tlsCert: {
    flag: "tls-cert",
    env: "PARLOR_TLS_CERT",
    value: "FILE",
    default: null,
    doc: "serve TLS with this certificate (PEM, followed by its chain); SIGHUP reads it again",
  },
  tlsKey: {
    flag: "tls-key",
    env: "PARLOR_TLS_KEY",
    value: "FILE",
    default: null,
    doc: "the private key of --tls-cert (PEM)",
  },
  data: {
    flag: "data",
    env: "PARLOR_DATA",
    value: "DIR",
    default: null,
    doc: "folder for conversations and settings (default: parlor in the XDG data home)",
  },
  ...houseOptions,
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
    doc: "let the model write each conversation's title after its first answer",
  },
  auth: {
    flag: "auth",
    env: "PARLOR_AUTH",
    value: "MODE",
    default: "none",
    doc:
      "how people sign in: none (everybody is one person), password (accounts in parlor), header (a proxy " +
      "sends the name), oidc (an OpenID provider)",
    oneOf: ["none", "password", "header", "oidc"],
  },
  trustedProxy: {
    flag: "trusted-proxy",
    env: "PARLOR_TRUSTED_PROXY",
    value: "ADDR",
    default: null,
    doc:
      "address of a proxy whose Remote-User, X-Forwarded-For, -Host, -Port and -Proto and X-Request-Id " +
      "are trusted: an address, a range (172.18.0.0/16), loopback, or unix for --host unix:/PATH",
    repeatable: true,
    isAddress: true,
  },
  oidcIssuer: {
    flag: "oidc-issuer",
    env: "PARLOR_OIDC_ISSUER",
    value: "URL",
    default: null,
    doc: "address of the OpenID provider",
    isUrl: true,
  },
  oidcClientId: {
    flag: "oidc-client-id",
    env: "PARLOR_OIDC_CLIENT_ID",
    value: "ID",
    default: null,
    doc: "parlor's client id at the provider; the redirect URI is http(s)://HOST:PORT/login/callback",
  },
  oidcClientSecret: {
    flag: "oidc-client-secret",
    env: "PARLOR_OIDC_CLIENT_SECRET",
    value: "KEY",
    default: null,
    doc: "parlor's client secret at the provider (default: a public client)",
    isSecret: true,
  },
  metricsToken: {
    flag: "metrics-token",
    env: "PARLOR_METRICS_TOKEN",
    value: "KEY",
    default: null,
    doc: "token that /metrics requires from other machines (Authorization: Bearer KEY)",
    isSecret: true,
  },
  metricsAllow: {
    flag: "metrics-allow",
    env: "PARLOR_METRICS_ALLOW",
    value: "ADDR",
    default: null,
    doc: "address or range of addresses that may read /metrics without a token (default: this machine)",
    repeatable: true,
    isAddress: true,
  },
  open: {
    flag: "open",
    env: null,
    value: null,
    default: null,
    doc: "allow --auth none beyond loopback: everybody who reaches the port can use parlor",
  },
  allowOrigin: {
    flag: "allow-origin",
    env: "PARLOR_ALLOW_ORIGIN",
    value: "URL",
    default: null,
    doc:
      "another site or app whose pages may use parlor (http://NAME:PORT, app://NAME, " +
      "chrome-extension://ID), or another name of parlor itself",
    repeatable: true,
    isOrigin: true,
  },
  logFormat: {
    flag: "log-format",
    env: "PARLOR_LOG_FORMAT",
    value: "FORMAT",
    default: null,
    doc: "json or pretty (default: pretty on a terminal, else json)",
    oneOf: ["json", "pretty"],
  },
  logTexts: {
    flag: "log-texts",
    env: "PARLOR_LOG_TEXTS",
    value: null,
    default: null,
    doc: "also log the text of questions and answers",
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
