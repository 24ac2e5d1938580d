// Who may talk to us: pages of our own origin, and programs. Another site's page can neither send (Origin) nor read
// by giving our address a name of its own (Host). Also the headers that keep our own pages from doing harm.

import type { Client } from "../auth/auth.ts";
import { newId } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";

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

/**
 * Refuses names that could be somebody else's: DNS rebinding gives a foreign name our address, and then Origin and Host
 * agree. Addresses, names without a dot and names that only a local network can give are ours.
 * @throws Failure `unknown_host`
 */
export function checkHost(host: string | null, allowOrigins: readonly string[]): void {
  const url = host === null ? null : URL.parse(`http://${host}`);
  if (!url) throw new Failure("bad_request", { detail: "Host" });
  const name = url.hostname;
  const isAddress = /^\[.*\]$|^\d{1,3}(\.\d{1,3}){3}$/.test(name);
  const isLocal = !name.includes(".") || /\.(local|localhost|lan|internal|home\.arpa)$/.test(name);
  if (isAddress || isLocal || allowOrigins.some((origin) => new URL(origin).hostname === name)) return;
  throw new Failure("unknown_host", { host: url.host });
}

/**
 * Refuses requests that a page of another origin makes. Browsers send Origin with every WebSocket and every POST;
 * programs send none, and need no protection from themselves. `isAmbient` is for a request that bears what a browser adds by itself (a
 * session's cookie, a proxy's header): there Origin must be, or Sec-Fetch-Site.
 * @throws Failure `foreign_origin`
 */
export function checkOrigin(headers: Headers, allowOrigins: readonly string[], { isAmbient = false } = {}): void {
  const origin = headers.get("origin");
  if (origin === null && isAmbient && headers.get("sec-fetch-site") !== "same-origin") throw new Failure("foreign_origin", { origin: "?" });
  if (origin === null || allowOrigins.includes(origin)) return;
  if (URL.parse(origin)?.host === headers.get("host")) return;
  throw new Failure("foreign_origin", { origin: origin.slice(0, 200) });
}

/** What a page of another site that may use parlor needs to be told, so that its browser lets it (Fetch Standard, CORS). */
export function corsHeaders(headers: Headers, allowOrigins: readonly string[]): Record<string, string> {
  const origin = headers.get("origin");
  if (origin === null || !allowOrigins.includes(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": headers.get("access-control-request-headers") ?? "authorization, content-type",
    "access-control-expose-headers": "retry-after, x-conversation, x-request-id",
    vary: "origin",
  };
}

/** The address of the other end as it is written in lists: an IPv4 address in IPv6 form is an IPv4 address. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Where a request comes from: what a listed proxy says of it, else the other end of the wire. */
export function clientOf(headers: Headers, peer: string, { trustedProxies, isTls }: { trustedProxies: readonly string[]; isTls: boolean }): Client {
  const wire = plainAddress(peer);
  const isProxied = trustedProxies.includes(wire);
  if (!isProxied) return { address: wire, isProxied, isSecure: isTls };
  // each proxy adds whom it heard: the last that is no proxy of ours is the one who asks
  const heard = (headers.get("x-forwarded-for") ?? "").split(",").map((part) => plainAddress(part.trim()));
  const address = heard.findLast((each) => each !== "" && !trustedProxies.includes(each)) ?? wire;
  return { address, isProxied, isSecure: isTls || headers.get("x-forwarded-proto")?.split(",").at(-1)?.trim() === "https" };
}

/** What a request is called in logs: as a listed proxy named it, else a name of ours. */
export function requestIdOf(headers: Headers, isProxied: boolean): string {
  const given = isProxied ? headers.get("x-request-id") : null;
  return given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : newId();
}

/** Counts what is open per address. */
export class AddressCount {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws Failure `too_many_sockets` */
  enter(address: string): void {
    const open = this.#open.get(address) ?? 0;
    if (open >= this.#max) throw new Failure("too_many_sockets", { limit: this.#max });
    this.#open.set(address, open + 1);
  }

  leave(address: string): void {
    const open = (this.#open.get(address) ?? 1) - 1;
    if (open === 0) this.#open.delete(address);
    else this.#open.set(address, open);
  }
}
