// Identifies the sender of a request: by a session, a program's key, a trusted proxy's header, or as the one
// local person. Opens and ends sessions. Passwords are in auth/password, OpenID providers in auth/oidc. Knows
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
import { hashOf, keyIn, newSecret } from "./secrets.ts";

export type AuthMode = "none" | "password" | "header" | "oidc";

/** Where a request comes from. */
export interface Client {
  /** The browser's address if a trusted proxy reports it, else the address of the connection. */
  readonly address: string;
  /** The connection is a trusted proxy's. */
  readonly isProxied: boolean;
  /** The request came over TLS, to parlor or (as a trusted proxy reports) to the proxy. */
  readonly isSecure: boolean;
  /**
   * The host names that the browser may have used for parlor. Links are made with the first. Empty without a
   * Host header (HTTP/1.0).
   */
  readonly hosts: readonly string[];
}

/** An identified person, and what identified them. */
export interface Identity {
  readonly person: Person;
  /** The session's hash; null where each request identifies its sender by itself. */
  readonly session: string | null;
  /** The program's key, and its hash; absent for people. */
  readonly key?: Key & { readonly hash: string };
}

interface AuthDependencies {
  readonly mode: AuthMode;
  readonly store: Pick<Store, "people" | "sessions" | "keys" | "usage" | "audit">;
  /** A session that is not used for this long has expired, in ms. */
  readonly sessionMs: number;
}

/**
 * The header with which proxies name the person (Authelia, Authentik, oauth2-proxy and others can send it).
 */
const userHeader = "remote-user";

const cookieName = "parlor";

/** A session's last use is written at most this often, in ms. */
const touchEveryMs = 10 * 60_000;

/** Role of accounts that are created at the first sign-in through a proxy or a provider. */
const firstRole: PersonRole = "member";

/** A Set-Cookie header. `maxAge` is in seconds. */
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

/**
 * Refuses a program whose key lacks this scope. Requests without a key have the rights of their person.
 * @throws Failure `key_scope`
 */
export function needScope({ key }: Identity, scope: KeyScope): void {
  if (key && !key.scopes.includes(scope)) throw new Failure("key_scope", { scope });
}

export class Auth {
  readonly mode: AuthMode;
  readonly #dependencies: AuthDependencies;

  constructor(dependencies: AuthDependencies) {
    this.mode = dependencies.mode;
    this.#dependencies = dependencies;
  }

  /** True if browsers sign in to sessions of parlor's own. */
  get hasSessions(): boolean {
    return this.mode === "password" || this.mode === "oidc";
  }

  /**
   * The sender of a page's request; null if nobody is signed in.
   * @throws Failure `proxy_untrusted`, `person_removed`, `bad_name`
   */
  async identify(headers: Headers, client: Client): Promise<Identity | null> {
    const { people } = this.#dependencies.store;
    if (this.mode === "none") return { person: (await people.person(localPerson)) as Person, session: null };
    if (this.mode === "header") return this.#byHeader(headers, client);
    const secret = new Bun.CookieMap(headers.get("cookie") ?? "").get(cookieName);
    return secret ? this.#bySession(hashOf(secret)) : null;
  }

  /**
   * The sender of a program's request: by its key, else as `identify`. An unknown key does not matter where
   * everybody is the local person, since many programs always send some key.
   * @throws Failure `bad_key`, and as `identify`
   */
  async identifyProgram(headers: Headers, client: Client): Promise<Identity | null> {
    const key = keyIn(headers);
    const byKey = key === null ? null : await this.#byKey(hashOf(key));
    if (byKey) return byKey;
    const known = await this.identify(headers, client);
    if (key !== null && known === null) throw new Failure("bad_key");
    return known;
  }

  /** The same identity with its current rights; null if it was revoked. */
  async refresh({ person, session, key }: Identity): Promise<Identity | null> {
    if (key) return this.#byKey(key.hash);
    if (session !== null) return this.#bySession(session);
    if (this.mode === "none") return { person, session };
    const found = await this.#dependencies.store.people.person(person.id);
    return found?.removedAt === null ? { person: found, session } : null;
  }

  /** Opens a session in place of the browser's current one. Returns the Set-Cookie header. */
  async signIn(person: Person, headers: Headers, client: Client): Promise<string> {
    const { sessions, audit } = this.#dependencies.store;
    await this.#endOf(headers);
    const secret = newSecret();
    const agent = (headers.get("user-agent") ?? "").slice(0, 200);
    await sessions.open(hashOf(secret), {
      person: person.id,
      address: client.address,
      agent,
      expiresAt: Date.now() + this.#dependencies.sessionMs,
    });
    await audit.note({ actor: person.id, act: "signed_in", address: client.address });
    return this.#cookie(secret, client, this.#dependencies.sessionMs / 1000);
  }

  /** Ends the browser's session. Returns the Set-Cookie header. */
  async signOut(headers: Headers, client: Client): Promise<string> {
    const person = await this.#endOf(headers);
    if (person)
      await this.#dependencies.store.audit.note({
        actor: person.id,
        act: "signed_out",
        address: client.address,
      });
    return this.#cookie("", client, 0);
  }

  /**
   * The person whom a provider has identified; their account is created at the first sign-in.
   * @throws Failure `person_removed`
   */
  async personOfProvider(subject: string, names: readonly (string | undefined)[]): Promise<Person> {
    const { people } = this.#dependencies.store;
    const known = await people.ofSubject(subject);
    if (known) return this.#refuseRemoved(known);
    const wished = names.map((name) => personName(name ?? "")).find((name) => name !== null) ?? "guest";
    for (let n = 1; ; n++) {
      // a name does not identify a person at the provider: if it is taken, it is another person's
      const name = n === 1 ? wished : `${wished.slice(0, 58)} ${n}`;
      if (!(await people.named(name))) return people.add({ name, role: firstRole, password: null, subject });
    }
  }

  async #byKey(hash: string): Promise<Identity | null> {
    const { keys } = this.#dependencies.store;
    const found = await keys.find(hash);
    if (!found) return null;
    await keys.used(hash);
    return { person: found.person, session: null, key: { ...found.key, hash } };
  }

  async #bySession(hash: string): Promise<Identity | null> {
    const { sessions } = this.#dependencies.store;
    const found = await sessions.find(hash);
    if (!found) return null;
    if (Date.now() - found.session.seenAt > touchEveryMs)
      await sessions.touch(hash, Date.now() + this.#dependencies.sessionMs);
    return { person: found.person, session: hash };
  }

  async #byHeader(headers: Headers, client: Client): Promise<Identity | null> {
    const user = headers.get(userHeader);
    if (user === null || user === "") return null;
    if (!client.isProxied) throw new Failure("proxy_untrusted", { address: client.address });
    const name = personName(user);
    if (name === null) throw new Failure("bad_name");
    const { people } = this.#dependencies.store;
    const known = await people.named(name);
    // the local person can't sign in before the first admin has taken over that account
    if (known?.id === localPerson && (await people.passwordOf(localPerson)) === null)
      throw new Failure("bad_name");
    if (known) return { person: this.#refuseRemoved(known), session: null };
    try {
      return { person: await people.add({ name, role: firstRole, password: null }), session: null };
    } catch (error) {
      const made = await people.named(name); // by another request of the same person, meanwhile
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
    const found = secret ? await this.#dependencies.store.sessions.find(hashOf(secret)) : null;
    if (found) await this.#dependencies.store.sessions.end(found.session.id);
    return found?.person ?? null;
  }

  #cookie(value: string, client: Client, maxAge: number): string {
    return cookieOf(cookieName, value, client, maxAge);
  }
}
