// A house of several parlors, as it is run: three executables on one PostgreSQL (and a Redis, where a test
// wants one), two llama-servers, and an nginx that sends each connection to the next of them.

import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { type Parlor, startParlor } from "../e2e/stage.ts";
import { freePort, type Llama, startLlama, until } from "../llama/server.ts";
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from "../postgres/servers.ts";
import { openWire, type Wire } from "../postgres/wire.ts";

export interface Process {
  readonly url: string;
  /** The balancer, which sends to this process whatever it can, and the rest to the others. */
  readonly through: string;
  /** Its way to PostgreSQL. */
  readonly wire: Wire;
  /** The executable that runs now. */
  readonly parlor: Parlor;
  kill(signal: NodeJS.Signals): void;
  readonly isAlive: boolean;
  /** Mends its way to PostgreSQL, wakes it up, and starts it again if it has ended. */
  again(): Promise<void>;
}

/** The process that leads, and those that answer and say so. */
export interface Leading {
  readonly leader: Process;
  readonly followers: readonly Process[];
}

export interface House {
  readonly processes: readonly Process[];
  readonly llamas: readonly Llama[];
  readonly postgres: PostgresServer;
  readonly database: string;
  /** The folder of data that all have in common. */
  readonly data: string;
  readonly redis: RedisServer | null;
  /** The balancer. */
  readonly url: string;
  /** The balancer, for which there are no WebSockets. */
  readonly withoutSockets: string;
  /** Null while none leads. */
  leader(): Promise<Leading | null>;
  /** Waits until another process leads than this one, and one follows it. */
  leaderAfter(before: Process): Promise<Leading>;
  /** Slots that the llama-servers themselves show as busy. */
  busySlots(): Promise<number>;
  /** Starts the processes again that have ended, as a supervisor would, and waits until all follow one. */
  whole(): Promise<void>;
  close(): Promise<void>;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
const key = "a-secret-of-this-house";
/**
 * The lease that is offered by default, in ms. A machine with more than twice as many busy programs as processors lets a
 * process stand still for longer than that: there it is four times as long.
 */
export const leaseMs = (loadavg()[0] as number) > 2 * cpus().length ? 12_000 : 3_000;

export async function startHouse(
  options: { redis?: boolean; args?: readonly string[]; slotTokens?: number; leaseMs?: number } = {},
): Promise<House> {
  const { args = [], slotTokens = 8_000 } = options;
  const lease = String(options.leaseMs ?? leaseMs);
  const [postgres, redis] = await Promise.all([startPostgres(), options.redis ? startRedis() : null]);
  const llamaArgs = ["-c", String(2 * slotTokens), "-np", "2"];
  const llamas = await Promise.all([startLlama({ args: llamaArgs }), startLlama({ args: llamaArgs })]);
  const database = await postgres.database();
  const name = database.slice(database.lastIndexOf("/") + 1);
  const data = mkdtempSync(join(tmpdir(), "parlor-house-"));
  const start = async (port: number, wire: Wire) =>
    startParlor([
      ...["--port", String(port), "--data", data],
      ...["--db", postgres.url(name, wire.port), ...(redis ? ["--bus", redis.url] : [])],
      ...["--cluster-url", urlOf(port), "--cluster-key", key, "--lease-ms", lease],
      ...llamas.flatMap(({ url }) => ["--llama", url]),
      ...["--trusted-proxy", "127.0.0.1", "--poll-ready-ms", "200", "--grace-ms", "2000", ...args],
    ]);
  const ports = [freePort(), freePort(), freePort()];
  const balancer = await startBalancer(ports);
  const processes = await Promise.all(
    ports.map((port, i) =>
      startProcess(start, { port, through: balancer.through[i] as string, wire: openWire(postgres.port) }),
    ),
  );
  const leader = async (): Promise<Leading | null> => {
    const told = await Promise.all(processes.map(async (each) => ({ each, ...(await ledBy(each.url)) })));
    const { url = null } = told.toSorted((a, b) => b.term - a.term)[0] ?? {};
    const found = processes.find((each) => each.url === url && each.isAlive);
    if (!found) return null;
    const following = told.filter((each) => each.each !== found && each.url === url);
    return { leader: found, followers: following.map(({ each }) => each) };
  };
  const isWhole = async () => (await leader())?.followers.length === processes.length - 1;
  await until(isWhole, "all processes follow one");
  return {
    ...{ processes, llamas, postgres, redis, database, data, leader },
    ...{ url: balancer.url, withoutSockets: balancer.withoutSockets },
    async leaderAfter(before) {
      let now: Leading | null = null;
      const isAnother = async () => {
        now = await leader();
        return now !== null && now.leader !== before && now.followers.length > 0;
      };
      await until(isAnother, "another process leads");
      return now as unknown as Leading;
    },
    async busySlots() {
      return (await Promise.all(llamas.map((llama) => llama.busySlots()))).reduce((sum, n) => sum + n, 0);
    },
    async whole() {
      const isMended = async () => {
        // one that has just woken up ends a moment later
        await Promise.all(processes.map((each) => each.again()));
        return isWhole();
      };
      await until(isMended, "all processes follow one");
    },
    async close() {
      balancer.stop();
      for (const { parlor, wire } of processes) {
        await parlor.stop();
        wire.close();
      }
      await Promise.all([...llamas.map((llama) => llama.stop()), postgres.close(), redis?.close()]);
    },
  };
}

/** The conversation that a page is about. */
export const conversationOf = (page: Page): string =>
  new URL(page.url()).pathname.split("/").at(-1) as string;

/** The stored text of the last answer, as a process tells it. */
export async function storedText(at: Process, conversation: string): Promise<string> {
  const file = await (await fetch(`${at.url}/c/${conversation}/export.json`)).json();
  return (file as { messages: { text: string }[] }).messages.at(-1)?.text ?? "";
}

async function startProcess(
  start: (port: number, wire: Wire) => Promise<Parlor>,
  { port, through, wire }: { port: number; through: string; wire: Wire },
) {
  let parlor = await start(port, wire);
  const isAlive = () => parlor.process.exitCode === null && parlor.process.signalCode === null;
  return {
    ...{ url: urlOf(port), through, wire },
    get parlor() {
      return parlor;
    },
    get isAlive() {
      return isAlive();
    },
    kill: (signal: NodeJS.Signals) => parlor.process.kill(signal),
    async again() {
      wire.thaw();
      wire.accept();
      parlor.process.kill("SIGCONT");
      if (!isAlive()) parlor = await start(port, wire);
    },
  };
}

/** Who leads, and in which term, as this process says; term 0 when it does not know, or does not answer. */
async function ledBy(url: string): Promise<{ url: string | null; term: number }> {
  const signal = AbortSignal.timeout(1_000);
  const answer = await fetch(`${url}/readyz`, { signal }).catch(() => null);
  const { leader = null, term = 0 } = ((await answer?.json().catch(() => null)) ?? {}) as {
    leader?: string | null;
    term?: number;
  };
  return { url: leader, term };
}

interface Balancer {
  readonly url: string;
  readonly withoutSockets: string;
  /** For each process the address that prefers it. */
  readonly through: readonly string[];
  stop(): void;
}

/** An nginx without stickiness; a process that does not answer is tried again after a second. */
async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const program = Bun.which("nginx") ?? "/usr/sbin/nginx";
  if (!existsSync(program)) throw new Error("install nginx (Debian: apt-get install nginx-light)");
  const folder = mkdtempSync(join(tmpdir(), "parlor-balancer-"));
  const [port, withoutSockets, through] = [freePort(), freePort(), ports.map(() => freePort())];
  const servers = (other: (i: number) => string) =>
    ports.map((to, i) => `server 127.0.0.1:${to} max_fails=1 fail_timeout=1s${other(i)};`).join(" ");
  const preferring = ports.map((_, first) => servers((i) => (i === first ? "" : " backup")));
  const server = (at: number, upstream: string, upgrade = "$http_upgrade") => `server {
        listen 127.0.0.1:${at};
        location / {
          proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
          proxy_connect_timeout 2s; proxy_next_upstream error timeout;
          proxy_set_header Upgrade ${upgrade}; proxy_set_header Connection $connection_upgrade;
          proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
        }
      }`;
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit; events {}
    http {
      access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      upstream parlors { ${servers(() => "")} }
      ${preferring.map((each, i) => `upstream parlors${i} { ${each} }`).join("\n")}
      ${server(port, "parlors")}
      ${server(withoutSockets, "parlors", "''")}
      ${through.map((at, i) => server(at, `parlors${i}`)).join("\n")}
    }`,
  );
  const nginx = Bun.spawn([program, "-c", join(folder, "nginx.conf")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  process.on("exit", () => nginx.kill());
  const url = urlOf(port);
  await until(async () => (await fetch(url).catch(() => null)) !== null, "nginx is there");
  return {
    ...{ url, withoutSockets: urlOf(withoutSockets), through: through.map(urlOf) },
    stop: () => nginx.kill(),
  };
}
