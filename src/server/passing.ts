// Which requests and sockets another process must answer, and what passes them on. How that is done is in
// cluster/pass.

import type { Server } from "bun";
import { isSameSecret } from "../auth/secrets.ts";
import type { Membership } from "../cluster/cluster.ts";
import { type Exchange, Exchanges } from "../cluster/exchanges.ts";
import { isUnsent, keyHeader, type PassedOn, passRequest, passSocket, peerHeader } from "../cluster/pass.ts";
import { Failure } from "../domain/failure.ts";
import { isTemporary } from "../domain/id.ts";
import { urlOf } from "../http/base.ts";
import type { Visitor } from "../http/visitor.ts";
import { PassedSocket } from "./passed-socket.ts";
import { isProgramPath, isSocketPath, keepAliveSeconds, sayPath } from "./paths.ts";
import { type SocketData, type Sockets, socketDataOf } from "./sockets.ts";

/** The processes of a house, as its gate sees them. */
export interface GateHouse {
  readonly membership: Membership;
  /** The secret of the processes; null: there is only one. */
  readonly key: string | null;
  /** Most requests that are passed on at once. */
  readonly passedMax: number;
  /** Answers another process. */
  answer(url: URL): Promise<Response>;
}

/** A request as it came. */
export interface Arrived {
  /** Its path below the base path. */
  readonly pathname: string;
  /** Address of its connection. */
  readonly wire: string;
}

/** Time between two looks for the process that leads after one that has ended, in ms. */
const againMs = 100;

export class Passing {
  readonly #house: GateHouse;
  readonly #sockets: Pick<Sockets, "upgrade">;
  readonly #exchanges: Exchanges;
  /** Requests of programs that are passed on and are not over. */
  readonly #programs = new Set<Exchange>();
  #isClosed = false;

  constructor(house: GateHouse, sockets: Pick<Sockets, "upgrade">) {
    this.#house = house;
    this.#sockets = sockets;
    this.#exchanges = new Exchanges({ membership: house.membership, requestsMax: house.passedMax });
  }

  /** True if another process of the house has sent the request. */
  isFromProcess(headers: Headers): boolean {
    const { key } = this.#house;
    const given = headers.get(keyHeader);
    return key !== null && given !== null && isSameSecret(given, key);
  }

  /** The address that a request came from: another process tells that of its client. */
  peerOf(headers: Headers, wire: string): string {
    return (this.isFromProcess(headers) && headers.get(peerHeader)) || wire;
  }

  /**
   * Answers a request that another process must answer, or has sent for itself; null: it is answered here.
   * Sockets are passed on by `socket`, once it is known whose they are. `timeout` sets Bun's time-out for
   * silence, which is lifted until the request is over: the other process knows how long it may take.
   * @throws Failure `no_leader`, `queue_full`, `shutting_down`
   */
  async request(
    request: Request,
    arrived: Arrived,
    timeout: (seconds: number) => void,
  ): Promise<Response | null> {
    const { key, answer } = this.#house;
    const { pathname } = arrived;
    if (key === null) return null;
    const isInner = this.isFromProcess(request.headers);
    if (isInner && pathname.startsWith("/cluster/"))
      return answer(new URL(pathname + urlOf(request).search, "http://process"));
    if (isSocketPath(pathname) && isUpgrade(request)) return null;
    const passed = this.#passedOn(request, key, arrived);
    for (;;) {
      const { term } = this.#house.membership;
      const to = pathname === sayPath ? this.#holderOf(request) : await this.#leaderFor(request, pathname);
      if (to === null) return null;
      if (isInner) throw new Failure("no_leader"); // it was passed on already
      if (this.#isClosed) throw new Failure("shutting_down");
      const exchange = this.#exchanges.request(to);
      timeout(0);
      if (isProgramPath(pathname)) this.#programs.add(exchange);
      const end = () => {
        exchange.end();
        this.#programs.delete(exchange);
        timeout(keepAliveSeconds);
      };
      try {
        return await passRequest(request, passed, { ...exchange, end });
      } catch (error) {
        // a process that has ended leads until its lease is over
        if (pathname === sayPath || !isUnsent(error) || !(await this.#isFollowed(term, request.signal)))
          throw error;
      }
    }
  }

  /** Passes nothing more on. Resolves when the answers to programs are over, or after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    const until = performance.now() + graceMs;
    while (this.#programs.size > 0 && performance.now() < until) await Bun.sleep(againMs / 2);
  }

  /** True once there is a leader after that of a term; false if that takes too long. */
  async #isFollowed(term: number, signal: AbortSignal): Promise<boolean> {
    const { membership } = this.#house;
    const until = performance.now() + membership.patienceMs;
    while (!signal.aborted && performance.now() < until) {
      if (membership.isLeading || (membership.leader !== null && membership.term !== term)) return true;
      await Bun.sleep(againMs);
    }
    return false;
  }

  /** Passes a WebSocket on; false: it is opened here. @throws Failure as `request`, `too_many_sockets` */
  async socket(
    request: Request,
    server: Server<SocketData>,
    arrived: Arrived,
    visitor: Visitor,
  ): Promise<Response | boolean> {
    const { key } = this.#house;
    const to = key === null ? null : await this.#leaderFor(request, arrived.pathname);
    if (to === null || key === null) return false;
    if (this.isFromProcess(request.headers)) throw new Failure("no_leader");
    if (this.#isClosed) throw new Failure("shutting_down");
    const passed = this.#passedOn(request, key, arrived);
    const exchange = this.#exchanges.socket(to);
    const { socket, opened } = passSocket(request, passed, exchange);
    const handler = new PassedSocket(socket, exchange);
    if (!(await opened)) {
      exchange.end();
      return passRequest(request, passed, this.#exchanges.request(to)); // says why it was refused
    }
    const data = socketDataOf(visitor, null, () => handler);
    try {
      this.#sockets.upgrade(request, server, data, socket.protocol || undefined);
    } catch (error) {
      handler.end();
      throw error;
    }
    return true;
  }

  #passedOn(request: Request, key: string, { wire }: Arrived): PassedOn {
    const { pathname, search } = urlOf(request);
    return { key, peer: wire, path: pathname + search };
  }

  /** The process that must answer; null: this one. */
  async #leaderFor(request: Request, pathname: string): Promise<string | null> {
    const { membership } = this.#house;
    if (membership.isLeading || !needsLeader(request, pathname)) return null;
    await membership.led();
    return membership.isLeading ? null : membership.leader;
  }

  /** The process that has the event stream for which a page sends something; null: this one. */
  #holderOf(request: Request): string | null {
    const { membership } = this.#house;
    const [process = ""] = (urlOf(request).searchParams.get("seat") ?? "").split(".");
    return process === membership.id ? null : membership.urlOf(process);
  }
}

const isUpgrade = (request: Request): boolean =>
  request.headers.get("upgrade")?.toLowerCase() === "websocket";

/**
 * True for what needs the queue, the llama-servers, or what the leader keeps in memory:
 * - Requests of programs wait in the queue, and a llama-server answers them.
 * - Temporary conversations and their files are in no database. Only an address can name one.
 * - The operator's page shows and changes the queue and the llama-servers.
 * - The leader reads a document that is added. It has the vectors that a search compares, and knows how many
 *   are made.
 * Everything else needs the Store and the Bus, as conversations, files, accounts and imports do. Any process
 * answers a preflight.
 */
function needsLeader(request: Request, pathname: string): boolean {
  const { searchParams } = urlOf(request);
  if (request.method === "OPTIONS") return false;
  if ([...pathname.split("/"), ...searchParams.values()].some(isTemporary)) return true;
  if (isSocketPath(pathname)) return pathname === "/chat";
  if (isProgramPath(pathname) || /^\/admin(\/|$)/.test(pathname)) return true;
  if (/^\/(documents|collections)(\/|$)/.test(pathname))
    return !["GET", "HEAD"].includes(request.method) || usesVectors.test(pathname);
  return false;
}

/** A search, and the page that says how many vectors are made. */
const usesVectors = /^\/(collections\/[^/]+\/search|documents\/[^/]+)\/?$/;
