// Who asks: by a session, by a trusted proxy's header, or simply the one local person. Opens and ends
// sessions. What is asked for with a password is auth/password's, with an OpenID provider auth/oidc's. Knows
// no routes and no pages.

import {
  type Key,
  type KeyScope,
  localPerson,
  type Person,
  type PersonRole,
  personName,
} from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { Store } from "../store/store.ts";

export type AuthMode = "none" | "password" | "header" | "oidc";

/** Where a request comes from. */
export interface Client {
  /** Of the browser, as far as it can be known: what a listed proxy says, else the other end of the wire. */
  readonly address: string;
  /** The other end of the wire is a listed proxy. */
  readonly isProxied: boolean;
  /** It came over TLS, as far as can be known. */
  readonly isSecure: boolean;
  /** The names by which the browser may have asked for us; the first is the one that addresses are made of. Empty: it said none (HTTP/1.0). */
  readonly hosts: readonly string[];
}

/** Somebody who was recognised, and by what. */
export interface Identity {
  readonly person: Person;
  /** The session's hash; null where each request says who asks. */
  readonly session: string | null;
  /** The program's key, and its hash; absent for people. */
  readonly key?: Key & { readonly hash: string };
}

interface AuthParts {
  readonly mode: AuthMode;
  readonly store: Pick<Store, "people" | "sessions" | "keys" | "usage" | "audit">;
  /** A session that is not used for so long is over. */
  readonly sessionMs: number;
}

/** The header in which proxies say who it is (Authelia, Authentik, oauth2-proxy and others can send it). */
const userHeader = "remote-user";

const cookieName = "parlor";

/** A session's last use is written at most this often, in ms. */
const touchEveryMs = 10 * 60_000;

/** What whoever comes for the first time, by a proxy or a provider, is. */
const firstRole: PersonRole = "member";

/** 192 random bits, safe in addresses and cookies. */
export function newSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
}

/** What is kept of a secret. It has so many bits that a plain hash will do. */
export function hashOf(secret: string): string {
  return new Bun.CryptoHasher("sha256").update(secret).digest("base64url");
}

/** What a key begins with, so that it is known for what it is where it has got lost. */
const keyPrefix = "parlor_";

/** A new key for a program. */
export const newKey = (): string => keyPrefix + newSecret();

/** The sub-protocol by which a program in a browser can bring its key to a socket, where it can't set a header. */
const keyProtocol = "key.";

/** The key that a request bears: as OpenAI's programs send it, as Anthropic's do, or as a socket's sub-protocol. */
function keyIn(headers: Headers): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const protocols = (headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
  return (
    bearer ??
    headers.get("x-api-key") ??
    protocols.find((each) => each.startsWith(keyProtocol))?.slice(keyProtocol.length) ??
    null
  );
}

/** A cookie of ours, for `maxAge` seconds. */
export function cookieOf(name: string, value: string, client: Client, maxAge: number): string {
  return new Bun.Cookie({
    name,
    value,
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure: client.isSecure,
    maxAge,
  }).serialize();
}

/** Refuses a program whose key does not open this; people, and programs that come without one, may do what their person may. @throws Failure `key_scope` */
export function needScope({ key }: Identity, scope: KeyScope): void {
  if (key && !key.scopes.includes(scope)) throw new Failure("key_scope", { scope });
}

export class Auth {
  readonly mode: AuthMode;
  readonly #parts: AuthParts;

  constructor(parts: AuthParts) {
    this.mode = parts.mode;
    this.#parts = parts;
  }

  /** True where browsers have sessions. */
  get hasSessions(): boolean {
    return this.mode === "password" || this.mode === "oidc";
  }

  /**
   * Who asks; null for nobody.
   * @throws Failure `proxy_untrusted`, `person_removed`, `bad_name`
   */
  async identify(headers: Headers, client: Client): Promise<Identity | null> {
    const { people } = this.#parts.store;
    if (this.mode === "none") return { person: (await people.person(localPerson)) as Person, session: null };
    if (this.mode === "header") return this.#byHeader(headers, client);
    const secret = new Bun.CookieMap(headers.get("cookie") ?? "").get(cookieName);
    return secret ? this.#bySession(hashOf(secret)) : null;
  }

  /**
   * Who asks at a door for programs: by a key, else as anywhere. Where everybody is one person a key that is not known is no matter: many programs
   * can't be kept from sending some.
   * @throws Failure `bad_key`, and as `identify`
   */
  async identifyProgram(headers: Headers, client: Client): Promise<Identity | null> {
    const said = keyIn(headers);
    const byKey = said === null ? null : await this.#byKey(hashOf(said));
    if (byKey) return byKey;
    const known = await this.identify(headers, client);
    if (said !== null && known === null) throw new Failure("bad_key");
    return known;
  }

  /** Who it is still, after something has changed; null when they may not be here any more. */
  async again({ person, session, key }: Identity): Promise<Identity | null> {
    if (key) return this.#byKey(key.hash);
    if (session !== null) return this.#bySession(session);
    if (this.mode === "none") return { person, session };
    const found = await this.#parts.store.people.person(person.id);
    return found?.removedAt === null ? { person: found, session } : null;
  }

  /** Opens a session, in place of the one that the browser had: the cookie to be set. */
  async signIn(person: Person, headers: Headers, client: Client): Promise<string> {
    const { sessions, audit } = this.#parts.store;
    await this.#endOf(headers);
    const secret = newSecret();
    const agent = (headers.get("user-agent") ?? "").slice(0, 200);
    await sessions.open(hashOf(secret), {
      person: person.id,
      address: client.address,
      agent,
      expiresAt: Date.now() + this.#parts.sessionMs,
    });
    await audit.note({ actor: person.id, act: "signed_in", address: client.address });
    return this.#cookie(secret, client, this.#parts.sessionMs / 1000);
  }

  /** Ends the browser's session: the cookie to be set. */
  async signOut(headers: Headers, client: Client): Promise<string> {
    const person = await this.#endOf(headers);
    if (person)
      await this.#parts.store.audit.note({ actor: person.id, act: "signed_out", address: client.address });
    return this.#cookie("", client, 0);
  }

  /** Somebody whom a provider has vouched for; made at their first time. @throws Failure `person_removed` */
  async vouched(subject: string, names: readonly (string | undefined)[]): Promise<Person> {
    const { people } = this.#parts.store;
    const known = await people.ofSubject(subject);
    if (known) return this.#refuseRemoved(known);
    const wished = names.map((name) => personName(name ?? "")).find((name) => name !== null) ?? "guest";
    for (let n = 1; ; n++) {
      // a name says nothing of who somebody is at the provider: one that is taken is somebody else's
      const name = n === 1 ? wished : `${wished.slice(0, 58)} ${n}`;
      if (!(await people.named(name))) return people.add({ name, role: firstRole, password: null, subject });
    }
  }

  async #byKey(hash: string): Promise<Identity | null> {
    const { keys } = this.#parts.store;
    const found = await keys.find(hash);
    if (!found) return null;
    await keys.used(hash);
    return { person: found.person, session: null, key: { ...found.key, hash } };
  }

  async #bySession(hash: string): Promise<Identity | null> {
    const { sessions } = this.#parts.store;
    const found = await sessions.find(hash);
    if (!found) return null;
    if (Date.now() - found.session.seenAt > touchEveryMs)
      await sessions.touch(hash, Date.now() + this.#parts.sessionMs);
    return { person: found.person, session: hash };
  }

  async #byHeader(headers: Headers, client: Client): Promise<Identity | null> {
    const said = headers.get(userHeader);
    if (said === null || said === "") return null;
    if (!client.isProxied) throw new Failure("proxy_untrusted", { address: client.address });
    const name = personName(said);
    if (name === null) throw new Failure("bad_name");
    const { people } = this.#parts.store;
    const known = await people.named(name);
    // the local person is nobody who could come, unless they have made the first account theirs
    if (known?.id === localPerson && (await people.passwordOf(localPerson)) === null)
      throw new Failure("bad_name");
    if (known) return { person: this.#refuseRemoved(known), session: null };
    try {
      return { person: await people.add({ name, role: firstRole, password: null }), session: null };
    } catch (error) {
      const made = await people.named(name); // by another request of theirs, meanwhile
      if (!made) throw error;
      return { person: made, session: null };
    }
  }

  #refuseRemoved(person: Person): Person {
    if (person.removedAt !== null) throw new Failure("person_removed");
    return person;
  }

  async #endOf(headers: Headers): Promise<Person | null> {
    const secret = new Bun.CookieMap(headers.get("cookie") ?? "").get(cookieName);
    const found = secret ? await this.#parts.store.sessions.find(hashOf(secret)) : null;
    if (found) await this.#parts.store.sessions.end(found.session.id);
    return found?.person ?? null;
  }

  #cookie(value: string, client: Client, maxAge: number): string {
    return cookieOf(cookieName, value, client, maxAge);
  }
}
