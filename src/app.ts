// Joins the ports to the house. Gives Bun.serve what it needs and knows nothing of command lines or of which adapters
// were chosen. Tests enter here.

import type { Server, WebSocketHandler } from "bun";
import { listPageMax } from "../views/list.tsx";
import { languageOf } from "../views/words.ts";
import { Chat, type ChatBounds, type ChatParts } from "./chat/chat.ts";
import { Shelf } from "./chat/shelf.ts";
import { type ConversationId, isId } from "./domain/conversation.ts";
import { asFailure, Failure } from "./domain/failure.ts";
import { AddressCount, checkHost, checkOrigin } from "./http/guard.ts";
import { refusal, routes } from "./http/routes.tsx";
import { Hub } from "./live/hub.ts";
import { liveDoor } from "./live/socket.ts";
import { plainDoor } from "./text/plain.ts";

export interface AppBounds extends ChatBounds {
  readonly socketsMaxPerAddress: number;
  readonly commandsMax: number;
  readonly outboxMaxBytes: number;
  readonly heartbeatMs: number;
  readonly graceMs: number;
  readonly importMaxBytes: number;
  readonly temporaryMs: number;
}

export interface AppParts extends ChatParts {
  readonly allowOrigins: readonly string[];
  readonly bounds: AppBounds;
}

/** What a WebSocket address has behind it. Bun.serve has one handler, which passes each call to the socket's Door. */
interface Door {
  open(ws: Socket): void;
  message(ws: Socket, frame: string | Buffer): void | Promise<void>;
  drain(ws: Socket): void;
  close(ws: Socket): void;
}

interface SocketData {
  readonly door: Door;
  readonly address: string;
  /** Last time anything was heard of the client, on the monotonic clock, in ms. */
  heardAt: number;
}

type Socket = Bun.ServerWebSocket<SocketData>;

export interface App {
  fetch(request: Request, server: Server<SocketData>): Response | Promise<Response> | undefined;
  readonly websocket: WebSocketHandler<SocketData>;
  /** Ends Runs and sockets in order, within `graceMs`; the ports are closed too. */
  stop(): Promise<void>;
}

/** A frame's own overhead around a message: field names, htmx's headers, JSON escapes of every character. */
const frameOverheadBytes = 16 * 1024;

/** Heartbeats without an answer after which the other side is taken for dead. */
const silentBeats = 3;

/**
 * What Bun may hold for one socket that does not read. Nothing is sent to a reader who is behind (Outbox, PlainWay), so that is
 * one frame: the largest is a snapshot, which must fit, or a slow reader would be closed and come again for ever.
 */
const snapshotMaxBytes = 64 << 20;

/** How long a delete can be undone, in ms. */
const undoMs = 24 * 3_600_000;

/** The house, ready for Bun.serve: what the process before this one left is taken up first. */
export async function createApp(parts: AppParts): Promise<App> {
  const { store, bus, upstream, log, allowOrigins, bounds } = parts;
  const bug = (error: unknown) => log.error("a bug", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
  const chat = new Chat(parts);
  const shelf = new Shelf(parts);
  const hub = new Hub({
    bus,
    upstream: () => upstream.state,
    live: (id) => chat.live(id),
    thread: (id, part) => chat.thread(id, part),
    listed: (id) => store.listed(id),
    list: () => store.list({ limit: listPageMax }),
    failed: bug,
  });
  const pages = routes({
    chat,
    log,
    messageMaxBytes: bounds.messageMaxBytes,
    silentMs: silentBeats * bounds.heartbeatMs,
    importMaxBytes: bounds.importMaxBytes,
    shelf,
    upstream: () => upstream.state,
    store,
    bus,
  });
  const addresses = new AddressCount(bounds.socketsMaxPerAddress);
  const sockets = new Set<Socket>();
  /** Conversations of the plain sockets. */
  const plain = new Set<ConversationId>();

  let status: string | null = null;
  upstream.watch((state) => {
    if (state.status !== status) log.info("llama-server is", { status: state.status, url: state.url, slots: state.slots, model: state.model });
    else if (state.progress?.line) log.info("llama-server starts", { percent: state.progress.percent, line: state.progress.line });
    ({ status } = state);
    hub.tellUpstream(state);
  });

  // a dead client that is fed a trickle never idles out in Bun: every send resets its timer. So: our own ping and deadline.
  const pulse = setInterval(() => {
    hub.beat();
    const isOpen = (id: ConversationId) => hub.isWatched(id) || plain.has(id);
    chat.forgetTemporary(Date.now() - bounds.temporaryMs, isOpen).catch(bug);
    store.purge(Date.now() - undoMs).catch(bug);
    const deadline = performance.now() - silentBeats * bounds.heartbeatMs;
    for (const ws of sockets) {
      if (ws.data.heardAt < deadline) ws.terminate();
      else ws.ping();
    }
  }, bounds.heartbeatMs);

  function doorFor(url: URL, headers: Headers): Door | null {
    const language = languageOf(headers.get("accept-language"));
    if (url.pathname === "/chat") return plainDoor(language, { chat, bug, open: plain, outboxMaxBytes: bounds.outboxMaxBytes });
    if (url.pathname !== "/live") return null;
    const conversation = url.searchParams.get("c");
    if (!isId(conversation)) throw new Failure("not_found");
    const at = url.searchParams.get("at");
    return liveDoor(conversation, language, isId(at) ? at : null, { chat, shelf, hub, bug, commandsMax: bounds.commandsMax });
  }

  function upgrade(request: Request, server: Server<SocketData>, door: Door): Response | undefined {
    checkOrigin(request.headers, allowOrigins);
    const address = server.requestIP(request)?.address ?? "unix";
    addresses.enter(address);
    if (server.upgrade(request, { data: { door, address, heardAt: performance.now() } })) return undefined;
    addresses.leave(address);
    throw new Failure("bad_request", { detail: "WebSocket" });
  }

  await store.purge(Date.now() - undoMs);
  await chat.recover();

  return {
    fetch(request, server) {
      try {
        checkHost(request.headers.get("host"), allowOrigins);
        if (request.method !== "GET" && request.method !== "HEAD") checkOrigin(request.headers, allowOrigins);
        const door = doorFor(new URL(request.url), request.headers);
        return door ? upgrade(request, server, door) : pages.fetch(request);
      } catch (error) {
        const failure = asFailure(error);
        if (failure.code === "internal") bug(error);
        else log.warn("refused", { code: failure.code, ...failure.facts });
        return refusal(failure, request.headers);
      }
    },
    websocket: {
      // deflate saves nothing at 50 bytes a frame and costs 150–240 kB a socket (measured)
      perMessageDeflate: false,
      idleTimeout: 0,
      sendPings: false,
      maxPayloadLength: bounds.messageMaxBytes * 6 + frameOverheadBytes,
      backpressureLimit: snapshotMaxBytes,
      closeOnBackpressureLimit: true,
      open(ws) {
        sockets.add(ws);
        ws.data.door.open(ws);
      },
      message(ws, frame) {
        ws.data.heardAt = performance.now();
        return ws.data.door.message(ws, frame);
      },
      pong(ws) {
        ws.data.heardAt = performance.now();
      },
      drain(ws) {
        ws.data.door.drain(ws);
      },
      close(ws) {
        sockets.delete(ws);
        addresses.leave(ws.data.address);
        ws.data.door.close(ws);
      },
    },
    async stop() {
      clearInterval(pulse);
      await chat.close(bounds.graceMs);
      for (const ws of sockets) ws.close(1012, "restart"); // htmx comes again on this code
      await upstream.close();
      await bus.close();
      await store.close();
      await parts.temporary.close();
    },
  };
}
