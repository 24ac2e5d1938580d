// Signing in by an OpenID provider: the authorization code flow with PKCE, by openid-client. What must be remembered until the browser is
// back (RFC 6749 state, nonce, PKCE verifier) lies in a cookie that only the pages of signing in get. The only importer of openid-client; used by http/.

import * as openid from "openid-client";
import { Failure, type FailureCode } from "../domain/failure.ts";
import type { Log } from "../telemetry/log.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** null: a public client. */
  readonly clientSecret: string | null;
}

/** Where the provider sends the browser back to. */
export const callbackPath = "/login/callback";

/** Each way there has a cookie of its own, so that two tabs do not take each other's; the pages of signing in get them, and nobody else. */
const [cookiePrefix, cookiePath] = ["parlor-oidc-", "/login"];
/** How long somebody may take at the provider, in seconds, and how many ways one browser may be on at once; the oldest is forgotten. */
const [waySeconds, waysMax] = [600, 5];

interface SignInState {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where they wanted to go. */
  readonly to: string;
  /** When it began. */
  readonly at: number;
}

/** What the provider says of somebody. */
interface ProviderIdentity {
  readonly subject: string;
  readonly names: readonly (string | undefined)[];
  readonly to: string;
  /** The cookie to be set: the way is over. */
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
   * The provider's address for this browser, and the cookies to be set. `origin` is ours as the browser knows it.
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
      const way: SignInState = { state, nonce, verifier, to, at: Date.now() };
      const address = openid.buildAuthorizationUrl(provider, {
        redirect_uri: origin + callbackPath,
        scope: "openid profile email",
        state: way.state,
        nonce: way.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(way.verifier),
        code_challenge_method: "S256",
      });
      const tooMany = waysIn(cookies).slice(waysMax - 1);
      const made = cookie(
        way.state,
        Buffer.from(JSON.stringify(way)).toString("base64url"),
        waySeconds,
        isSecure,
      );
      return {
        address: address.href,
        cookies: [made, ...tooMany.map((old) => cookie(old.state, "", 0, isSecure))],
      };
    });
  }

  /** True for a way back that began in this browser, and is not over. */
  isUnderWay(address: string, cookies: string | null): boolean {
    return wayOf(address, cookies) !== undefined;
  }

  /**
   * Who has come back from the provider, with its word for them.
   * @throws Failure `provider_lost`, `provider_denied`, `provider_down`, `provider_failed`
   */
  async finish(address: string, cookies: string | null, isSecure: boolean): Promise<ProviderIdentity> {
    const way = wayOf(address, cookies);
    if (!way) throw new Failure("provider_lost");
    return this.#guarded(async (provider) => {
      const checks = {
        pkceCodeVerifier: way.verifier,
        expectedState: way.state,
        expectedNonce: way.nonce,
        idTokenExpected: true,
      };
      const claims = (await openid.authorizationCodeGrant(provider, new URL(address), checks)).claims();
      if (!claims) throw new Failure("provider_failed");
      const said = (name: string) =>
        typeof claims[name] === "string" ? (claims[name] as string) : undefined;
      const names = [said("preferred_username"), said("name"), said("email"), claims.sub];
      return {
        subject: `${claims.iss} ${claims.sub}`,
        names,
        to: way.to,
        cookie: cookie(way.state, "", 0, isSecure),
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

  /** What the provider says of itself; asked for again when that has failed. */
  #provider(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    // a provider on this machine, without TLS: nobody is between
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

/** Why somebody did not get in, as the page says it. */
function codeOf(error: unknown): FailureCode {
  if (error instanceof openid.AuthorizationResponseError) {
    if (["server_error", "temporarily_unavailable"].includes(error.error)) return "provider_down";
    return /^(access_denied|(login|consent|interaction|account_selection)_required)$/.test(error.error)
      ? "provider_denied"
      : "provider_failed";
  }
  if (error instanceof openid.ResponseBodyError)
    return error.error === "invalid_grant" ? "provider_lost" : "provider_failed"; // the code was used, or is too old
  const { code, cause: answer } = error as { code?: unknown; cause?: unknown };
  const isBroken = answer instanceof Response && answer.status >= 500;
  return isBroken ||
    /^(OAUTH_TIMEOUT|OAUTH_ABORT|E[A-Z]+|Connection\w+|FailedToOpenSocket|ERR_TLS\w*)$/.test(String(code))
    ? "provider_down"
    : "provider_failed";
}

/** Messages and codes of an error and of what caused it, without the names of classes, which are no words once the code is packed. */
function reasonOf(error: unknown): string {
  const said: string[] = [];
  for (let each = error; each instanceof Error && said.length < 4; each = each.cause) {
    const {
      code,
      error: word,
      error_description: more,
    } = each as { code?: unknown; error?: unknown; error_description?: unknown };
    const facts = [code, word, more].filter((fact) => typeof fact === "string");
    said.push(`${each.message}${facts.length > 0 ? ` (${facts.join(", ").slice(0, 300)})` : ""}`);
  }
  return said.join(": ") || String(error);
}

/** The ways that a browser is on, the newest first. */
function waysIn(cookies: string | null): SignInState[] {
  const kept = [...new Bun.CookieMap(cookies ?? "")].filter(([name]) => name.startsWith(cookiePrefix));
  return kept.flatMap(([name, value]) => wayIn(name, value)).sort((a, b) => b.at - a.at);
}

function wayIn(name: string, value: string): SignInState[] {
  try {
    const way = JSON.parse(Buffer.from(value, "base64url").toString()) as SignInState;
    return nameOf(way.state) === name && Date.now() - way.at < waySeconds * 1000 ? [way] : [];
  } catch {
    return [];
  }
}

/** The way that an address leads back from. */
function wayOf(address: string, cookies: string | null): SignInState | undefined {
  const state = new URL(address).searchParams.get("state");
  return waysIn(cookies).find((way) => way.state === state);
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
