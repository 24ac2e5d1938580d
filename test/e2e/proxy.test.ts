// Behind a real nginx: TLS in front, a path of its own, a proxy that lets no WebSocket through; and without one: TLS of parlor's own, a socket in the file
// system. If this fails, a house that reaches parlor by its proxy has pages without style, links that lead out, or no answers.
// Promises: C6.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { freePort, startLlama, until } from "../llama/server.ts";
import {
  answered,
  ask,
  closeBrowser,
  connected,
  executable,
  grownBeyond,
  serving,
  shown,
  standing,
  startParlor,
  type Visit,
  visit,
} from "./stage.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-proxy-"));
const password = "correct horse battery";
const [tlsPort, strippingPort, blockingPort, backPort, plainPort] = Array.from({ length: 5 }, freePort) as [
  number,
  number,
  number,
  number,
  number,
];
const [llamaPort, renamingPort] = [freePort(), freePort()];
const data = join(folder, "data");
let nginx: Bun.Subprocess;

/** A certificate of our own for localhost, as files. */
function certificate(name: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const made = Bun.spawnSync(
    [
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      key,
      "-out",
      cert,
      "-addext",
      "subjectAltName=DNS:localhost",
    ],
    { stderr: "pipe" },
  );
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return { cert, key };
}

beforeAll(async () => {
  const program = Bun.which("nginx") ?? (existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : null);
  if (program === null)
    throw new Error("the tests behind a proxy need nginx: install it (Debian: apt-get install nginx-light)");
  const added = Bun.spawnSync([executable, "user", "add", "ada", "admin", "--data", data], {
    stdin: new TextEncoder().encode(`${password}\n`),
    env: { PATH: "/usr/bin" },
  });
  expect(added.exitCode).toBe(0);
  const { cert, key } = certificate("localhost");
  const asked =
    "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;";
  const upgraded = `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; ${asked}`;
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit; events {}
    http {
      access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; location /chat { proxy_pass http://127.0.0.1:${backPort}; ${upgraded} } }
      server { listen 127.0.0.1:${strippingPort}; location /chat/ { proxy_pass http://127.0.0.1:${backPort}/; ${upgraded} } }
      server { listen 127.0.0.1:${renamingPort}; location / { proxy_pass http://127.0.0.1:${plainPort}; ${upgraded.replace("$http_host", "$host")} } }
      server { listen 127.0.0.1:${blockingPort}; location / { proxy_pass http://127.0.0.1:${plainPort}; ${asked} } }
    }`,
  );
  nginx = Bun.spawn([program, "-c", join(folder, "nginx.conf")], { stdout: "ignore", stderr: "inherit" });
  await until(
    async () => (await fetch(`http://127.0.0.1:${blockingPort}/`).catch(() => null)) !== null,
    "nginx is there",
  );
});
const start = async (...args: string[]) => {
  const started = await startParlor([...args, "--llama", llama.it.url]);
  await serving(started);
  return started;
};
const llama = standing(() => startLlama({ port: llamaPort }));
const behind = ["--base-path", "/chat", "--auth", "password", "--trusted-proxy", "127.0.0.1", "--data", data];
standing(() => start("--port", String(backPort), ...behind));
const root = standing(() => start("--port", String(plainPort), "--data", join(folder, "root")));
afterAll(async () => {
  await closeBrowser();
  nginx?.kill();
});

/** Signs in where an address leads. */
async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Sockets that a page opens. */
function socketsOf(page: Page): string[] {
  const opened: string[] = [];
  page.on("websocket", (socket) =>
    socket.on("framereceived", () => !opened.includes(socket.url()) && opened.push(socket.url())),
  );
  return opened;
}

const fine = async ({ problems, close }: Visit) => {
  await close();
  expect(problems).toEqual([]);
};

describe("a path of its own", () => {
  for (const [how, address] of [
    ["TLS in front, and the path is left", `https://localhost:${tlsPort}/chat`],
    ["the proxy takes the path off", `http://127.0.0.1:${strippingPort}/chat/`],
  ] as const) {
    test(`${how}: signing in, asking, every address leads below it`, async () => {
      let sockets: string[] = [];
      const at = await visit(address, { ignoreHTTPSErrors: true }, (page) => {
        sockets = socketsOf(page);
        return signIn(page, address);
      });
      const { page } = at;
      expect(new URL(page.url()).pathname).toBe("/chat/");
      await ask(page, "twenty");
      expect(await answered(page)).toBe(shown("twenty"));
      expect(new URL(page.url()).pathname).toMatch(/^\/chat\/c\/[\w-]{22}$/);
      expect(sockets.length).toBe(1);
      expect(new URL(sockets[0] as string).pathname).toBe("/chat/live");
      await page.reload();
      await connected(page);
      expect(await answered(page)).toBe(shown("twenty"));
      const outside = await page.evaluate(() =>
        [...document.querySelectorAll("[href], [src], [action], [hx-get], [hx-post], [data-copy]")].flatMap(
          (element) =>
            ["href", "src", "action", "hx-get", "hx-post", "data-copy"].flatMap((name) => {
              const value = element.getAttribute(name);
              return value?.startsWith("/") && !value.startsWith("/chat/") ? [`${name}=${value}`] : [];
            }),
        ),
      );
      expect(outside).toEqual([]);
      await page.getByRole("button", { name: "Share" }).click();
      await page.getByRole("button", { name: "Create link" }).click();
      const link = await page.waitForFunction(
        (prefix) => document.body.innerHTML.match(new RegExp(`${prefix}s/[\\w-]{20,}`))?.[0],
        address.replace(/\/?$/, "/"),
      );
      expect(String(await link.jsonValue())).toContain("/chat/s/");
      const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "parlor");
      expect(cookie).toMatchObject({ path: "/chat", secure: address.startsWith("https") });
      await page.goto(`${address.replace(/\/$/, "")}/account`);
      await page.getByRole("button", { name: "Sign out", exact: true }).click();
      await page.waitForURL(/\/chat\/login$/);
      await fine(at);
    });
  }

  test("programs reach it there, too; redirects stay below", async () => {
    const tls = { rejectUnauthorized: false };
    expect((await fetch(`https://localhost:${tlsPort}/chat/v1/models`, { tls })).status).toBe(401);
    expect((await fetch(`https://localhost:${tlsPort}/chat/healthz`, { tls })).status).toBe(200);
    const sent = await fetch(`https://localhost:${tlsPort}/chat/`, {
      tls,
      redirect: "manual",
      headers: { accept: "text/html" },
    });
    expect([sent.status, sent.headers.get("location")]).toEqual([302, "/chat/login?to=%2F"]);
  });
});

describe("a proxy that lets no WebSocket through", () => {
  const url = `http://127.0.0.1:${blockingPort}`;
  /** The browser says in its console that a socket could not be opened; nothing else may go wrong. */
  const fineBut = async ({ problems, close }: Visit) => {
    await close();
    expect(
      problems.filter(
        (problem) =>
          !problem.includes("WebSocket connection to") && !problem.startsWith("htmx: htmx:ws:error"),
      ),
    ).toEqual([]);
  };

  test("the page comes by events on its own: text grows, Stop stops, a reload finds it all", async () => {
    const at = await visit(url);
    const { page } = at;
    await ask(page, "endless");
    await grownBeyond(page, 300);
    await page.getByRole("button", { name: "Stop" }).click();
    const text = await answered(page, "stopped");
    expect(shown("endless").startsWith(text.slice(0, 300))).toBe(true);
    await until(async () => (await llama.it.busySlots()) === 0, "its slot is idle");
    await page.reload();
    await connected(page);
    expect(await answered(page, "stopped")).toBe(text);
    await ask(page, "long");
    expect(await answered(page)).toBe(shown("long"));
    await fineBut(at);
  });

  test("seven tabs of a browser all load, and those that were used longest ago, whose streams are given up, can ask all the same", async () => {
    const at = await visit(url);
    const tabs = [at.page];
    for (let i = 1; i < 7; i++) {
      const tab = await at.page.context().newPage();
      await tab.goto(url);
      await connected(tab);
      tabs.push(tab);
    }
    await at.page.waitForSelector('[role="status"][data-connection="off"]'); // it has let its stream go
    for (const tab of [tabs[0], tabs[6]] as Page[]) {
      await ask(tab, "twenty");
      expect(await answered(tab)).toBe(shown("twenty"));
    }
    await fineBut(at);
  });

  test("a tab that is hidden lets its stream go, and shows all that was written meanwhile when it is shown again", async () => {
    const at = await visit(url);
    const { page } = at;
    await ask(page, "medium");
    await grownBeyond(page, 20);
    const show = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await show(true);
    await page.waitForSelector('[role="status"][data-connection="off"]');
    const other = await visit(page.url());
    expect(await answered(other.page)).toBe(shown("medium"));
    expect(await page.locator("#status").getAttribute("data-connection")).toBe("off");
    await show(false);
    await connected(page);
    expect(await answered(page)).toBe(shown("medium"));
    for (const each of [at, other]) await fineBut(each);
  });

  test("two pages of one conversation show the same while it is written; what is said in a row arrives in that order", async () => {
    const first = await visit(url);
    await ask(first.page, "medium");
    expect(await answered(first.page)).toBe(shown("medium"));
    const second = await visit(first.page.url());
    await ask(second.page, "think");
    for (const { page } of [first, second]) {
      await page.waitForFunction(() => document.querySelectorAll("article").length === 4);
      expect(await answered(page)).toBe(shown("think"));
    }
    for (const each of [first, second]) await fineBut(each);
  });

  test("where nothing is between, a restart of parlor leaves the page with its socket", async () => {
    const at = await visit(root.it.url);
    await ask(at.page, "twenty");
    await answered(at.page);
    await root.it.stop();
    await at.page.waitForSelector('[role="status"][data-connection="off"]');
    await at.page.waitForRequest(/healthz/); // a socket was tried while nobody was there
    await root.again();
    await connected(at.page);
    expect(await at.page.evaluate(() => sessionStorage.getItem("parlor.way"))).toBeNull();
    await at.close();
  });

  test("a restart of parlor behind it: the page comes back by itself", async () => {
    const at = await visit(url);
    await ask(at.page, "twenty");
    await answered(at.page);
    await root.it.stop();
    await at.page.waitForSelector('[role="status"][data-connection="off"]');
    await root.again();
    await connected(at.page);
    await at.close();
  });
});

test("a proxy that passes the name on without its port: the page says what is wrong and what to do, and keeps what was typed", async () => {
  const at = await visit(`http://127.0.0.1:${renamingPort}`);
  const sentence = at.page.getByText(/addressed as 127\.0\.0\.1\. .*proxy_set_header Host \$http_host/);
  await sentence.waitFor(); // before anything is sent
  await at.page.evaluate(() => document.getElementById("notice")?.replaceChildren());
  await ask(at.page, "is anybody there?");
  await at.page.getByText(/addressed as 127\.0\.0\.1\. .*proxy_set_header Host \$http_host/).waitFor();
  expect(await at.page.getByLabel("Message").inputValue()).toBe("is anybody there?");
  await at.close();
});

describe("without a proxy", () => {
  test("TLS of its own; a new certificate at SIGHUP, while what is open stays", async () => {
    const { cert, key } = certificate("first");
    const own = await startParlor(["--tls-cert", cert, "--tls-key", key, "--llama", llama.it.url]);
    expect(own.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    await serving(own);
    const at = await visit(own.url, { ignoreHTTPSErrors: true });
    await ask(at.page, "endless");
    await grownBeyond(at.page, 100);
    const subject = () => {
      const asked = Bun.spawnSync(["openssl", "s_client", "-connect", new URL(own.url).host], {
        stdin: new Uint8Array(),
        stderr: "ignore",
      });
      return /subject=CN ?= ?(\w+)/.exec(asked.stdout.toString())?.[1];
    };
    expect(subject()).toBe("first");
    const next = certificate("second");
    await Bun.write(cert, Bun.file(next.cert));
    await Bun.write(key, Bun.file(next.key));
    own.process.kill("SIGHUP");
    await until(() => subject() === "second", "the new one is shown");
    const length = (await at.page.locator("article .text").last().textContent())?.length ?? 0;
    await grownBeyond(at.page, length + 100);
    // a key of another certificate, as when the one file is written and the other not yet
    await Bun.write(key, Bun.file(certificate("third").key));
    own.process.kill("SIGHUP");
    await until(
      () => own.log().split("the one before holds").length === 2,
      "what do not belong together are refused",
    );
    expect(subject()).toBe("second");
    await Bun.write(cert, "no certificate");
    own.process.kill("SIGHUP");
    await until(
      () => own.log().split("the one before holds").length === 3,
      "what is no certificate is refused",
    );
    expect(subject()).toBe("second");
    await at.page.getByRole("button", { name: "Stop" }).click();
    await answered(at.page, "stopped");
    await fine(at);
    own.process.kill("SIGTERM");
    expect(await own.process.exited).toBe(0);
  });

  test("a socket in the file system: one that was left is taken over, one that is in use is not", async () => {
    const path = join(folder, "parlor.sock");
    const start = () => startParlor(["--host", `unix:${path}`, "--llama", llama.it.url]);
    const first = await start();
    expect(first.url).toBe(`unix:${path}`);
    const answer = () =>
      fetch("http://parlor/healthz", { unix: path } as RequestInit).then(({ status }) => status);
    expect(await answer()).toBe(200);
    const second = await start().then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(second).toContain("is in use; name another with --host");
    await first.stop(); // killed: its socket is left
    expect(existsSync(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o666);
    // where whoever comes is believed to be a proxy, only our own user and group may
    await (
      await startParlor([
        "--host",
        `unix:${path}2`,
        "--trusted-proxy",
        "unix",
        "--auth",
        "header",
        "--llama",
        llama.it.url,
      ])
    ).stop();
    expect(statSync(`${path}2`).mode & 0o777).toBe(0o660);
    const third = await start();
    expect(await answer()).toBe(200);
    third.process.kill("SIGTERM");
    await third.process.exited;
    expect(existsSync(path)).toBe(false);
  });
});
