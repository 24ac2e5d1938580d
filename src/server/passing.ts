// What a follower passes on to the leader: the requests of programs, temporary conversations, what an
// operator does, and documents that are to be read. These need the queue, the llama-servers, or what the
// leader keeps in memory. Everything else needs the Store and the Bus: any process answers it.

import type { Server } from "bun";
import type { Membership } from "../cluster/cluster.ts";
import { keyHeader, type PassedOn, passRequest, passSocket, peerHeader } from "../cluster/pass.ts";
import { Failure } from "../domain/failure.ts";
import { isTemporary } from "../domain/id.ts";
import { urlOf } from "../http/base.ts";
import type { Visitor } from "../http/visitor.ts";
import { PassedSocket } from "./passed-socket.ts";
import { isProgramPath, isSocketPath, sayPath } from "./paths.ts";
import { type SocketData, type Sockets, socketDataOf } from "./sockets.ts";

/** The processes of a house, as its gate sees them. */
export interface GateHouse {
  readonly membership: Membership;
  /** The secret of the processes; null: there is only one. */
  readonly key: string | null;
  /** Answers another process. */
  answer(url: URL): Promise<Response>;
}

export class Passing {
  readonly #house: GateHouse;
  readonly #sockets: Sockets;

  constructor(house: GateHouse, sockets: Sockets) {
    this.#house = house;
    this.#sockets = sockets;
  }

  /** True if another process of the house has sent the request. */
  isFromProcess(headers: Headers): boolean {
    const { key } = this.#house;
    const given = headers.get(keyHeader);
    if (key === null || given === null) return false;
    const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
    return crypto.timingSafeEqual(digest(given), digest(key));
  }

  /** The address that a request came from: another process tells that of its client. */
  peerOf(headers: Headers, peer: string): string {
    return (this.isFromProcess(headers) && headers.get(peerHeader)) || peer;
  }

  /**
   * Answers a request that another process must answer, or has sent for itself; null: it is answered here.
   * Sockets are passed on by `socket`, once it is known whose they are. `passes` is called when it is passed
   * on: the other process knows how long it may take.
   * @throws Failure `no_leader`
   */
  async request(
    request: Request,
    pathname: string,
    peer: string,
    passes: () => void,
  ): Promise<Response | null> {
    const { key, answer } = this.#house;
    if (key === null) return null;
    const isInner = this.isFromProcess(request.headers);
    if (isInner && pathname.startsWith("/cluster/"))
      return answer(new URL(pathname + urlOf(request).search, "http://process"));
    if (isUpgrade(request)) return null;
    const to = pathname === sayPath ? this.#holderOf(request) : await this.#leaderFor(request, pathname);
    if (to === null) return null;
    if (isInner) throw new Failure("no_leader"); // it was passed on already
    passes();
    return passRequest(request, { to, key, peer: this.peerOf(request.headers, peer) });
  }

  /** Passes a WebSocket on; false: it is opened here. @throws Failure as `request`, `too_many_sockets` */
  async socket(
    request: Request,
    server: Server<SocketData>,
    pathname: string,
    visitor: Visitor,
  ): Promise<Response | boolean> {
    const { key } = this.#house;
    const to = key === null ? null : await this.#leaderFor(request, pathname);
    if (to === null || key === null) return false;
    if (this.isFromProcess(request.headers)) throw new Failure("no_leader");
    const passed: PassedOn = { to, key, peer: visitor.client.address };
    const socket = await passSocket(request, passed);
    if (socket === null) return passRequest(request, passed); // says why it was refused
    const data = socketDataOf(visitor, null, () => new PassedSocket(socket));
    try {
      this.#sockets.upgrade(request, server, data, socket.protocol || undefined);
    } catch (error) {
      socket.close();
      throw error;
    }
    return true;
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

function needsLeader(request: Request, pathname: string): boolean {
  const { searchParams } = urlOf(request);
  const named = [pathname.split("/")[2] ?? "", searchParams.get("c") ?? ""];
  if (named.some(isTemporary)) return true;
  if (isSocketPath(pathname)) return pathname === "/chat";
  if (isProgramPath(pathname) || /^\/admin(\/|$)/.test(pathname)) return true;
  const changes = !["GET", "HEAD", "OPTIONS"].includes(request.method);
  return changes && /^\/(documents|collections)(\/|$)/.test(pathname);
}
