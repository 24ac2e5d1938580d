// Signing in by an OpenID provider: the authorization code flow with PKCE, by openid-client. What must be remembered until the browser is
// back (RFC 6749 state, nonce, PKCE verifier) lies in a cookie that only this way back gets. The only importer of openid-client; used by http/.

import * as openid from "openid-client";
import { Failure } from "../domain/failure.ts";
import type { Log } from "../telemetry/log.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client. */
  readonly clientSecret: string | null;
}

/** Where the provider sends the browser back to. */
export const callbackPath = "/login/callback";

const cookieName = "parlor-oidc";
/** How long somebody may take at the provider, in seconds. */
const waySeconds = 600;

interface Way {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where they wanted to go. */
  readonly to: string;
}

/** What the provider says of somebody. */
export interface Vouched {
  readonly subject: string;
  readonly names: readonly (string | undefined)[];
  readonly to: string;
}

export class Oidc {
  readonly #options: OidcOptions;
  readonly #log: Log;
  #found: Promise<openid.Configuration> | null = null;

  constructor(options: OidcOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** The provider's address for this browser, and the cookie to be set. `origin` is ours as the browser knows it. @throws Failure `provider_failed` */
  async start(origin: string, to: string, isSecure: boolean): Promise<{ address: string; cookie: string }> {
    return this.#guarded(async (provider) => {
      const way: Way = { state: openid.randomState(), nonce: openid.randomNonce(), verifier: openid.randomPKCECodeVerifier(), to };
      const address = openid.buildAuthorizationUrl(provider, {
        redirect_uri: origin + callbackPath,
        scope: "openid profile email",
        state: way.state,
        nonce: way.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(way.verifier),
        code_challenge_method: "S256",
      });
      const value = Buffer.from(JSON.stringify(way)).toString("base64url");
      return { address: address.href, cookie: cookie(value, waySeconds, isSecure) };
    });
  }

  /** Who has come back from the provider, with its word for them. @throws Failure `provider_failed` */
  async finish(address: string, cookies: string | null, isSecure: boolean): Promise<Vouched & { cookie: string }> {
    const kept = new Bun.CookieMap(cookies ?? "").get(cookieName);
    return this.#guarded(async (provider) => {
      const way = JSON.parse(Buffer.from(kept ?? "", "base64url").toString()) as Way;
      const checks = { pkceCodeVerifier: way.verifier, expectedState: way.state, expectedNonce: way.nonce, idTokenExpected: true };
      const claims = (await openid.authorizationCodeGrant(provider, new URL(address), checks)).claims();
      if (!claims) throw new Failure("provider_failed");
      const said = (name: string) => (typeof claims[name] === "string" ? (claims[name] as string) : undefined);
      const names = [said("preferred_username"), said("name"), said("email"), claims.sub];
      return { subject: `${claims.iss} ${claims.sub}`, names, to: way.to, cookie: cookie("", 0, isSecure) };
    });
  }

  async #guarded<T>(work: (provider: openid.Configuration) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#provider());
    } catch (error) {
      this.#log.warn("the OpenID provider could not be used", { issuer: this.#options.issuer, error: String(error) });
      throw new Failure("provider_failed");
    }
  }

  /** What the provider says of itself; asked for again when that has failed. */
  #provider(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    // a provider on this machine, without TLS: nobody is between
    const isLocal = url.protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
    const execute = isLocal ? [openid.allowInsecureRequests] : [];
    this.#found ??= openid.discovery(url, clientId, clientSecret ?? undefined, clientSecret === null ? openid.None() : undefined, { execute, timeout: 10 });
    this.#found.catch(() => {
      this.#found = null;
    });
    return this.#found;
  }
}

function cookie(value: string, maxAge: number, secure: boolean): string {
  return new Bun.Cookie({ name: cookieName, value, path: callbackPath, httpOnly: true, sameSite: "lax", secure, maxAge }).serialize();
}
