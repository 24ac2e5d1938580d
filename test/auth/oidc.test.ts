// Signing in by a real OpenID provider on this machine: the whole way there and back, and what must not work.

import { afterAll, beforeAll, expect, test } from "bun:test";
import Provider from "oidc-provider";
import { type House, startHouse } from "../house.ts";
import { freePort } from "../llama/server.ts";

const [providerPort, housePort] = [freePort(), freePort()];
const issuer = `http://127.0.0.1:${providerPort}`;
let house: House;
let server: { close(): void };

beforeAll(async () => {
  const origin = `http://127.0.0.1:${housePort}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "parlor", client_secret: "s3cret", redirect_uris: [`${origin}/login/callback`] }],
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, preferred_username: sub.split("-")[0] as string }),
    }),
  });
  server = provider.listen(providerPort, "127.0.0.1");
  house = await startHouse({
    llama: "http://127.0.0.1:9",
    auth: "oidc",
    oidc: { issuer, clientId: "parlor", clientSecret: "s3cret" },
    port: housePort,
  });
});
afterAll(async () => {
  await house.stop();
  server.close();
});

/** A browser without a window: follows redirects, keeps cookies by host and path. */
class Browser {
  readonly #cookies = new Map<string, { value: string; path: string }>();
  readonly visited: string[] = [];

  get cookieNames(): string[] {
    return [...this.#cookies.keys()].map((key) => key.split(" ")[1] as string);
  }

  async go(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ url: string; status: number; text: string }> {
    const { location, status, text } = await this.#ask(url, form);
    if (location) return this.go(location);
    const refresh = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(text)?.[1];
    return refresh ? this.go(new URL(refresh, url).href) : { url, status, text };
  }

  /** Where an address sends it to, without following. */
  async step(url: string): Promise<string | null> {
    return (await this.#ask(url)).location;
  }

  async #ask(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ location: string | null; status: number; text: string }> {
    const { origin, pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([name, { path }]) => name.startsWith(`${origin} `) && pathname.startsWith(path))
      .map(([name, { value }]) => `${name.split(" ")[1]}=${value}`)
      .join("; ");
    const headers = { cookie, accept: "text/html", ...(form && { origin }) };
    const response = await fetch(url, {
      headers,
      redirect: "manual",
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const { name, value, path, maxAge, expires } = Bun.Cookie.parse(line);
      const isGone =
        value === "" || maxAge === 0 || (expires !== undefined && expires.getTime() < Date.now());
      if (isGone) this.#cookies.delete(`${origin} ${name}`);
      else this.#cookies.set(`${origin} ${name}`, { value, path: path ?? "/" });
    }
    this.visited.push(url);
    const location = response.status < 400 ? response.headers.get("location") : null;
    return {
      location: location && new URL(location, url).href,
      status: response.status,
      text: await response.text(),
    };
  }

  /** Signs in at the provider as `login`, and agrees to whatever it asks. */
  async signIn(login: string, to = "/"): Promise<{ url: string; status: number; text: string }> {
    let at = await this.go(`${house.url}/login/start?to=${encodeURIComponent(to)}`);
    while (at.url.startsWith(issuer) && /name="prompt" value="(login|consent)"/.test(at.text)) {
      const prompt = /name="prompt" value="(\w+)"/.exec(at.text)?.[1] as string;
      const action = /action="([^"]+)"/.exec(at.text)?.[1] as string;
      at = await this.go(new URL(action, at.url).href, {
        prompt,
        ...(prompt === "login" && { login, password: "x" }),
      });
    }
    return at;
  }
}

test("whoever comes without a session is led to the provider and back to where they wanted to go", async () => {
  const browser = new Browser();
  const door = await browser.go(`${house.url}/account`);
  expect([new URL(door.url).pathname, door.text.includes("/login/start?to=%2Faccount")]).toEqual([
    "/login",
    true,
  ]);
  const inside = await browser.signIn("ada-1", "/account");
  expect([inside.status, new URL(inside.url).pathname]).toEqual([200, "/account"]);
  expect(inside.text).toContain("<h1>ada</h1>");
  expect(await house.store.people.ofSubject(`${issuer} ada-1`)).toMatchObject({
    name: "ada",
    role: "member",
  });
});

test("the same subject is the same person; another one with the same name is another", async () => {
  const again = await new Browser().signIn("ada-1", "/account");
  const other = await new Browser().signIn("ada-2", "/account");
  expect([/<h1>(.*?)<\/h1>/.exec(again.text)?.[1], /<h1>(.*?)<\/h1>/.exec(other.text)?.[1]]).toEqual([
    "ada",
    "ada 2",
  ]);
  expect((await house.store.people.list()).filter(({ name }) => name.startsWith("ada")).length).toBe(2);
});

test("a person who was removed does not come in again by the provider", async () => {
  await new Browser().signIn("eve-1");
  const eve = await house.store.people.ofSubject(`${issuer} eve-1`);
  await house.store.people.change(eve?.id as string, { removed: true });
  expect((await new Browser().signIn("eve-1")).status).toBe(403);
});

/** Begins a way to the provider: where the browser would be sent, and the one whose cookies know of it. */
async function begun(
  at: House,
  browser = new Browser(),
): Promise<{ browser: Browser; asked: URLSearchParams }> {
  const there = await browser.step(`${at.url}/login/start`);
  return { browser, asked: new URL(there as string).searchParams };
}

test("a way back that did not begin here, or in another browser, leads nowhere, and the page says so and offers another", async () => {
  for (const path of [
    "/login/callback",
    "/login/callback?code=x&state=y",
    "/login/callback?error=access_denied&state=y",
  ]) {
    const at = await new Browser().go(house.url + path);
    expect([
      at.status,
      at.text.includes("began in another browser"),
      at.text.includes("/login/start?to="),
    ]).toEqual([400, true, true]);
  }
  const broken = await fetch(`${house.url}/login/callback?code=x&state=x`, {
    headers: { cookie: "parlor-oidc-x=%7Bbroken; parlor-oidc-y=e30; parlor-oidc-z=bnVsbA" },
  });
  expect(broken.status).toBe(400);
  // the code and state of one browser, carried to another
  const victim = new Browser();
  await victim.signIn("mallory-1");
  const back = victim.visited.find((url) => url.includes("/login/callback?")) as string;
  expect((await new Browser().go(back)).status).toBe(400);
});

test("a callback that is loaded again by somebody who is in leads into the house", async () => {
  const browser = new Browser();
  await browser.signIn("ada-1");
  const back = browser.visited.find((url) => url.includes("/login/callback?")) as string;
  const again = await browser.go(back);
  expect([again.status, new URL(again.url).pathname]).toEqual([200, "/"]);
});

test("two tabs on their way at once both arrive; a browser remembers a few ways, not all", async () => {
  const browser = new Browser();
  const first = await begun(house, browser);
  const inside = await browser.signIn("ada-1", "/account");
  expect([inside.status, new URL(inside.url).pathname]).toEqual([200, "/account"]);
  const refused = (at: typeof first) =>
    browser.go(
      `${house.url}/login/callback?error=access_denied&state=${at.asked.get("state")}&iss=${issuer}`,
    );
  expect((await refused(first)).status).toBe(403); // it is still known
  const stranger = new Browser();
  for (let i = 0; i < 12; i++) await begun(house, stranger);
  expect(stranger.cookieNames.length).toBe(5);
});

test("who is not let in, or goes back, is told so; a provider that fails or is not there is another sentence; the log has words", async () => {
  const page = async (query: string) => {
    const { browser, asked } = await begun(house);
    return browser.go(`${house.url}/login/callback?${query}&state=${asked.get("state")}&iss=${issuer}`);
  };
  for (const [query, status, sentence] of [
    ["error=access_denied", 403, "did not let you in"],
    ["error=login_required", 403, "did not let you in"],
    ["error=server_error", 502, "is not responding"],
    ["error=invalid_scope", 502, "reason in parlor&#39;s log"],
    ["code=made-up", 400, "was already used"],
  ] as const) {
    const at = await page(query);
    expect([query, at.status, at.text.includes(sentence), at.text.includes("/login/start")]).toEqual([
      query,
      status,
      true,
      true,
    ]);
  }
  const closed = await startHouse({
    llama: "http://127.0.0.1:9",
    auth: "oidc",
    oidc: { issuer: "http://127.0.0.1:1", clientId: "parlor", clientSecret: null },
  });
  const at = await new Browser().go(`${closed.url}/login/start`);
  expect([at.status, at.text.includes("is not responding")]).toEqual([502, true]);
  expect(closed.log.find((line) => line.includes("could not be used"))).toMatch(/"error":"[^"]*connect/i);
  await closed.stop();
  expect(house.log.filter((line) => /ClientError|ResponseError|TypeError:/.test(line))).toEqual([]);
});

test("an identity whose signature is not the provider's is not believed", async () => {
  const make = () =>
    crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: "SHA-256",
      },
      true,
      ["sign", "verify"],
    );
  const [right, wrong] = (await Promise.all([make(), make()])) as [CryptoKeyPair, CryptoKeyPair];
  const jwk = {
    ...(await crypto.subtle.exportKey("jwk", right.publicKey)),
    kid: "k",
    use: "sig",
    alg: "RS256",
  };
  let signer = wrong;
  let nonce = "";
  const encoded = (value: object | ArrayBuffer) =>
    (value instanceof ArrayBuffer ? Buffer.from(value) : Buffer.from(JSON.stringify(value))).toString(
      "base64url",
    );
  const provider = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request): Promise<Response> {
      const { pathname, origin } = new URL(request.url);
      if (pathname === "/jwks") return Response.json({ keys: [jwk] });
      if (pathname !== "/token") {
        const known = {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          jwks_uri: `${origin}/jwks`,
        };
        return Response.json({
          ...known,
          id_token_signing_alg_values_supported: ["RS256"],
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
        });
      }
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: origin, aud: "parlor", sub: "eve", iat: now, exp: now + 60, nonce };
      const signed = `${encoded({ alg: "RS256", kid: "k" })}.${encoded(claims)}`;
      const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", signer.privateKey, Buffer.from(signed));
      return Response.json({
        access_token: "x",
        token_type: "bearer",
        id_token: `${signed}.${encoded(signature)}`,
      });
    },
  });
  const other = await startHouse({
    llama: "http://127.0.0.1:9",
    auth: "oidc",
    oidc: { issuer: provider.url.origin, clientId: "parlor", clientSecret: "s" },
  });
  const comeBack = async () => {
    const { browser, asked } = await begun(other);
    nonce = asked.get("nonce") as string;
    return browser.go(`${other.url}/login/callback?code=c&state=${asked.get("state")}`);
  };
  expect((await comeBack()).status).toBe(502);
  expect(await other.store.people.ofSubject(`${provider.url.origin} eve`)).toBeNull();
  signer = right;
  expect((await comeBack()).status).toBe(200);
  await other.stop();
  await provider.stop(true);
});

test("nobody is led to another site", async () => {
  const at = await new Browser().signIn("ada-1", "//evil.example/");
  expect([new URL(at.url).host, new URL(at.url).pathname]).toEqual([new URL(house.url).host, "/"]);
});

test("passwords are no way in here", async () => {
  const response = await fetch(`${house.url}/login`, {
    method: "POST",
    body: new URLSearchParams({ name: "ada", password: "x" }),
  });
  expect(response.status).toBe(404);
});
