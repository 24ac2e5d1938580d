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
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub, preferred_username: sub.split("-")[0] as string }) }),
  });
  server = provider.listen(providerPort, "127.0.0.1");
  house = await startHouse({ llama: "http://127.0.0.1:9", auth: "oidc", oidc: { issuer, clientId: "parlor", clientSecret: "s3cret" }, port: housePort });
});
afterAll(async () => {
  await house.stop();
  server.close();
});

/** A browser without a window: follows redirects, keeps cookies by host and path. */
class Browser {
  readonly #cookies = new Map<string, { value: string; path: string }>();
  readonly visited: string[] = [];

  async go(url: string, form?: Record<string, string>): Promise<{ url: string; status: number; text: string }> {
    const { origin, pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([name, { path }]) => name.startsWith(`${origin} `) && pathname.startsWith(path))
      .map(([name, { value }]) => `${name.split(" ")[1]}=${value}`)
      .join("; ");
    const headers = { cookie, accept: "text/html", ...(form && { origin }) };
    const response = await fetch(url, { headers, redirect: "manual", ...(form && { method: "POST", body: new URLSearchParams(form) }) });
    for (const line of response.headers.getSetCookie()) {
      const { name, value, path, maxAge, expires } = Bun.Cookie.parse(line);
      const isGone = value === "" || maxAge === 0 || (expires !== undefined && expires.getTime() < Date.now());
      if (isGone) this.#cookies.delete(`${origin} ${name}`);
      else this.#cookies.set(`${origin} ${name}`, { value, path: path ?? "/" });
    }
    this.visited.push(url);
    const location = response.headers.get("location");
    if (location && response.status < 400) return this.go(new URL(location, url).href);
    const text = await response.text();
    const refresh = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(text)?.[1];
    return refresh ? this.go(new URL(refresh, url).href) : { url, status: response.status, text };
  }

  /** Signs in at the provider as `login`, and agrees to whatever it asks. */
  async signIn(login: string, to = "/"): Promise<{ url: string; status: number; text: string }> {
    let at = await this.go(`${house.url}/login/start?to=${encodeURIComponent(to)}`);
    while (at.url.startsWith(issuer) && /name="prompt" value="(login|consent)"/.test(at.text)) {
      const prompt = /name="prompt" value="(\w+)"/.exec(at.text)?.[1] as string;
      const action = /action="([^"]+)"/.exec(at.text)?.[1] as string;
      at = await this.go(new URL(action, at.url).href, { prompt, ...(prompt === "login" && { login, password: "x" }) });
    }
    return at;
  }
}

test("whoever comes without a session is led to the provider and back to where they wanted to go", async () => {
  const browser = new Browser();
  const door = await browser.go(`${house.url}/account`);
  expect([new URL(door.url).pathname, door.text.includes("/login/start?to=%2Faccount")]).toEqual(["/login", true]);
  const inside = await browser.signIn("ada-1", "/account");
  expect([inside.status, new URL(inside.url).pathname]).toEqual([200, "/account"]);
  expect(inside.text).toContain("<h1>ada</h1>");
  expect(await house.store.people.ofSubject(`${issuer} ada-1`)).toMatchObject({ name: "ada", role: "member" });
});

test("the same subject is the same person; another one with the same name is another", async () => {
  const again = await new Browser().signIn("ada-1", "/account");
  const other = await new Browser().signIn("ada-2", "/account");
  expect([/<h1>(.*?)<\/h1>/.exec(again.text)?.[1], /<h1>(.*?)<\/h1>/.exec(other.text)?.[1]]).toEqual(["ada", "ada 2"]);
  expect((await house.store.people.list()).filter(({ name }) => name.startsWith("ada")).length).toBe(2);
});

test("a person who was removed does not come in again by the provider", async () => {
  await new Browser().signIn("eve-1");
  const eve = await house.store.people.ofSubject(`${issuer} eve-1`);
  await house.store.people.change(eve?.id as string, { removed: true });
  expect((await new Browser().signIn("eve-1")).status).toBe(403);
});

test("a way back that did not begin here, or in another browser, leads nowhere", async () => {
  for (const path of ["/login/callback", "/login/callback?code=x&state=y", "/login/callback?error=access_denied&state=y"]) {
    expect((await new Browser().go(house.url + path)).status).toBe(502);
  }
  const broken = await fetch(`${house.url}/login/callback?code=x`, { headers: { cookie: "parlor-oidc=%7Bbroken" } });
  expect(broken.status).toBe(502);
  // the code and state of one browser, carried to another
  const victim = new Browser();
  await victim.signIn("mallory-1");
  const back = victim.visited.find((url) => url.includes("/login/callback?")) as string;
  expect((await new Browser().go(back)).status).toBe(502);
  expect((await victim.go(back)).status).toBe(502);
});

test("nobody is led to another site", async () => {
  const at = await new Browser().signIn("ada-1", "//evil.example/");
  expect([new URL(at.url).host, new URL(at.url).pathname]).toEqual([new URL(house.url).host, "/"]);
});

test("passwords are no way in here", async () => {
  const response = await fetch(`${house.url}/login`, { method: "POST", body: new URLSearchParams({ name: "ada", password: "x" }) });
  expect(response.status).toBe(404);
});
