// Who may see and do what, with accounts: somebody else's conversation is a missing one by every door; what a browser adds by itself is
// not enough to act; guessing, spoofing and flooding get nowhere. If this fails, people read each other.
// Promises: L2, X1, X2, X4.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { hashOf } from "../../src/auth/secrets.ts";
import { newId } from "../../src/domain/id.ts";
import { type House, PageClient, PlainClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
/** A session's cookie of each. */
const cookies: Record<string, string> = {};
/** What Ada has: a conversation with a question and an answer, and a link to it. */
const hers = { conversation: newId(), question: "", answer: "", link: "" };

let attempts = 0;

/** An attempt from an address of its own, behind a proxy that is believed, unless it is said from where. */
async function signIn(
  name: string,
  password: string,
  headers: Record<string, string> = {},
  at = house,
): Promise<Response> {
  const from = { "x-forwarded-for": `192.0.2.${attempts++ % 250}`, ...headers };
  return fetch(`${at.url}/login`, {
    method: "POST",
    body: new URLSearchParams({ name, password, to: "/" }),
    headers: from,
    redirect: "manual",
  });
}
const cookieOf = (response: Response): string =>
  (response.headers.get("set-cookie") ?? "").split(";")[0] as string;
/** A request as somebody's browser makes it. */
const as = (name: string, path: string, form?: Record<string, string>): Promise<Response> =>
  fetch(house.url + path, {
    headers: { cookie: cookies[name] as string, ...(form && { origin: house.url }) },
    redirect: "manual",
    ...(form && { method: "POST", body: new URLSearchParams(form) }),
  });
const upgradeAs = (name: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(house.url + path, {
    headers: {
      cookie: cookies[name] ?? "",
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    },
  });

/**
 * Resolves when `condition` holds, before 500 short requests one after the other are answered: well within a
 * second, and on a busy machine both take longer.
 */
async function soon(condition: () => boolean, what: string): Promise<void> {
  for (let requests = 0; !condition(); requests++) {
    expect({ what, isLate: requests >= 500 }).toEqual({ what, isLate: false });
    await (await fetch(`${house.url}/healthz`)).text();
  }
}

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("a secret answer");
    exchange.finish();
  });
  house = await startHouse({
    llama: upstream.url,
    auth: "password",
    trustedProxies: ["127.0.0.1"],
    bounds: { messageMaxBytes: 2_000, socketsMaxPerAddress: 300 },
  });
  await until(() => house.upstream.state.status === "ready", "the house sees its upstream");
  for (const [name, role] of [
    ["Ada", "member"],
    ["Ben", "member"],
    ["Root", "admin"],
  ] as const) {
    await house.store.people.add({ name, role, password: await Bun.password.hash(`${name}'s password`) });
    cookies[name] = cookieOf(await signIn(name, `${name}'s password`));
  }
  const page = await new PageClient(house, hers.conversation, { cookie: cookies["Ada"] as string }).ready();
  page.say("a secret question");
  hers.answer = (await page.lastIs("done")).id;
  hers.question = page.articles()[0]?.id as string;
  page.close();
  await as("Ada", `/c/${hers.conversation}/share`, { lifetime: "week" });
  hers.link = (await house.store.links.of(hers.conversation))[0]?.token as string;
});
afterAll(async () => {
  await house.stop();
  upstream.stop();
});

describe("somebody else's conversation is a missing one", () => {
  const paths = ["", "/export.json", "/export.md", "/menu", "/share"];
  for (const path of paths) {
    test(`GET /c/ID${path}`, async () => {
      const [theirs, missing] = await Promise.all(
        [hers.conversation, newId()].map((id) => as("Ben", `/c/${id}${path}`)),
      );
      expect([theirs?.status, missing?.status]).toEqual([404, 404]);
      expect(await theirs?.text()).toBe((await missing?.text()) as string);
      expect((await as("Ada", `/c/${hers.conversation}${path}`)).status).toBe(200);
    });
  }

  test("messages by id, in the right conversation and in one's own", async () => {
    for (const what of ["text", "edit", "before"]) {
      const own = newId();
      await as("Ben", `/c/${own}`, { type: "say", message: newId(), text: "mine" });
      for (const conversation of [hers.conversation, own]) {
        expect((await as("Ben", `/c/${conversation}/${what}/${hers.question}`)).status).toBe(404);
      }
    }
  });

  test("every wish, by a form", async () => {
    const before = await house.store.thread(hers.conversation, { limit: 50 });
    const message = hers.answer;
    const { conversation } = hers;
    const wishes: Record<string, string>[] = [
      { type: "say", message: newId(), text: "let me in" },
      ...["retry", "continue", "prune", "unprune"].map((type) => ({ type, message })),
      { select: hers.question },
      { type: "stop" },
      { type: "settle", persona: "" },
      { type: "rename", conversation, title: "mine now" },
      ...["pin", "unpin", "remove", "restore"].map((type) => ({ type, conversation })),
    ];
    for (const wish of wishes)
      expect([wish, (await as("Ben", `/c/${conversation}`, wish)).status]).toEqual([wish, 404]);
    // by the address of hers, naming one of his own, refused or not: nothing of hers is drawn
    const own = newId();
    await as("Ben", `/c/${own}`, { type: "say", message: newId(), text: "mine" });
    const drawn = await as("Ben", `/c/${conversation}`, { type: "rename", conversation: own, title: " " });
    expect([drawn.status, (await drawn.text()).includes("a secret")]).toEqual([404, false]);
    // by the address of a conversation of his own: what it names is hers all the same
    for (const wish of wishes.filter((each) => "conversation" in each))
      expect((await as("Ben", `/c/${newId()}`, wish)).status).toBe(404);
    expect((await as("Ben", `/c/${conversation}/share`, { lifetime: "never" })).status).toBe(404);
    expect((await as("Ben", `/c/${conversation}/share`, { revoke: hers.link })).status).toBe(404);
    expect(await house.store.thread(conversation, { limit: 50 })).toEqual(before);
  });

  test("by socket; and by a socket of one's own that names it", async () => {
    const answers = await Promise.all(
      [hers.conversation, newId()].map((id) => upgradeAs("Ben", `/live?c=${id}`)),
    );
    expect(answers[0]?.status).toBe(404);
    const page = await new PageClient(house, newId(), { cookie: cookies["Ben"] as string }).ready();
    page.command({ type: "rename", conversation: hers.conversation, title: "mine" });
    await until(() => page.element("notice").textContent !== "", "it is refused");
    expect(page.element("notice").textContent).toBe("This does not exist, or no longer exists.");
    page.close();
  });

  test("a page whose address was guessed before the conversation was there sees nothing of it", async () => {
    const conversation = newId();
    const eve = await new PageClient(house, conversation, { cookie: cookies["Ben"] as string }).ready();
    eve.gone = true; // does not come again
    await as("Ada", `/c/${conversation}`, { type: "say", message: newId(), text: "hush" });
    await until(() => eve.ws.readyState === WebSocket.CLOSED, "the guesser is out");
    expect(eve.frames.join("")).not.toContain("hush");
  });

  test("by list, search, and the file of everything; hers is where she looks for it", async () => {
    const seen = async (name: string) => [
      await (await as(name, "/")).text(),
      await (await as(name, "/search?q=secret")).text(),
      await (await as(name, "/export.jsonl")).text(),
      await (await as(name, `/list?after=${newId()}&at=9999999999999&pinned=true`)).text(),
    ];
    for (const text of await seen("Ben"))
      for (const word of ["a secret question", hers.conversation]) expect(text).not.toContain(word);
    for (const text of (await seen("Ada")).slice(0, 3)) expect(text).toContain(hers.conversation);
  });

  test("another's list is told to nobody else", async () => {
    const ben = await new PageClient(house, newId(), { cookie: cookies["Ben"] as string }).ready();
    const ada = await new PageClient(house, newId(), { cookie: cookies["Ada"] as string }).ready();
    ada.say("hidden from Ben");
    await ada.lastIs("done");
    await until(() => ada.frames.join("").includes("list-today"), "her own list is told");
    expect(ben.frames.join("")).not.toContain("hidden from Ben");
    for (const page of [ada, ben]) page.close();
  });

  test("/chat is for those who are signed in, and has nothing but its own conversation", async () => {
    expect((await upgradeAs("nobody", "/chat")).status).toBe(401);
    expect((await upgradeAs("nobody", `/live?c=${newId()}`)).status).toBe(401);
    const client = await new PlainClient(house, { cookie: cookies["Ben"] as string }).opened();
    expect((await client.ask("hello")).last).toBe("[DONE]");
    client.close();
  });
});

describe("links", () => {
  test("whoever follows one reads, and learns nothing else", async () => {
    const page = await fetch(`${house.url}/s/${hers.link}`);
    const text = await page.text();
    expect([page.status, page.headers.get("x-robots-tag"), text.includes("a secret answer")]).toEqual([
      200,
      "noindex, nofollow",
      true,
    ]);
    expect(text).not.toContain(hers.conversation);
    expect(text).not.toContain("<form");
    const frames: string[] = [];
    const ws = new WebSocket(`${house.url.replace("http", "ws")}/live?s=${hers.link}`);
    ws.onmessage = ({ data }) => frames.push(String(data));
    await until(() => frames.length > 0, "it is seated");
    ws.send(JSON.stringify({ type: "say", message: newId(), text: "let me" }));
    await until(() => frames.some((frame) => frame.includes("lets you read, not write")), "it is refused");
    const all = frames.join("");
    expect(all).toContain("a secret answer");
    for (const word of [hers.conversation, "<form", "list-", "controls"]) expect(all).not.toContain(word);
    await as("Ada", `/c/${hers.conversation}/share`, { revoke: hers.link });
    await soon(() => ws.readyState === WebSocket.CLOSED, "it is closed");
    expect((await fetch(`${house.url}/s/${hers.link}`)).status).toBe(404);
  });

  test("one that has expired, and one that never was, are missing", async () => {
    const token = newId();
    await house.store.links.add({
      token,
      conversation: hers.conversation,
      createdAt: 1,
      expiresAt: Date.now() - 1,
    });
    for (const each of [token, newId(), "x"]) {
      expect((await fetch(`${house.url}/s/${each}`)).status).toBe(404);
      expect((await upgradeAs("nobody", `/live?s=${each}`)).status).toBe(404);
    }
  });
});

describe("requests that somebody else makes a browser send", () => {
  const form = { type: "say", message: newId(), text: "forged" };
  const post = (headers: Record<string, string>) =>
    fetch(`${house.url}/c/${newId()}`, {
      method: "POST",
      body: new URLSearchParams(form),
      headers: { cookie: cookies["Ada"] as string, ...headers },
    });

  test("a form of another site, or of an unknown one, with Ada's cookie", async () => {
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      {},
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]) {
      expect((await post(headers as Record<string, string>)).status).toBe(403);
    }
    expect((await post({ "sec-fetch-site": "same-origin" })).status).toBe(200);
  });

  test("a socket of another site's page", async () => {
    for (const path of [`/live?c=${newId()}`, "/chat"])
      expect((await upgradeAs("Ada", path, { origin: "http://evil.example" })).status).toBe(403);
  });

  test("nobody is led elsewhere after signing in", async () => {
    for (const to of ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]) {
      const body = new URLSearchParams({ name: "Ben", password: "Ben's password", to });
      const response = await fetch(`${house.url}/login`, { method: "POST", body, redirect: "manual" });
      expect(response.headers.get("location")).toBe("/");
    }
  });
});

describe("sessions", () => {
  test("a token that somebody chose is never taken over; each sign-in has its own, and the one before is over", async () => {
    const planted = "parlor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const first = cookieOf(await signIn("Ben", "Ben's password", { cookie: planted }));
    expect(first).not.toBe(planted);
    const second = cookieOf(await signIn("Ben", "Ben's password", { cookie: first, origin: house.url }));
    const status = async (cookie: string) =>
      (await fetch(`${house.url}/account`, { headers: { cookie } })).status;
    expect([await status(planted), await status(first), await status(second)]).toEqual([401, 401, 200]);
    await fetch(`${house.url}/logout`, { method: "POST", headers: { cookie: second, origin: house.url } });
    expect(await status(second)).toBe(401);
    expect((await signIn("Ben", "Ben's password")).headers.get("set-cookie")).toMatch(
      /^parlor=[\w-]{32}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$|HttpOnly/,
    );
  });

  test("a revoked session's and a removed person's sockets close within a second", async () => {
    const eve = await house.store.people.add({
      name: "Eve",
      role: "member",
      password: await Bun.password.hash("Eve's password"),
    });
    const sit = async (cookie: string) => {
      const page = await new PageClient(house, newId(), { cookie }).ready();
      page.gone = true;
      return page;
    };
    const [one, two] = [
      cookieOf(await signIn("Eve", "Eve's password")),
      cookieOf(await signIn("Eve", "Eve's password")),
    ];
    const [first, second] = [await sit(one), await sit(two)];
    const program = await new PlainClient(house, { cookie: two }).opened();
    const session = await house.store.sessions.find(hashOf(one.slice("parlor=".length)));
    await as("Root", "/admin/session", { session: session?.session.id as string });
    await soon(() => first.ws.readyState === WebSocket.CLOSED, "the revoked one is closed");
    expect(first.element("notice").textContent).toContain("not signed in");
    expect(second.ws.readyState).toBe(WebSocket.OPEN);
    await as("Root", "/admin/person", { act: "remove", person: eve.id });
    await soon(
      () => second.ws.readyState === WebSocket.CLOSED && program.closed,
      "the removed one's are closed",
    );
    expect((await signIn("Eve", "Eve's password")).status).toBe(401);
  });

  test("guessing is slowed down, by account and by address, and says until when", async () => {
    const other = await startHouse({ llama: upstream.url, auth: "password", trustedProxies: ["127.0.0.1"] });
    await other.store.people.add({
      name: "Ada",
      role: "admin",
      password: await Bun.password.hash("right password", { algorithm: "bcrypt", cost: 4 }),
    });
    const attempt = (name: string, from: string) => signIn(name, "wrong", { "x-forwarded-for": from }, other);
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await attempt(`nobody ${i}`, "198.51.100.1")).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429]);
    for (let i = 0; i < 20; i++) await attempt("Ada", `203.0.113.${i}`);
    const refused = await attempt("Ada", "203.0.113.77");
    expect([refused.status, await refused.text()]).toEqual([
      429,
      expect.stringMatching(/Too many attempts. Try again in \d+ s/),
    ]);
    await other.stop();
  });

  test("wrong passwords from elsewhere keep nobody out whose browser has signed in before, nor from another password", async () => {
    const other = await startHouse({ llama: upstream.url, auth: "password", trustedProxies: ["127.0.0.1"] });
    const quick = { algorithm: "bcrypt", cost: 4 } as const;
    for (const name of ["Ada", "Mal"])
      await other.store.people.add({
        name,
        role: "member",
        password: await Bun.password.hash("right password", quick),
      });
    const here = { "x-forwarded-for": "2001:db8:1:2::1" };
    const cookiesOf = (response: Response) =>
      response.headers.getSetCookie().map((line) => line.split(";")[0] as string);
    const first = cookiesOf(await signIn("Ada", "right password", here, other));
    const browser = first.find((cookie) => cookie.startsWith("parlor-browser=")) as string;
    const session = first.find((cookie) => cookie.startsWith("parlor=")) as string;
    const mallory = cookiesOf(await signIn("Mal", "right password", here, other)).find((cookie) =>
      cookie.startsWith("parlor-browser="),
    ) as string;
    // the account and the address, a network of many addresses, are both shut
    for (let i = 0; i < 20; i++) await signIn("Ada", "wrong", { "x-forwarded-for": `203.0.113.${i}` }, other);
    for (let i = 0; i < 12; i++)
      await signIn("Ada", "wrong", { "x-forwarded-for": `2001:db8:1:2:${i}::9` }, other);
    const status = async (password: string, cookie: string, from: Record<string, string> = here) =>
      (await signIn("Ada", password, { ...from, ...(cookie && { cookie }) }, other)).status;
    expect(await status("right password", "")).toBe(429);
    expect(await status("right password", "", { "x-forwarded-for": "192.0.2.77" })).toBe(429);
    // a cookie of somebody else's browser, one made up, and one that is cut
    const [id, seal = ""] = browser.slice("parlor-browser=".length).split(".");
    for (const cookie of [
      mallory,
      `parlor-browser=x.${seal}`,
      `parlor-browser=${id}.`,
      `parlor-browser=.${seal}`,
      "parlor-browser=",
    ]) {
      expect([cookie, await status("right password", cookie)]).toEqual([cookie, 429]);
    }
    expect(await status("right password", browser)).toBe(303);
    // what is tried from that browser counts, too
    for (let i = 0; i < 9; i++) expect(await status("wrong", browser)).toBe(401);
    expect(await status("right password", browser)).toBe(429);
    // and another password can be set in a session that is open, after which the browser's cookie of before is worth nothing
    const change = (old: string, password: string) =>
      fetch(`${other.url}/account/password`, {
        method: "POST",
        body: new URLSearchParams({ old, password }),
        headers: { ...here, cookie: session, origin: other.url },
        redirect: "manual",
      });
    for (let i = 0; i < 9; i++) expect((await change("wrong", "another password")).status).toBe(422);
    const changed = await change("right password", "another password");
    expect([
      changed.status,
      cookiesOf(changed).some((cookie) => cookie.startsWith("parlor-browser=")),
    ]).toEqual([303, true]);
    expect(await (await change("another password", "a third password")).text()).toContain(
      "Too many attempts",
    ); // what is tried there counts, too
    expect(await status("another password", browser)).toBe(429);
    await other.stop();
  });

  test("nobody but admins operates", async () => {
    for (const path of ["/admin", "/admin/now"]) {
      expect([
        (await as("Ada", path)).status,
        (await as("Root", path)).status,
        (await fetch(house.url + path)).status,
      ]).toEqual([403, 200, 401]);
    }
    for (const act of ["stop", "invite", "person", "role", "persona", "session"]) {
      expect((await as("Ada", `/admin/${act}`, { act: "erase", role: "admin" })).status).toBe(403);
    }
  });
});

describe("a proxy that says who it is", () => {
  test("is believed from listed addresses alone, and its word on address and TLS, too", async () => {
    const listed = await startHouse({ llama: upstream.url, auth: "header", trustedProxies: ["127.0.0.1"] });
    const unlisted = await startHouse({ llama: upstream.url, auth: "header", trustedProxies: ["192.0.2.1"] });
    const account = (at: House, headers: Record<string, string>) => fetch(`${at.url}/account`, { headers });
    const inside = await account(listed, { "remote-user": "Grüße Ada" });
    expect(inside.status).toBe(200);
    expect((await account(listed, {})).status).toBe(401);
    // the name of whoever everybody is without accounts, an admin, is nobody's
    for (const name of ["local", "LOCAL"])
      expect((await account(listed, { "remote-user": name })).status).toBe(400);
    for (const headers of [
      { "remote-user": "Ada" },
      { "Remote-User": "Ada", "x-forwarded-for": "192.0.2.1" },
      { "REMOTE-USER": "Ada" },
    ]) {
      expect((await account(unlisted, headers as Record<string, string>)).status).toBe(403);
    }
    expect((await unlisted.store.people.list()).length).toBe(1);
    const forged = await fetch(`${listed.url}/c/${newId()}`, {
      method: "POST",
      headers: { "remote-user": "Ada" },
      body: new URLSearchParams({ type: "stop" }),
    });
    expect(forged.status).toBe(403);
    for (const each of [listed, unlisted]) await each.stop();
    const secure = await startHouse({ llama: upstream.url, auth: "password", trustedProxies: ["127.0.0.1"] });
    await secure.store.people.add({
      name: "Ada",
      role: "admin",
      password: await Bun.password.hash("right password", { algorithm: "bcrypt", cost: 4 }),
    });
    for (const [proto, isSecure] of [
      ["https", true],
      ["http", false],
    ] as const) {
      const response = await signIn("Ada", "right password", { "x-forwarded-proto": proto }, secure);
      expect(response.headers.get("set-cookie")?.includes("Secure")).toBe(isSecure);
    }
    await secure.stop();
  });
});

describe("what is too much", () => {
  test("paths out of the folder lead nowhere", async () => {
    for (const path of [
      "/assets/../../etc/passwd",
      "/assets/%2e%2e/%2e%2e/etc/passwd",
      "/assets/..%2f..%2fetc/passwd",
      "/assets//etc/passwd",
      "/s/../admin",
      "/login/../admin",
    ]) {
      const response = await raw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
      expect([path, response]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 (404|401|400|302)/)]);
      expect(response).not.toContain("root:");
    }
  });

  test("bodies and frames beyond their bounds are refused", async () => {
    const long = await as("Ada", `/c/${newId()}`, { type: "say", message: newId(), text: "x".repeat(3_000) });
    expect(long.status).toBe(413);
    const huge = new URLSearchParams({ name: "x".repeat(30_000_000) });
    expect(
      (await fetch(`${house.url}/login`, { method: "POST", body: huge }).catch(() => ({ status: 413 })))
        .status,
    ).toBe(413);
    expect(
      (await as("Ada", `/c/${newId()}`, { type: "say", message: newId(), text: "x".repeat(100_000) })).status,
    ).toBe(413);
    for (const form of [{ type: "garbage" }, {}, { type: "say" }])
      expect((await as("Ada", `/c/${newId()}`, form)).status).toBe(400);
    const broken = {
      cookie: cookies["Ada"] as string,
      origin: house.url,
      "content-type": "multipart/form-data",
    };
    expect(
      (await fetch(`${house.url}/c/${newId()}`, { method: "POST", headers: broken, body: "junk" })).status,
    ).toBe(400);
    const page = await new PageClient(house, newId(), { cookie: cookies["Ada"] as string }).ready();
    page.gone = true;
    page.ws.send("x".repeat(60_000));
    await until(() => page.ws.readyState === WebSocket.CLOSED, "the socket is closed");
    expect((await as("Ada", "/import", { file: "x" })).status).toBe(400);
  });

  test("headers without an end, and thousands that say nothing, hold nobody up", async () => {
    const silent: Socket[] = [];
    const port = Number(new URL(house.url).port);
    const health = async (): Promise<number> => {
      const startedAt = performance.now();
      expect((await fetch(`${house.url}/healthz`)).status).toBe(200);
      return performance.now() - startedAt;
    };
    const alone = [await health(), await health(), await health()].sort((a, b) => a - b);
    const slow = connect(port, "127.0.0.1");
    let isClosed = false;
    slow.on("close", () => {
      isClosed = true;
    });
    slow.on("error", () => {});
    slow.write("GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ");
    for (let i = 0; i < 5_000; i++) silent.push(connect(port, "127.0.0.1").on("error", () => {}));
    await until(() => silent.every(({ connecting }) => !connecting), "they are connected");
    // a busy machine may take longer, but then it took longer without them, too
    expect(await health()).toBeLessThan(Math.max(1_000, 100 * (alone[1] as number)));
    await until(() => isClosed, "the slow one is closed");
    for (const socket of silent) socket.destroy();
  });
});

/** What is answered to these very bytes. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(Number(new URL(house.url).port), "127.0.0.1");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.write(bytes);
  });
}

test("what is used in temporary chats counts like any other", async () => {
  const eve = await house.store.people.add({
    name: "Eva",
    role: "guest",
    password: await Bun.password.hash("Eva's password"),
  });
  await house.store.people.change(eve.id, { ownLimits: { runsPerMinute: 2 } });
  cookies["Eva"] = cookieOf(await signIn("Eva", "Eva's password"));
  const say = async (id: string) =>
    (await as("Eva", `/c/${id}`, { type: "say", message: newId(), text: "?" })).status;
  expect([
    await say(`temporary-${newId()}`),
    await say(newId()),
    await say(`temporary-${newId()}`),
    await say(newId()),
  ]).toEqual([303, 303, 429, 429]);
});
