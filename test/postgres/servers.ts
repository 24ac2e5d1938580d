// Private servers on loopback for one test file: PostgreSQL, Redis, pgbouncer. They end with the process that
// started them, also when that is killed.

import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const nobody = 65534;
const isRoot = process.getuid?.() === 0;

export interface Server {
  readonly port: number;
  /** Kills the process and its files. */
  close(): Promise<void>;
}

export interface PostgresServer extends Server {
  /** Makes an empty database, or a copy of the database `template`. Returns its address. */
  database(template?: string): Promise<string>;
  /** The address of a database, here or at another port that leads here. */
  url(database: string, port?: number): string;
  stop(mode: "fast" | "immediate"): Promise<void>;
  start(): Promise<void>;
}

/** The folder with programs and an empty cluster. */
async function folder(): Promise<{ root: string; cluster: string; libraries: string }> {
  const made = await run([join(import.meta.dir, "servers")], {});
  const root = join(made.trim(), "root");
  const glob = new Bun.Glob("usr/lib/*-linux-gnu*").scan({ cwd: root, onlyFiles: false, absolute: true });
  return { root, cluster: join(made.trim(), "cluster"), libraries: (await Array.fromAsync(glob)).join(":") };
}

/** Starts a PostgreSQL without durability: quick, and empty when it is started the next time. */
export async function startPostgres(): Promise<PostgresServer> {
  const { root, cluster, libraries } = await folder();
  const [home, env] = [privateFolder("postgres"), { LD_LIBRARY_PATH: libraries }];
  const data = join(home, "data");
  await run(["cp", "-a", cluster, data], env);
  const port = freePort();
  const program = (name: string) => join(root, "usr/lib/postgresql/15/bin", name);
  const settings = ["fsync=off", "full_page_writes=off", "jit=off", "max_connections=60"];
  settings.push("listen_addresses=127.0.0.1", `unix_socket_directories=${home}`);
  const options = `-p ${port} ${settings.map((each) => `-c ${each}`).join(" ")}`;
  const control = (...args: string[]) =>
    run(asNobody([program("pg_ctl"), "-D", data, "-l", join(home, "log"), "-w", "-s", ...args]), env);
  const url = (name: string, at = port) => `postgres://parlor@127.0.0.1:${at}/${name}`;
  const start = () => control("start", "-o", options).then(() => undefined);
  const stopping = [program("pg_ctl"), "-D", data, "-m", "immediate", "-s", "stop"];
  const watchdog = endWithUs(home, asNobody(stopping), env);
  await start();
  let databases = 0;
  return {
    ...{ port, url, start },
    stop: (mode) => control("stop", "-m", mode).then(() => undefined),
    async database(template = "template1") {
      const name = `test_${++databases}`;
      const sql = `create database ${name} template ${template}`;
      await run([program("psql"), "-q", "-X", "-d", url("postgres"), "-c", sql], env);
      return url(name);
    },
    close: watchdog.end,
  };
}

export interface RedisServer extends Server {
  readonly url: string;
  restart(): Promise<void>;
  /** It answers nobody for so long. Resolves after that. */
  pause(ms: number): Promise<void>;
}

/** Starts a Redis without persistence. */
export async function startRedis(): Promise<RedisServer> {
  const { root, libraries } = await folder();
  const [home, env, port] = [privateFolder("redis"), { LD_LIBRARY_PATH: libraries }, freePort()];
  const program = join(root, "usr/bin/redis-server");
  const settings = [
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--enable-debug-command",
    "yes",
  ];
  const command = [program, "--port", String(port), ...settings];
  let running = serve(home, asNobody(command), env);
  await listening(port);
  return {
    ...{ port, url: `redis://127.0.0.1:${port}` },
    async restart() {
      await running.end();
      running = serve(privateFolder("redis"), asNobody(command), env);
      await listening(port);
    },
    async pause(ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const socket = { data: () => resolve(), close: () => resolve() };
      const sent = await Bun.connect({ hostname: "127.0.0.1", port, socket });
      sent.write(`DEBUG SLEEP ${ms / 1_000}\r\n`);
      await promise;
      sent.end();
    },
    close: () => running.end(),
  };
}

/** Starts a pgbouncer before a PostgreSQL: connections are lent for a transaction. */
export async function startBouncer(postgres: number): Promise<Server> {
  const { root, libraries } = await folder();
  const [home, env, port] = [privateFolder("pgbouncer"), { LD_LIBRARY_PATH: libraries }, freePort()];
  const settings = {
    ...{ listen_addr: "127.0.0.1", listen_port: port, unix_socket_dir: "", auth_type: "any" },
    ...{ pool_mode: "transaction", default_pool_size: 4, max_client_conn: 200 },
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  const file = join(home, "pgbouncer.ini");
  const databases = `* = host=127.0.0.1 port=${postgres} user=parlor`;
  writeFileSync(file, `[databases]\n${databases}\n[pgbouncer]\n${lines.join("")}`);
  const running = serve(home, asNobody([join(root, "usr/sbin/pgbouncer"), "-q", file]), env);
  await listening(port);
  return { port, close: running.end };
}

/** A port that nothing listens at. */
export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

/** Waits until something accepts connections. */
async function listening(port: number): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    const open = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).catch(() => null);
    open?.end();
    if (open) return;
    if (Date.now() > until) throw new Error(`nothing listens at port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A folder that the unprivileged server may use. */
function privateFolder(name: string): string {
  const home = mkdtempSync(join(tmpdir(), `parlor-${name}-`));
  if (isRoot) chownSync(home, nobody, nobody);
  return home;
}

const asNobody = (command: readonly string[]): string[] =>
  isRoot
    ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--", ...command]
    : [...command];

type Environment = Readonly<Record<string, string>>;

/** Its standard output. @throws Error with what it said, when it fails */
async function run(command: readonly string[], env: Environment): Promise<string> {
  const output = Bun.file(join(tmpdir(), `parlor-run-${process.pid}-${Math.random()}`));
  // into a file: a server that the command leaves running would keep a pipe open
  const child = Bun.spawn([...command], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: output },
    env: { ...process.env, ...env },
  });
  const [said, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  const problem = (await output.exists()) ? await output.text() : "";
  rmSync(output.name as string, { force: true });
  if (code !== 0) throw new Error(`${command.join(" ")} failed: ${problem || said}`);
  return said;
}

/** A shell that reads our end of a pipe: when this process ends, however it does, the pipe closes. */
const waitForTheEnd = 'trap "" INT TERM HUP; read -r _';

/** Runs `stop` and removes `home` when this process ends, or `end` is called. */
function endWithUs(home: string, stop: readonly string[], env: Environment): { end(): Promise<void> } {
  const script = `${waitForTheEnd}; home=$1; shift; "$@"; rm -rf "$home"`;
  return spawned(["sh", "-c", script, "sh", home, ...stop], env);
}

/** Runs a program that stays in the foreground until this process ends, or `end` is called. */
function serve(home: string, command: readonly string[], env: Environment): { end(): Promise<void> } {
  const start = 'home=$1; shift; cd "$home"; "$@" >log 2>&1 </dev/null & program=$!';
  const script = `${start}; ${waitForTheEnd}; kill -CONT $program; kill -KILL $program; rm -rf "$home"`;
  return spawned(["sh", "-c", script, "sh", home, ...command], env);
}

function spawned(command: string[], env: Environment): { end(): Promise<void> } {
  const child = Bun.spawn(command, {
    ...{ stdin: "pipe", stdout: "ignore", stderr: "ignore" },
    env: { ...process.env, ...env },
  });
  child.unref();
  return {
    async end() {
      await child.stdin.end();
      await child.exited;
    },
  };
}
