// The request gate: every request of Bun.serve. Finds out where a request comes from and who sends it,
// refuses what other sites send, and passes the rest to the pages or to the endpoints beside them.

import type { Server } from "bun";
import type { Auth, Client, Identity } from "../auth/auth.ts";
import { type AddressSet, unixPeer } from "../domain/address.ts";
import type { Refuse } from "../domain/failure.ts";
import {
  checkHost,
  checkOrigin,
  clientOf,
  corsHeaders,
  isHost,
  programHeaders,
  requestIdOf,
  securityHeaders,
} from "../http/guard.ts";
import { isHealthPath } from "../http/ops.ts";
import { refusal } from "../http/refusal.tsx";
import type { Visitor } from "../http/visitor.ts";
import { dialectOf, programRefusal } from "../programs/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { PageEndpoints } from "./page-endpoints.ts";
import type { Arrived, Passing } from "./passing.ts";
import {
  bringsFiles,
  eventsPath,
  isProgramPath,
  isSharedPath,
  isSocketPath,
  keepAliveSeconds,
  pathOf,
  readingSeconds,
  sayPath,
} from "./paths.ts";
import type { ProgramEndpoints } from "./program-endpoints.ts";
import type { SocketData } from "./sockets.ts";

interface GateDependencies {
  readonly auth: Auth;
  readonly pageEndpoints: PageEndpoints;
  readonly programs: ProgramEndpoints;
  readonly pages: { fetch(request: Request, visitor: Visitor): Response | Promise<Response> };
  readonly log: Log;
  readonly refuse: Refuse;
  readonly basePath: string;
  readonly allowOrigins: readonly string[];
  readonly trustedProxies: AddressSet;
  /** parlor speaks TLS itself. */
  readonly isTls: boolean;
  /** Null where this process is alone. */
  readonly passing: Passing | null;
}

export class Gate {
  readonly #dependencies: GateDependencies;

  constructor(dependencies: GateDependencies) {
    this.#dependencies = dependencies;
  }

  /** Answers a request; undefined where it became a WebSocket. Never rejects. */
  async fetch(request: Request, server: Server<SocketData>): Promise<Response | undefined> {
    try {
      server.timeout(request, keepAliveSeconds);
      const arrived = {
        pathname: pathOf(request, this.#dependencies.basePath),
        wire: server.requestIP(request)?.address ?? unixPeer,
      };
      const passed = await this.#pass(request, server, arrived);
      return passed ?? this.#forOrigin(await this.#answer(request, server, arrived), request);
    } catch (error) {
      server.timeout(request, keepAliveSeconds); // an endpoint may have lifted the time-out
      return this.#forOrigin(this.#refusal(error, request), request);
    }
  }

  /** Lets pages of the allowed origins read an answer that pages and programs share. */
  #forOrigin(response: Response | undefined, request: Request): Response | undefined {
    const { basePath, allowOrigins } = this.#dependencies;
    if (response && isSharedPath(pathOf(request, basePath)))
      for (const [name, value] of Object.entries(corsHeaders(request.headers, allowOrigins)))
        response.headers.append(name, value);
    return response;
  }

  /** The answer of another process; null: this one answers. */
  async #pass(request: Request, server: Server<SocketData>, arrived: Arrived): Promise<Response | null> {
    const { passing } = this.#dependencies;
    const timeout = (seconds: number) => server.timeout(request, seconds);
    return (await passing?.request(request, arrived, timeout)) ?? null;
  }

  async #answer(
    request: Request,
    server: Server<SocketData>,
    arrived: Arrived,
  ): Promise<Response | undefined> {
    const { pageEndpoints, programs, pages, basePath, allowOrigins, passing } = this.#dependencies;
    const { headers, method } = request;
    const { pathname, wire } = arrived;
    const client = clientOf(headers, passing?.peerOf(headers, wire) ?? wire, this.#dependencies);
    // health probes may send no Host (HTTP/1.0), or one that is no host
    const isHostlessProbe = isHealthPath(pathname) && !isHost(headers.get("host"));
    if (!isHostlessProbe) checkHost(client.hosts[0] ?? null, allowOrigins);
    const identity = await this.#identify(request, pathname, client);
    if (method !== "GET" && method !== "HEAD")
      checkOrigin(headers, client.hosts, allowOrigins, {
        isAmbient: identity !== null && identity.key === undefined && this.#dependencies.auth.mode !== "none",
      });
    const visitor = { identity, client, request: requestIdOf(headers, client.isProxied), base: basePath };
    const isPassed =
      passing && isSocketPath(pathname) && (await passing.socket(request, server, arrived, visitor));
    if (isPassed) return isPassed === true ? undefined : isPassed;
    if (pathname === "/live") return pageEndpoints.socket(request, server, visitor);
    if (isSocketPath(pathname)) return programs.socket(request, server, visitor);
    if (pathname === eventsPath) return pageEndpoints.events(request, server, visitor);
    if ((pathname === sayPath || isSharedPath(pathname)) && method === "OPTIONS")
      return new Response(null, { status: 204, headers: securityHeaders });
    if (pathname === sayPath && method === "POST") return pageEndpoints.receive(request, visitor);
    if (isProgramPath(pathname)) return programs.request(request, pathname, server, visitor);
    if (method === "POST" && bringsFiles(pathname)) server.timeout(request, readingSeconds);
    const pageRequest = isHostlessProbe ? new Request(`http://localhost${pathname}`, { method }) : request;
    return pages.fetch(pageRequest, visitor);
  }

  /**
   * Who sends the request. Assets and preflights are the same for everybody, so nobody is looked up for them.
   */
  async #identify(request: Request, pathname: string, client: Client): Promise<Identity | null> {
    const { auth } = this.#dependencies;
    if (pathname.startsWith("/assets/") || request.method === "OPTIONS") return null;
    return isProgramPath(pathname) || isSharedPath(pathname)
      ? auth.identifyProgram(request.headers, client)
      : auth.identify(request.headers, client);
  }

  /**
   * The answer to a request that failed, in the form that its sender reads: a program's dialect, a page, or
   * JSON.
   */
  #refusal(error: unknown, request: Request): Response {
    const { log, refuse, basePath, allowOrigins } = this.#dependencies;
    const failure = refuse(error);
    if (failure.code !== "internal") log.warn("refused", { code: failure.code, ...failure.facts });
    const pathname = pathOf(request, basePath);
    if (!isProgramPath(pathname) || isSocketPath(pathname))
      return refusal(failure, request.headers, basePath);
    const cors = corsHeaders(request.headers, allowOrigins);
    return programRefusal(failure, dialectOf(pathname, request.headers), { ...programHeaders, ...cors });
  }
}
