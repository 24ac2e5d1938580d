// Registry of open sockets: the handler and the owner of each, and whether the owner may still have it.
// Bun.serve has one handler for all sockets; it passes each call to the socket's own SocketHandler.

import type { Server } from "bun";
import type { Identity } from "../auth/auth.ts";
import { Failure } from "../domain/failure.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { AddressCount } from "../http/guard.ts";
import type { Visitor } from "../http/visitor.ts";
import { SseTransport } from "../live/sse-transport.ts";

/** Handles one socket. */
export interface SocketHandler {
  /** For counting: `page`, `reader` (of a shared link) or `program`. */
  readonly kind: string;
  open(ws: Socket): void;
  message(ws: Socket, frame: string | Buffer): void | Promise<void>;
  drain(ws: Socket): void;
  /** Says why, and closes: the owner may no longer have this socket. */
  onAccessLost(ws: Socket): void;
  close(ws: Socket): void;
}

export interface SocketData {
  readonly handler: SocketHandler;
  readonly address: string;
  /** The owner with their current rights; null: a reader of a shared link. */
  identity: Identity | null;
  /** The token of the shared link; null for sockets of people who are signed in. */
  readonly link: string | null;
  /** When the client was last heard of, on the monotonic clock, in ms. */
  lastHeardAt: number;
}

/**
 * Data for a new socket. `handlerFor` gets a function that returns the owner, whose rights may change later.
 */
export function socketDataOf(
  { identity, client }: Visitor,
  link: string | null,
  handlerFor: (currentIdentity: () => Identity) => SocketHandler,
): SocketData {
  const data: SocketData = {
    handler: handlerFor(() => data.identity as Identity),
    address: client.address,
    identity,
    link,
    lastHeardAt: performance.now(),
  };
  return data;
}

/** A WebSocket of Bun, or what replaces one: live/sse-transport's SseTransport. */
export interface Socket extends Transport {
  readonly data: SocketData;
  terminate(): void;
  ping(): unknown;
}

interface SocketsDependencies {
  readonly addresses: AddressCount;
  /** Most bytes that may wait for one socket that does not read. */
  readonly backlogMaxBytes: number;
  /**
   * The owner with their current rights; true for a link that still holds; false if the socket must be
   * closed.
   */
  currentOwner(data: SocketData): Promise<Identity | boolean>;
  bug(error: unknown): void;
}

/** Sockets that are checked in one turn of the event loop, so that answers in progress go on in between. */
const recheckBatch = 100;

/**
 * What Bun may hold for one socket that does not read, in bytes. Nothing is sent to a reader who is behind
 * (see Outbox and ProgramOutbox), so this is one frame. The largest is a snapshot: it must fit, since
 * otherwise a slow reader would be closed, connect again and be closed again for ever.
 */
export const snapshotMaxBytes = 64 << 20;

export const websocketOptions = {
  // deflate saves nothing at 50 bytes a frame and costs 150–240 kB a socket (measured)
  perMessageDeflate: false,
  idleTimeout: 0,
  sendPings: false,
  backpressureLimit: snapshotMaxBytes,
  closeOnBackpressureLimit: true,
} as const;

export class Sockets {
  readonly #open = new Set<Socket>();
  readonly #dependencies: SocketsDependencies;
  readonly #counts: Record<string, number> = { page: 0, reader: 0, program: 0 };
  #recheck: Promise<void> | null = null;
  #isStale = false;

  constructor(dependencies: SocketsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Open sockets by kind. */
  /** All that are open. */
  get size(): number {
    return this.#open.size;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  /**
   * Turns a request into a WebSocket. `protocol` is the sub-protocol that was chosen of those that were
   * offered.
   * @throws Failure `too_many_sockets`, `bad_request`
   */
  upgrade(request: Request, server: Server<SocketData>, data: SocketData, protocol?: string): undefined {
    const { addresses } = this.#dependencies;
    addresses.enter(data.address);
    const chosen = protocol === undefined ? {} : { headers: { "sec-websocket-protocol": protocol } };
    if (server.upgrade(request, { data, ...chosen })) return;
    addresses.leave(data.address);
    throw new Failure("bad_request", { detail: "WebSocket" });
  }

  /** Makes a socket of server-sent events. @throws Failure `too_many_sockets` */
  openSse(data: SocketData): SseTransport<SocketData> {
    this.#dependencies.addresses.enter(data.address);
    const transport: SseTransport<SocketData> = new SseTransport(data, this.#dependencies.backlogMaxBytes, {
      onDrain: () => this.handlers.drain(transport),
      onClose: () => this.handlers.close(transport),
    });
    return transport;
  }

  /** For Bun.serve. */
  readonly handlers = {
    open: (ws: Socket): void => {
      this.#open.add(ws);
      this.#count(ws, 1);
      ws.data.handler.open(ws);
    },
    message: (ws: Socket, frame: string | Buffer): void | Promise<void> => {
      ws.data.lastHeardAt = performance.now();
      return ws.data.handler.message(ws, frame);
    },
    pong: (ws: Socket): void => {
      ws.data.lastHeardAt = performance.now();
    },
    drain: (ws: Socket): void => ws.data.handler.drain(ws),
    close: (ws: Socket): void => {
      this.#open.delete(ws);
      this.#count(ws, -1);
      this.#dependencies.addresses.leave(ws.data.address);
      ws.data.handler.close(ws);
    },
  };

  /**
   * Pings every socket. Ends those that were silent since `deadline`, a time on the monotonic clock in ms.
   */
  ping(deadline: number): void {
    for (const ws of this.#open) {
      // a reader of server-sent events sends nothing: it is alive as long as it reads
      if (ws instanceof SseTransport && !ws.isBehind) ws.data.lastHeardAt = performance.now();
      if (ws.data.lastHeardAt < deadline) ws.terminate();
      else ws.ping();
    }
  }

  /**
   * Closes the sockets of owners who may no longer have them. To be called when somebody's rights may have
   * changed.
   */
  recheckAccess(): void {
    this.#isStale = true;
    this.#recheck ??= this.#recheckAll()
      .catch(this.#dependencies.bug)
      .finally(() => {
        this.#recheck = null;
      });
  }

  closeAll(code: number, reason: string): void {
    for (const ws of this.#open) ws.close(code, reason);
  }

  async #recheckAll(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      let checked = 0;
      for (const ws of [...this.#open]) {
        const identity = await this.#dependencies.currentOwner(ws.data);
        if (identity === false) ws.data.handler.onAccessLost(ws);
        else if (identity !== true) ws.data.identity = identity;
        if (++checked % recheckBatch === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  #count(ws: Socket, by: number): void {
    const { kind } = ws.data.handler;
    this.#counts[kind] = (this.#counts[kind] ?? 0) + by;
  }
}
