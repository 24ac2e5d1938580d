// Signing in at an OpenID provider: the authorization code flow with PKCE, by openid-client. What parlor
// needs when the browser returns (RFC 6749 state, nonce, PKCE verifier) is in a cookie that only the sign-in
// pages receive. No other file imports openid-client.

import * as openid from "openid-client";
import { Failure, type FailureCode } from "../domain/failure.ts";
import type { Log } from "../telemetry/log.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client. */
  readonly clientSecret: string | null;
}

/** The path to which the provider sends the browser back. */
export const callbackPath = "/login/callback";

/**
 * Each sign-in has a cookie of its own, so that two tabs do not disturb each other. Only the sign-in pages
 * receive it.
 */
const [cookiePrefix, cookiePath] = ["parlor-oidc-", "/login"];
/**
 * Time for one sign-in at the provider, in seconds, and most sign-ins of one browser at once; the oldest is
 * dropped.
 */
const [signInSeconds, signInsMax] = [600, 5];

interface SignInState {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The path to go to after signing in. */
  readonly to: string;
  /** When the sign-in began, in ms since the epoch. */
  readonly at: number;
}

/** A person as the provider identifies them. */
interface ProviderIdentity {
  readonly subject: string;
  readonly names: readonly (string | undefined)[];
  readonly to: string;
  /** The Set-Cookie header that removes the sign-in's cookie. */
  readonly cookie: string;
}

export class Oidc {
  readonly #options: OidcOptions;
  readonly #log: Log;
  #found: Promise<openid.Configuration> | null = null;

  constructor(options: OidcOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /**
   * Begins a sign-in: the address at the provider for this browser, and the Set-Cookie headers. `origin` is
   * parlor's own, as the browser knows it.
   * @throws Failure `provider_down`, `provider_failed`
   */
  async start(
    origin: string,
    to: string,
    cookies: string | null,
    isSecure: boolean,
  ): Promise<{ address: string; cookies: string[] }> {
    return this.#guarded(async (provider) => {
      const [state, nonce, verifier] = [
        openid.randomState(),
        openid.randomNonce(),
        openid.randomPKCECodeVerifier(),
      ];
      const signIn: SignInState = { state, nonce, verifier, to, at: Date.now() };
      const address = openid.buildAuthorizationUrl(provider, {
        redirect_uri: origin + callbackPath,
        scope: "openid profile email",
        state: signIn.state,
        nonce: signIn.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(signIn.verifier),
        code_challenge_method: "S256",
      });
      const tooMany = signInsIn(cookies).slice(signInsMax - 1);
      const made = cookie(
        signIn.state,
        Buffer.from(JSON.stringify(signIn)).toString("base64url"),
        signInSeconds,
        isSecure,
      );
      return {
        address: address.href,
        cookies: [made, ...tooMany.map((old) => cookie(old.state, "", 0, isSecure))],
      };
    });
  }

  /** True if the callback at `address` belongs to a sign-in that this browser began and has not finished. */
  isUnderWay(address: string, cookies: string | null): boolean {
    return signInOf(address, cookies) !== undefined;
  }

  /**
   * Finishes a sign-in: the person whom the provider has identified.
   * @throws Failure `provider_lost`, `provider_denied`, `provider_down`, `provider_failed`
   */
  async finish(address: string, cookies: string | null, isSecure: boolean): Promise<ProviderIdentity> {
    const signIn = signInOf(address, cookies);
    if (!signIn) throw new Failure("provider_lost");
    return this.#guarded(async (provider) => {
      const checks = {
        pkceCodeVerifier: signIn.verifier,
        expectedState: signIn.state,
        expectedNonce: signIn.nonce,
        idTokenExpected: true,
      };
      const claims = (await openid.authorizationCodeGrant(provider, new URL(address), checks)).claims();
      if (!claims) throw new Failure("provider_failed");
      const claim = (name: string) =>
        typeof claims[name] === "string" ? (claims[name] as string) : undefined;
      const names = [claim("preferred_username"), claim("name"), claim("email"), claims.sub];
      return {
        subject: `${claims.iss} ${claims.sub}`,
        names,
        to: signIn.to,
        cookie: cookie(signIn.state, "", 0, isSecure),
      };
    });
  }

  async #guarded<T>(work: (provider: openid.Configuration) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#provider());
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure(codeOf(error));
      const what =
        failure.code === "provider_denied"
          ? "the OpenID provider did not let somebody in"
          : "the OpenID provider could not be used";
      this.#log.warn(what, { issuer: this.#options.issuer, error: reasonOf(error) });
      throw failure;
    }
  }

  /** The provider's metadata, fetched once; again after a failure. */
  #provider(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    // a provider on this machine needs no TLS: nobody is between
    const isLocal = url.protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
    const execute = [openid.enableNonRepudiationChecks, ...(isLocal ? [openid.allowInsecureRequests] : [])];
    this.#found ??= openid.discovery(
      url,
      clientId,
      clientSecret ?? undefined,
      clientSecret === null ? openid.None() : undefined,
      { execute, timeout: 10 },
    );
    this.#found.catch(() => {
      this.#found = null;
    });
    return this.#found;
  }
}

/** The failure that the page shows for an error of openid-client. */
function codeOf(error: unknown): FailureCode {
  if (error instanceof openid.AuthorizationResponseError) {
    if (["server_error", "temporarily_unavailable"].includes(error.error)) return "provider_down";
    return /^(access_denied|(login|consent|interaction|account_selection)_required)$/.test(error.error)
      ? "provider_denied"
      : "provider_failed";
  }
  if (error instanceof openid.ResponseBodyError)
    // the code was used before, or has expired
    return error.error === "invalid_grant" ? "provider_lost" : "provider_failed";
  const { code, cause: answer } = error as { code?: unknown; cause?: unknown };
  const isBroken = answer instanceof Response && answer.status >= 500;
  return isBroken ||
    /^(OAUTH_TIMEOUT|OAUTH_ABORT|E[A-Z]+|Connection\w+|FailedToOpenSocket|ERR_TLS\w*)$/.test(String(code))
    ? "provider_down"
    : "provider_failed";
}

/**
 * Messages and codes of an error and its causes, without class names, which are minified in the executable.
 */
function reasonOf(error: unknown): string {
  const texts: string[] = [];
  for (let each = error; each instanceof Error && texts.length < 4; each = each.cause) {
    const {
      code,
      error: word,
      error_description: more,
    } = each as { code?: unknown; error?: unknown; error_description?: unknown };
    const facts = [code, word, more].filter((fact) => typeof fact === "string");
    texts.push(`${each.message}${facts.length > 0 ? ` (${facts.join(", ").slice(0, 300)})` : ""}`);
  }
  return texts.join(": ") || String(error);
}

/** The unfinished sign-ins of a browser, newest first. */
function signInsIn(cookies: string | null): SignInState[] {
  const kept = [...new Bun.CookieMap(cookies ?? "")].filter(([name]) => name.startsWith(cookiePrefix));
  return kept.flatMap(([name, value]) => signInIn(name, value)).sort((a, b) => b.at - a.at);
}

function signInIn(name: string, value: string): SignInState[] {
  try {
    const signIn = JSON.parse(Buffer.from(value, "base64url").toString()) as SignInState;
    return nameOf(signIn.state) === name && Date.now() - signIn.at < signInSeconds * 1000 ? [signIn] : [];
  } catch {
    return [];
  }
}

/** The sign-in to which a callback's address belongs. */
function signInOf(address: string, cookies: string | null): SignInState | undefined {
  const state = new URL(address).searchParams.get("state");
  return signInsIn(cookies).find((signIn) => signIn.state === state);
}

const nameOf = (state: string): string => cookiePrefix + state.slice(0, 16);

function cookie(state: string, value: string, maxAge: number, secure: boolean): string {
  return new Bun.Cookie({
    name: nameOf(state),
    value,
    path: cookiePath,
    httpOnly: true,
    sameSite: "lax",
    secure,
    maxAge,
  }).serialize();
}
