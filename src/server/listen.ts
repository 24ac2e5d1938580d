// Where parlor is reached: an address and a port, or a socket in the file system; TLS of its own, whose
// certificate is read again when it is told to. Beside main, and used by it alone.

import { chmodSync, lstatSync, readFileSync, rmSync } from "node:fs";
import type { App } from "../app.ts";
import { CommandError } from "../config/arguments.ts";
import { securityHeaders } from "../http/guard.ts";

interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /**
   * Whoever comes over the socket in the file system is believed to be a proxy: then it is not for everybody
   * on this machine.
   */
  readonly isSocketTrusted: boolean;
}

export interface Listening {
  /** As a browser opens it; `unix:/PATH` for a socket in the file system. */
  readonly address: string;
  /**
   * Takes the certificate and its key anew; what is open stays.
   * @throws when they can't be used: then the old ones hold
   */
  renew(): void;
  stop(): Promise<void>;
}

const unixPrefix = "unix:";

/**
 * Finds out whether what is listened on is free and the certificate is one, and lets it go again.
 * @throws CommandError
 */
export async function tryToListen({
  host,
  port,
  tls,
}: Pick<ListenOptions, "host" | "port" | "tls">): Promise<void> {
  if (host.startsWith(unixPrefix)) return makeRoom(host.slice(unixPrefix.length));
  try {
    const pair = tls && pairOf(tls);
    const what = {
      hostname: host,
      port,
      reusePort: false,
      development: false,
      ...(pair && { tls: pair }),
      fetch: () => new Response(null, { status: 503 }),
    };
    await Bun.serve(what).stop(true);
  } catch (error) {
    throw cannotListen(error, `${host}:${port}`, { host, port });
  }
}

/**
 * Serves `app`.
 * @throws CommandError when that can't be: the address is in use, the certificate no certificate
 */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { host, port, basePath, tls } = options;
  const path = host.startsWith(unixPrefix) ? host.slice(unixPrefix.length) : null;
  if (path !== null) await makeRoom(path);
  const serve = (at: number, pair: Pair | null) => {
    const server = Bun.serve({
      // with `development: false` Bun shares a port that is in use, without a word
      ...(path === null ? { hostname: host, port: at, reusePort: false } : { unix: path }),
      ...(pair && { tls: pair }),
      development: false,
      // bodies.ts reads each within its own bound, and what is not read is not kept
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: app.fetch,
      websocket: app.websocket,
      error: () => new Response("Internal error\n", { status: 500, headers: securityHeaders }),
    } as Parameters<typeof Bun.serve>[0]) as Bun.Server<unknown>;
    // as a port of this machine: whoever is on it may come, and is asked who they are. Where a name in a
    // header is believed, our own group's alone may
    if (path !== null) chmodSync(path, options.isSocketTrusted ? 0o660 : 0o666);
    return server;
  };
  let servers: Bun.Server<unknown>[];
  try {
    servers = [serve(port, tls && pairOf(tls))];
  } catch (error) {
    throw cannotListen(error, path === null ? `${host}:${port}` : host, { host, port });
  }
  const chosen = servers[0]?.port ?? 0;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    address: path === null ? `${tls ? "https" : "http"}://${shown}:${chosen}${basePath}` : host,
    renew() {
      if (!tls) return;
      const pair = pairOf(tls);
      tryOut(pair); // before the port is let go: the key may be another's
      // Bun keeps the certificate that a server began with: another takes its place at the address, and what
      // the old one has open stays open
      for (const server of servers) void server.stop(false);
      servers = [...servers.slice(-1), serve(chosen, pair)];
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop(true)));
      if (path !== null) rmSync(path, { force: true });
    },
  };
}

function cannotListen(
  error: unknown,
  what: string,
  { host, port }: Pick<ListenOptions, "host" | "port">,
): CommandError {
  const isTaken = (error as { code?: string }).code === "EADDRINUSE";
  return new CommandError(
    isTaken
      ? `port ${port} of ${host} is in use; choose another with --port`
      : `can't listen on ${what}: ${(error as Error).message}`,
    1,
  );
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** @throws when a file can't be read, or they are no certificate and its key */
function pairOf({ cert, key }: Pair): Pair {
  const pair = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  if (!pair.cert.includes("-----BEGIN CERTIFICATE-----"))
    throw new Error(`${cert} holds no certificate (PEM)`);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pair.key))
    throw new Error(`${key} holds no private key (PEM)`);
  return pair;
}

/** @throws when nobody can speak TLS with them */
function tryOut(pair: Pair): void {
  void Bun.serve({ hostname: "127.0.0.1", port: 0, tls: pair, fetch: () => new Response() }).stop(true);
}

/**
 * Takes away the socket of a parlor that is gone; one that somebody listens on stays.
 * @throws CommandError
 */
async function makeRoom(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket())
      throw new CommandError(`${path} is there, and is no socket; name another`, 1);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    return;
  }
  const answers = await Bun.connect({ unix: path, socket: { data() {} } }).then(
    (socket) => {
      socket.end();
      return true;
    },
    () => false,
  );
  if (answers) throw new CommandError(`${path} is in use; name another with --host`, 1);
  rmSync(path);
}
