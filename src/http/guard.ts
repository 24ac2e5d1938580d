// Keeps pages of other sites out: they can't send requests (checked by Origin), nor read answers by giving
// parlor's address a name of their own (checked by Host). Also security headers, and the client's address
// behind proxies.

import { isIP } from "node:net";
import type { Client } from "../auth/auth.ts";
import { type AddressSet, networkOf, originText, plainAddress } from "../domain/address.ts";
import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";

/** Measured with htmx 4 and its ws extension in Chromium: no violation, no eval, no inline anything. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Headers of every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin", // with no-referrer, parlor's own forms would be sent with "Origin: null"
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

/** True for a host, with or without a port, and nothing else. */
export const isHost = (host: string | null): host is string =>
  host !== null && /^[\w.:[\]-]+$/.test(host) && URL.canParse(`http://${host}`);

/** Headers of answers to programs. No browser shows them as a page, whatever llama-server puts into them. */
export const programHeaders: Readonly<Record<string, string>> = {
  ...securityHeaders,
  "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
};

/**
 * Refuses host names that may belong to another site. DNS rebinding gives such a name parlor's address, and
 * then Origin and Host agree. Addresses, names without a dot and names that exist only in a local network are
 * accepted.
 * @throws Failure `unknown_host`
 */
export function checkHost(host: string | null, allowOrigins: readonly string[]): void {
  if (!isHost(host)) throw new Failure("bad_request", { detail: "Host" });
  const url = new URL(`http://${host}`);
  const name = url.hostname;
  const isAddress = /^\[.*\]$|^\d{1,3}(\.\d{1,3}){3}$/.test(name);
  const isLocal = !name.includes(".") || /\.(local|localhost|lan|internal|home\.arpa)$/.test(name);
  if (
    isAddress ||
    isLocal ||
    allowOrigins.some((origin) => /^https?:/.test(origin) && new URL(origin).hostname === name)
  )
    return;
  throw new Failure("unknown_host", { host: url.host });
}

/**
 * Refuses requests from pages of another origin. Browsers send Origin with every WebSocket and every POST;
 * other programs send none and need no protection. `isAmbient` marks a request with credentials that a
 * browser adds by itself (a session's cookie, a proxy's header): it must have Origin, or Sec-Fetch-Site.
 * `hosts` are the names that were used for parlor (Client).
 * @throws Failure `foreign_origin`
 */
export function checkOrigin(
  headers: Headers,
  hosts: readonly string[],
  allowOrigins: readonly string[],
  { isAmbient = false } = {},
): void {
  const origin = headers.get("origin");
  const host = hosts[0] ?? "?";
  if (origin === null && isAmbient && headers.get("sec-fetch-site") !== "same-origin")
    throw new Failure("foreign_origin", { origin: "?", host });
  if (origin === null || isAllowed(origin, allowOrigins)) return;
  const page = URL.parse(origin);
  if (
    page &&
    /^https?:$/.test(page.protocol) &&
    hosts.some((each) => URL.parse(`${page.protocol}//${each}`)?.host === page.host)
  )
    return;
  throw new Failure("foreign_origin", { origin: origin.slice(0, 200), host: host.slice(0, 200) });
}

const isAllowed = (origin: string, allowOrigins: readonly string[]): boolean =>
  allowOrigins.includes(originText(origin) ?? "");

/** CORS headers for pages of the allowed origins (Fetch Standard). */
export function corsHeaders(headers: Headers, allowOrigins: readonly string[]): Record<string, string> {
  const origin = headers.get("origin");
  if (origin === null || !isAllowed(origin, allowOrigins)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers":
      headers.get("access-control-request-headers") ?? "authorization, content-type",
    "access-control-expose-headers": "retry-after, x-conversation, x-request-id",
    vary: "origin",
  };
}

/**
 * Where a request comes from: as a trusted proxy reports it, else the other end of the connection. `peer` is
 * that end's address.
 */
export function clientOf(
  headers: Headers,
  peer: string,
  { trustedProxies, isTls }: { trustedProxies: AddressSet; isTls: boolean },
): Client {
  const wire = plainAddress(peer);
  const isProxied = trustedProxies.has(wire);
  const host = headers.get("host");
  if (!isProxied) return { address: wire, isProxied, isSecure: isTls, hosts: host === null ? [] : [host] };
  // each proxy appends the address that it got the request from: the last that is no trusted proxy is the
  // client's
  const reported = (headers.get("x-forwarded-for") ?? "").split(",").map(reportedAddress);
  const address = reported.findLast((each) => each !== "" && !trustedProxies.has(each)) ?? wire;
  const isSecure = isTls || /^(https|wss)$/i.test(lastOf(headers, "x-forwarded-proto") ?? "");
  return { address, isProxied, isSecure, hosts: hostsOf(headers, isSecure) };
}

/** What the proxy nearest to parlor has appended to a header. */
const lastOf = (headers: Headers, name: string): string | null =>
  headers.get(name)?.split(",").at(-1)?.trim() || null;

/** An address in X-Forwarded-For without its port, which some proxies add; "unknown" for anything else. */
function reportedAddress(text: string): string {
  const bare = text.trim().replace(/^"?(\[.*\]|[\d.]+)(?::\d+)?"?$/, "$1");
  const plain = plainAddress(bare);
  return bare === "" || isIP(plain) !== 0 ? plain : "unknown";
}

/**
 * The host names that the browser may have used, as a trusted proxy reports them. Links are made with the
 * first.
 */
function hostsOf(headers: Headers, isSecure: boolean): string[] {
  const [host, named, port] = [
    headers.get("host"),
    lastOf(headers, "x-forwarded-host"),
    lastOf(headers, "x-forwarded-port"),
  ];
  const name = named ?? host;
  const isBare = name !== null && !/:\d+$/.test(name);
  const isUsual = port === (isSecure ? "443" : "80");
  const withPort = isBare && port !== null && /^\d{1,5}$/.test(port) && !isUsual ? [`${name}:${port}`] : [];
  return [...withPort, named, host].filter((each) => each !== null);
}

/** The request's id in logs: a trusted proxy's X-Request-Id, else a new one. */
export function requestIdOf(headers: Headers, isProxied: boolean): string {
  const given = isProxied ? headers.get("x-request-id") : null;
  return given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : newId();
}

/** Counts open sockets per address; for IPv6 per network. */
export class AddressCount {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws Failure `too_many_sockets` */
  enter(address: string): void {
    const network = networkOf(address);
    const open = this.#open.get(network) ?? 0;
    if (open >= this.#max) throw new Failure("too_many_sockets", { limit: this.#max });
    this.#open.set(network, open + 1);
  }

  leave(address: string): void {
    const network = networkOf(address);
    const open = (this.#open.get(network) ?? 1) - 1;
    if (open === 0) this.#open.delete(network);
    else this.#open.set(network, open);
  }
}
