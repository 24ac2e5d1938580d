// Secrets of sessions, invitations, links and programs' keys: made at random, stored as hashes.

/** 192 random bits, safe in addresses and cookies. */
export function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

/** The hash of a secret, which is stored instead of it. A secret has enough bits for a plain hash. */
export function hashOf(secret: string): string {
  return new Bun.CryptoHasher("sha256").update(secret).digest("base64url");
}

/** Compares in constant time. */
export function isSameSecret(one: string, other: string): boolean {
  const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
  return crypto.timingSafeEqual(digest(one), digest(other));
}

/** Every key begins with this, so that scanners recognise one that has leaked. */
const keyPrefix = "parlor_";

/** A new key for a program. */
export const newKey = (): string => keyPrefix + newSecret();

/** Prefix of a sub-protocol that holds a key: programs in a browser can't set headers of a WebSocket. */
const keyProtocol = "key.";

/** The key of a request: as clients of OpenAI or of Anthropic send it, or as a WebSocket's sub-protocol. */
export function keyIn(headers: Headers): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  return (
    bearer ??
    headers.get("x-api-key") ??
    protocols.find((each) => each.startsWith(keyProtocol))?.slice(keyProtocol.length) ??
    null
  );
}
