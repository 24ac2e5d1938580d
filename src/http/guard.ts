// Who may talk to us: pages of our own origin, and programs. Another site's page can neither send (Origin) nor read
// by giving our address a name of its own (Host). Also the headers that keep our own pages from doing harm.

import { isIP } from "node:net";
import type { Client } from "../auth/auth.ts";
import { type AddressSet, networkOf, originText, plainAddress } from "../domain/address.ts";
import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";

/** Measured with htmx 4 and its ws extension in Chromium: no violation, no eval, no inline anything. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Headers of every answer. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin", // not no-referrer: with that a form of our own would come with "Origin: null"
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

/** It names a host, and nothing else. */
export const isHost = (host: string | null): host is string =>
  host !== null && /^[\w.:[\]-]+$/.test(host) && URL.canParse(`http://${host}`);

/** Of answers to programs, which are no pages, whatever a llama-server makes of them. */
export const programHeaders: Readonly<Record<string, string>> = {
  ...securityHeaders,
  "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
};

/**
 * Refuses names that could be somebody else's: DNS rebinding gives a foreign name our address, and then Origin and Host
 * agree. Addresses, names without a dot and names that only a local network can give are ours.
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
 * Refuses requests that a page of another origin makes. Browsers send Origin with every WebSocket and every POST;
 * programs send none, and need no protection from themselves. `isAmbient` is for a request that bears what a browser adds by itself (a
 * session's cookie, a proxy's header): there Origin must be, or Sec-Fetch-Site. `hosts` are the names that parlor was asked for by (Client).
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

/** What a page of another site that may use parlor needs to be told, so that its browser lets it (Fetch Standard, CORS). */
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

/** Where a request comes from: what a listed proxy says of it, else the other end of the wire. */
export function clientOf(
  headers: Headers,
  peer: string,
  { trustedProxies, isTls }: { trustedProxies: AddressSet; isTls: boolean },
): Client {
  const wire = plainAddress(peer);
  const isProxied = trustedProxies.has(wire);
  const host = headers.get("host");
  if (!isProxied) return { address: wire, isProxied, isSecure: isTls, hosts: host === null ? [] : [host] };
  // each proxy adds whom it heard: the last that is no proxy of ours is the one who asks
  const heard = (headers.get("x-forwarded-for") ?? "").split(",").map(heardAddress);
  const address = heard.findLast((each) => each !== "" && !trustedProxies.has(each)) ?? wire;
  const isSecure = isTls || /^(https|wss)$/i.test(lastOf(headers, "x-forwarded-proto") ?? "");
  return { address, isProxied, isSecure, hosts: hostsOf(headers, isSecure) };
}

/** What the proxy next to us has added to a header that each on the way adds to. */
const lastOf = (headers: Headers, name: string): string | null =>
  headers.get(name)?.split(",").at(-1)?.trim() || null;

/** An address in X-Forwarded-For, which some proxies write with its port; what is no address is nobody's. */
function heardAddress(said: string): string {
  const bare = said.trim().replace(/^"?(\[.*\]|[\d.]+)(?::\d+)?"?$/, "$1");
  const plain = plainAddress(bare);
  return bare === "" || isIP(plain) !== 0 ? plain : "unknown";
}

/** The names by which a browser may have asked for us, as a listed proxy tells them; the first is the one that addresses are made of. */
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

/** What a request is called in logs: as a listed proxy named it, else a name of ours. */
export function requestIdOf(headers: Headers, isProxied: boolean): string {
  const given = isProxied ? headers.get("x-request-id") : null;
  return given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : newId();
}

/** Counts what is open per address, of IPv6 per network. */
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
