// Every open socket: behind which SocketHandler it is, whose it is, whether it still may be. Bun.serve has one handler
// for all; it passes each call to the socket's SocketHandler.

import type { Server } from "bun";
import type { Identity } from "../auth/auth.ts";
import { Failure } from "../domain/failure.ts";
import type { AddressCount } from "../http/guard.ts";
import { SseTransport } from "../live/sse-transport.ts";

/** What a WebSocket address has behind it. */
export interface SocketHandler {
  /** For counting: page, reader, program. */
  readonly kind: string;
  open(ws: Socket): void;
  message(ws: Socket, frame: string | Buffer): void | Promise<void>;
  drain(ws: Socket): void;
  /** Says goodbye and closes: whoever opened it may not stay. */
  expel(ws: Socket): void;
  close(ws: Socket): void;
}

export interface SocketData {
  readonly door: SocketHandler;
  readonly address: string;
  /** Who opened it, as they are now; null: somebody who follows a link. */
  known: Identity | null;
  /** The link's token; null for all others. */
  readonly link: string | null;
  /** Last time anything was heard of the client, on the monotonic clock, in ms. */
  heardAt: number;
}

/** The part of Bun's ServerWebSocket that is used; live/sse-transport's SseTransport has it, too. */
export interface Socket {
  readonly data: SocketData;
  send(frame: string): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  ping(): unknown;
}

interface SocketsParts {
  readonly addresses: AddressCount;
  /** What may wait for one socket that does not read. */
  readonly backlogMaxBytes: number;
  /** Who it is now; false when they may not stay. */
  holds(data: SocketData): Promise<Identity | boolean>;
  bug(error: unknown): void;
}

/** Sockets that are looked at in one go; then whoever is being answered goes on being answered. */
const reviewedAtOnce = 100;

export class Sockets {
  readonly #open = new Set<Socket>();
  readonly #parts: SocketsParts;
  readonly #counts: Record<string, number> = { page: 0, reader: 0, program: 0 };
  #review: Promise<void> | null = null;
  #isStale = false;

  constructor(parts: SocketsParts) {
    this.#parts = parts;
  }

  /** Open sockets by kind. */
  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  /** `protocol` is the sub-protocol that was chosen of those that were offered. @throws Failure `too_many_sockets`, `bad_request` */
  upgrade(request: Request, server: Server<SocketData>, data: SocketData, protocol?: string): undefined {
    const { addresses } = this.#parts;
    addresses.enter(data.address);
    const chosen = protocol === undefined ? {} : { headers: { "sec-websocket-protocol": protocol } };
    if (server.upgrade(request, { data, ...chosen })) return;
    addresses.leave(data.address);
    throw new Failure("bad_request", { detail: "WebSocket" });
  }

  /** Counts a socket of another kind in. @throws Failure `too_many_sockets` */
  seat(data: SocketData): SseTransport<SocketData> {
    this.#parts.addresses.enter(data.address);
    const seat: SseTransport<SocketData> = new SseTransport(data, this.#parts.backlogMaxBytes, {
      drained: () => this.handlers.drain(seat),
      closed: () => this.handlers.close(seat),
    });
    return seat;
  }

  /** For Bun.serve. */
  readonly handlers = {
    open: (ws: Socket): void => {
      this.#open.add(ws);
      this.#count(ws, 1);
      ws.data.door.open(ws);
    },
    message: (ws: Socket, frame: string | Buffer): void | Promise<void> => {
      ws.data.heardAt = performance.now();
      return ws.data.door.message(ws, frame);
    },
    pong: (ws: Socket): void => {
      ws.data.heardAt = performance.now();
    },
    drain: (ws: Socket): void => ws.data.door.drain(ws),
    close: (ws: Socket): void => {
      this.#open.delete(ws);
      this.#count(ws, -1);
      this.#parts.addresses.leave(ws.data.address);
      ws.data.door.close(ws);
    },
  };

  /** Pings every socket; those of which nothing was heard since `deadline` are dead. */
  ping(deadline: number): void {
    for (const ws of this.#open) {
      if (ws instanceof SseTransport && !ws.isBehind) ws.data.heardAt = performance.now(); // that it reads is all that can be heard of it
      if (ws.data.heardAt < deadline) ws.terminate();
      else ws.ping();
    }
  }

  /** Closes the sockets of those who may not stay; called when that may have changed. */
  review(): void {
    this.#isStale = true;
    this.#review ??= this.#reviewAll()
      .catch(this.#parts.bug)
      .finally(() => {
        this.#review = null;
      });
  }

  closeAll(code: number, reason: string): void {
    for (const ws of this.#open) ws.close(code, reason);
  }

  async #reviewAll(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      let looked = 0;
      for (const ws of [...this.#open]) {
        const known = await this.#parts.holds(ws.data);
        if (known === false) ws.data.door.expel(ws);
        else if (known !== true) ws.data.known = known;
        if (++looked % reviewedAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  #count(ws: Socket, by: number): void {
    const { kind } = ws.data.door;
    this.#counts[kind] = (this.#counts[kind] ?? 0) + by;
  }
}
