// Values of the configuration that are made from several options, or need more than a pattern to check.

import { AddressSet } from "../domain/address.ts";
import { llamaAddress, withoutSecrets } from "../domain/upstream.ts";
import { UsageError } from "./arguments.ts";
import { type Option, options } from "./options.ts";

/** Files in PEM format. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface OidcProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
}

/** Where models for one purpose beside conversations are. */
export interface SpecialSource {
  /** Addresses of llama-servers. */
  readonly llama: readonly string[];
  /** Path of a model to start one with. */
  readonly model: string | null;
}

/** The value of an option, or its default; null if it has neither. */
type OneValue = (option: Option) => string | null;

/** The address of a llama-server, as it was typed. @throws UsageError */
export function llamaOf(typed: string, { flag }: Option = options.llama): string {
  const address = llamaAddress(typed);
  if (address === null)
    throw new UsageError(
      `--${flag} ${withoutSecrets(typed)} is no address of a llama-server; write it as http://HOST:PORT`,
    );
  return address;
}

/** The servers and the model of two options. @throws UsageError */
export function specialOf(
  llama: Option,
  model: Option,
  many: (option: Option) => readonly string[],
  one: OneValue,
): SpecialSource {
  return { llama: [...new Set(many(llama).map((each) => llamaOf(each, llama)))], model: one(model) };
}

/** The certificate and its key; null without TLS. @throws UsageError */
export function tlsOf(one: OneValue): TlsFiles | null {
  const [cert, key] = [one(options.tlsCert), one(options.tlsKey)];
  if ((cert === null) !== (key === null))
    throw new UsageError("TLS needs both: --tls-cert FILE and --tls-key FILE");
  return cert === null || key === null ? null : { cert, key };
}

/** The OpenID provider; null unless people sign in at one. @throws UsageError */
export function oidcOf(one: OneValue): OidcProvider | null {
  if (one(options.auth) !== "oidc") return null;
  const [issuer, clientId] = [one(options.oidcIssuer), one(options.oidcClientId)];
  if (issuer === null || clientId === null)
    throw new UsageError("--auth oidc needs --oidc-issuer URL and --oidc-client-id ID");
  const { protocol, hostname, username, password } = new URL(issuer);
  if (username !== "" || password !== "")
    throw new UsageError(
      `--oidc-issuer ${withoutSecrets(issuer)} was given with a name or a password, which providers do ` +
        "not use; the client's are --oidc-client-id and --oidc-client-secret",
    );
  if (protocol !== "https:" && !isLoopback(hostname)) {
    throw new UsageError(
      `--oidc-issuer ${withoutSecrets(issuer)} is reached without TLS: anyone in between could sign ` +
        "in as anybody; allowed is https://, and http:// on this machine",
    );
  }
  return { issuer, clientId, clientSecret: one(options.oidcClientSecret) };
}

/** True for loopback addresses, localhost and Unix sockets: only this machine can reach them. */
export function isLoopback(host: string): boolean {
  return (
    host.startsWith("unix:") || host.toLowerCase() === "localhost" || new AddressSet(["loopback"]).has(host)
  );
}
