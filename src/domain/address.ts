// Compares network addresses and origins in options with those of requests: ranges, all spellings of one
// address, origins of apps and extensions. Pure.

import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** Address of connections over a Unix socket, and the word for it in options. */
export const unixPeer = "unix";

/** Words that stand for ranges in options. */
const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  localhost: ["127.0.0.0/8", "::1"],
  [unixPeer]: [],
};

/**
 * Bits before the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), and bits of the IPv6
 * network that one site is given (RFC 6177).
 */
const [mappedBits, houseBits] = [96, 64];

/**
 * An address in its canonical spelling: IPv6 as in RFC 5952, IPv4-mapped IPv6 as IPv4, without a zone. Text
 * that is not an address is returned unchanged.
 */
export function plainAddress(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  if (!isIPv6(bare)) return isIPv4(bare) ? bare : address;
  const plain = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain) ?? [];
  if (high === undefined || low === undefined) return plain;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/**
 * Key for counting attempts of one client: its IPv4 address, or the /64 network of its IPv6 address, since
 * one site has 2⁶⁴ of them.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = "", tail = ""] = plain.split("::");
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const zeros = plain.includes("::") ? 8 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail)];
  return `${all.slice(0, houseBits / 16).join(":")}::/${houseBits}`;
}

/** A range in options as its address and prefix length; null for text that is not a range. */
function rangeOf(spelling: string): { address: string; bits: number } | null {
  const [, said = "", bitsSaid] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(spelling) ?? [];
  const bare = said.replace(/^\[(.*)\]$/, "$1").replace(/%[\w.-]+$/, "");
  const version = isIP(bare);
  if (version === 0) return null;
  const bits = bitsSaid === undefined ? (version === 4 ? 32 : 128) : Number(bitsSaid);
  if (bits > (version === 4 ? 32 : 128)) return null;
  const address = plainAddress(bare);
  const isMapped = version === 6 && isIPv4(address);
  if (isMapped && bits < mappedBits) return null;
  return { address, bits: isMapped ? bits - mappedBits : bits };
}

/** True for what an option may list: an address, a range (CIDR), or a word for one. */
export const isListable = (spelling: string): boolean =>
  Object.hasOwn(named, spelling) || rangeOf(spelling) !== null;

/** A set of addresses and ranges. */
export class AddressSet {
  readonly #listed = new BlockList();
  readonly hasUnix: boolean;

  /** Ignores text that is not a range: config has refused it already. */
  constructor(listed: readonly string[]) {
    this.hasUnix = listed.includes(unixPeer);
    for (const spelling of listed.flatMap((each) =>
      Object.hasOwn(named, each) ? (named[each] ?? []) : [each],
    )) {
      const range = rangeOf(spelling);
      if (range) this.#listed.addSubnet(range.address, range.bits, isIPv4(range.address) ? "ipv4" : "ipv6");
    }
  }

  has(address: string): boolean {
    if (address === unixPeer) return this.hasUnix;
    const plain = plainAddress(address);
    return isIP(plain) !== 0 && this.#listed.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  }
}

/**
 * An origin as browsers send it: `http://name:1`, `app://obsidian.md`, `chrome-extension://id`. For other
 * schemes than http and https `URL.origin` is "null", so these are compared as text. Null for text that no
 * browser sends, such as a pattern.
 */
export function originText(value: string): string | null {
  const [, scheme = "", host = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^\s/?#@\\*,]+)\/?$/i.exec(value) ?? [];
  if (host === "" || /:$|:\d*\D/.test(host.replace(/^\[[\da-f:.]+\]/i, ""))) return null;
  const text = `${scheme}://${host}`.toLowerCase();
  if (!/^https?$/i.test(scheme)) return text;
  const url = URL.parse(text);
  return url && url.port !== "0" ? url.origin : null;
}
