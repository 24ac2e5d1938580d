// Listening: on an address and a port, or on a Unix socket; with TLS, whose certificate can be reloaded.

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
   * Connections over the Unix socket are a trusted proxy's: then not everybody on this machine may open it.
   */
  readonly isSocketTrusted: boolean;
}

export interface Listening {
  /** The address for a browser; `unix:/PATH` for a Unix socket. */
  readonly address: string;
  /**
   * Reloads the certificate and its key. Open connections stay.
   * @throws if they can't be used; then the old ones stay in use
   */
  reloadCertificate(): void;
  stop(): Promise<void>;
}

const unixPrefix = "unix:";

/**
 * Checks that the address is free and the certificate is valid, and releases the address again.
 * @throws CommandError
 */
export async function tryToListen({
  host,
  port,
  tls,
}: Pick<ListenOptions, "host" | "port" | "tls">): Promise<void> {
  if (host.startsWith(unixPrefix)) return removeStaleSocket(host.slice(unixPrefix.length));
  try {
    const pair = tls && readKeyPair(tls);
    const trial = {
      hostname: host,
      port,
      reusePort: false,
      development: false,
      ...(pair && { tls: pair }),
      fetch: () => new Response(null, { status: 503 }),
    };
    await Bun.serve(trial).stop(true);
  } catch (error) {
    throw cannotListen(error, `${host}:${port}`, { host, port });
  }
}

/** Serves `app`. @throws CommandError if the address is in use or the certificate is not valid */
export async function listen(app: App, options: ListenOptions): Promise<Listening> {
  const { host, port, basePath, tls } = options;
  const path = host.startsWith(unixPrefix) ? host.slice(unixPrefix.length) : null;
  if (path !== null) await removeStaleSocket(path);
  const serve = (port: number, pair: KeyPair | null) => {
    const server = Bun.serve({
      // with `development: false`, Bun silently shares a port that is in use unless `reusePort` is false
      ...(path === null ? { hostname: host, port, reusePort: false } : { unix: path }),
      ...(pair && { tls: pair }),
      development: false,
      // bodies.ts bounds each body as it reads it, and a body that is not read is not kept
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: app.fetch,
      websocket: app.websocket,
      error: () => new Response("Internal error\n", { status: 500, headers: securityHeaders }),
    } as Parameters<typeof Bun.serve>[0]) as Bun.Server<unknown>;
    // Like a port of this machine, the socket is open to all its users, who are then identified. If headers
    // of the socket's connections are believed, only parlor's own user and group may open it.
    if (path !== null) chmodSync(path, options.isSocketTrusted ? 0o660 : 0o666);
    return server;
  };
  let servers: Bun.Server<unknown>[];
  try {
    servers = [serve(port, tls && readKeyPair(tls))];
  } catch (error) {
    throw cannotListen(error, path === null ? `${host}:${port}` : host, { host, port });
  }
  const boundPort = servers[0]?.port ?? 0;
  const hostInUrl = host.includes(":") ? `[${host}]` : host;
  return {
    address: path === null ? `${tls ? "https" : "http"}://${hostInUrl}:${boundPort}${basePath}` : host,
    reloadCertificate() {
      if (!tls) return;
      const pair = readKeyPair(tls);
      checkPair(pair); // before the port is released: the key may belong to another certificate
      // A server of Bun keeps its first certificate. So a new server takes its place at the address, and the
      // old one keeps its open connections.
      for (const server of servers) void server.stop(false);
      servers = [...servers.slice(-1), serve(boundPort, pair)];
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop(true)));
      if (path !== null) rmSync(path, { force: true });
    },
  };
}

function cannotListen(
  error: unknown,
  address: string,
  { host, port }: Pick<ListenOptions, "host" | "port">,
): CommandError {
  const isTaken = (error as { code?: string }).code === "EADDRINUSE";
  return new CommandError(
    isTaken
      ? `port ${port} of ${host} is in use; choose another with --port`
      : `can't listen on ${address}: ${(error as Error).message}`,
    1,
  );
}

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Reads a certificate and its key. @throws if a file can't be read, or holds neither */
function readKeyPair({ cert, key }: KeyPair): KeyPair {
  const pair = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  if (!pair.cert.includes("-----BEGIN CERTIFICATE-----"))
    throw new Error(`${cert} holds no certificate (PEM)`);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pair.key))
    throw new Error(`${key} holds no private key (PEM)`);
  return pair;
}

/** @throws if TLS can't be served with them */
function checkPair(pair: KeyPair): void {
  void Bun.serve({ hostname: "127.0.0.1", port: 0, tls: pair, fetch: () => new Response() }).stop(true);
}

/**
 * Removes the Unix socket of a parlor that has ended.
 * @throws CommandError if a process still listens on it
 */
async function removeStaleSocket(path: string): Promise<void> {
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
