// Who takes part in bench/relay.ts: the source itself, nginx, llama-server's router, a relay of the tutorial's shape, and parlor by its three doors.
// Each is started here with its usual settings for streaming, on loopback, and ended with the benchmark.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { freePort, until } from "../test/llama/server.ts";
import { executable, type StartedParlor, startParlor } from "./parlor.ts";
import { root, start } from "./process.ts";
import { markdownAnswer } from "./source.ts";

export interface Contender {
  readonly name: string;
  /** How bench/wire.cpp reads from it. */
  readonly way: "sse" | "chat" | "page";
  readonly port: number;
  readonly path?: string;
  readonly model?: string;
  /** Whose processor time counts; null for the source, which is no relay. */
  readonly pid: number | null;
  /** A thread for each request: what it used is counted in ticks of 10 ms alone once it has ended. */
  readonly hasPassingThreads?: true;
}

const folder = mkdtempSync(join(tmpdir(), "parlor-relay-"));

/** Compiles both ends of the benchmark. */
export function compileWire(): string {
  const program = join(root, ".cache/wire");
  const built = Bun.spawnSync(["c++", "-O2", "-std=c++17", "-o", program, join(root, "bench/wire.cpp")], {
    stderr: "inherit",
  });
  if (!built.success) throw new Error("bench/wire.cpp does not compile");
  return program;
}

/** What the source recites: an answer as models write them, in which the words between others are stamps. */
function recital(): string {
  const file = join(folder, "recital.txt");
  const lines = markdownAnswer(4_000).split("\n");
  const isProse = /^[A-Z]/;
  writeFileSync(
    file,
    `@ ${lines.map((line) => (isProse.test(line) ? line.replace(/(?<= )[a-z]{3,}(?= )/g, "@") : line)).join("\n")}`,
  );
  return file;
}

export async function startSource(wire: string): Promise<Contender> {
  const { line, process } = await start([wire, "source", recital()]);
  return { name: "direct", way: "sse", port: Number(line), pid: process.pid };
}

/** nginx as people put it before a stream of events: no buffering, one worker. Null where it is not installed. */
export async function startNginx(source: Contender): Promise<Contender | null> {
  const to = `proxy_pass http://127.0.0.1:${source.port}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off`;
  const started = await startNginxWith(
    (port) =>
      `server { listen 127.0.0.1:${port} backlog=4096; location / { ${to}; proxy_read_timeout 600s; } }`,
  );
  return started && { name: "nginx", way: "sse", port: started.port, pid: started.process.pid };
}

/** nginx with these servers on a free port. Null where it is not installed. */
export async function startNginxWith(
  servers: (port: number) => string,
): Promise<{ port: number; process: Bun.Subprocess } | null> {
  const program = Bun.which("nginx") ?? (existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : null);
  if (!program) return null;
  const port = freePort();
  const config = join(folder, `nginx-${port}.conf`);
  const scratch = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${port}-${name};`)
    .join(" ");
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder}/nginx-${port}.pid; error_log stderr crit;
events { worker_connections 8192; }
http { access_log off; client_max_body_size 8m; ${scratch} ${servers(port)} }
`,
  );
  const child = Bun.spawn([program, "-c", config], { stdout: "ignore", stderr: "ignore" });
  process.on("exit", () => child.kill("SIGKILL"));
  await until(
    async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true,
    "nginx is ready",
  );
  return { port, process: child };
}

/** llama-server in router mode, its real program; the child that it starts for the model is the source, so that the pace is the same. */
export async function startRouter(wire: string): Promise<Contender> {
  const real = process.env["LLAMA_SERVER"] as string;
  const beside = join(folder, "router");
  mkdirSync(join(beside, "models"), { recursive: true });
  for (const library of new Bun.Glob("*.so*").scanSync(dirname(real)))
    symlinkSync(join(dirname(real), library), join(beside, library));
  const program = join(beside, basename(real));
  cpSync(real, program);
  cpSync(join(root, ".cache/parrot.gguf"), join(beside, "models/source.gguf"));
  const port = freePort();
  const child = Bun.spawn(
    [program, "--models-dir", join(beside, "models"), "--host", "127.0.0.1", "--port", String(port)],
    {
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  process.on("exit", () => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await until(
    async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true,
    "the router is ready",
  );
  rmSync(program); // the router has looked up its own path by now, and starts what is there then
  const script = `#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --port ] && port=$2; shift; done
(sleep 0.5; printf '\\ncmd_child_to_router:state:{"state":"ready","payload":{}}\\n') &
exec ${wire} source ${recital()} --port "$port" --ends-with-input 1
`;
  writeFileSync(program, script, { mode: 0o755 });
  await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      model: "source",
      stream: true,
      messages: [{ role: "user", content: '{"tokens":1,"perSecond":0}' }],
    }),
  }).then((response) => response.text());
  return {
    name: "llama-server's router",
    way: "sse",
    port,
    model: "source",
    pid: child.pid,
    hasPassingThreads: true,
  };
}

const wsVersion = "8.18.3";

/** The tutorial's shape in Node; ws is fetched from the npm registry into .cache. */
export async function startTutorialRelay(source: Contender): Promise<Contender> {
  const modules = join(root, ".cache/bench");
  if (!existsSync(join(modules, "node_modules/ws"))) {
    const installed = Bun.spawnSync(["npm", "install", "--silent", "--prefix", modules, `ws@${wsVersion}`], {
      stdout: "inherit",
      stderr: "inherit",
    });
    if (!installed.success) throw new Error("ws could not be fetched");
  }
  const { line, process } = await start([
    "node",
    join(root, "bench/tutorial-relay.js"),
    `http://127.0.0.1:${source.port}`,
    `${modules}/`,
  ]);
  return {
    name: "tutorial's relay (Node, ws)",
    way: "chat",
    path: "/",
    port: Number(line),
    pid: process.pid,
  };
}

/** parlor for a crowd: every stream may have a person of its own, and no bound is in the way. */
export function startCrowdedParlor(llamaUrl: string, program: string = executable): Promise<StartedParlor> {
  const people = ["--auth", "header", "--trusted-proxy", "127.0.0.1"];
  const bounds = ["--sockets-max-per-address", "100000", "--queue-max-runs", "10000", "--slots-max", "1000"];
  return startParlor([llamaUrl], [...people, ...bounds], [program]);
}

/** parlor by its three doors, in one process; another executable where one is named. */
export async function startDoors(
  source: Contender,
  other?: { readonly name: string; readonly program: string },
): Promise<Contender[]> {
  const { port, pid } = await startCrowdedParlor(`http://127.0.0.1:${source.port}`, other?.program);
  const name = other?.name ?? "parlor";
  return [
    { name: `${name} /v1`, way: "sse", port, pid },
    { name: `${name} /chat`, way: "chat", port, pid },
    { name: `${name} page, Markdown`, way: "page", port, pid },
  ];
}
