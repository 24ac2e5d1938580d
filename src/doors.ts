// The doors beside the pages: sockets of pages and of programs, and what programs ask over HTTP. Who may come in was asked before (app); what goes on
// behind each is live/'s and text/'s. Beside app.

import type { Server } from "bun";
import { languageOf } from "../views/words.ts";
import { type Known, needScope } from "./auth/auth.ts";
import type { Chat } from "./chat/chat.ts";
import type { Shelf } from "./chat/shelf.ts";
import { type ConversationId, isId } from "./domain/conversation.ts";
import { Failure } from "./domain/failure.ts";
import { checkOrigin, corsHeaders } from "./http/guard.ts";
import type { Visitor } from "./http/visitor.ts";
import type { Hub } from "./live/hub.ts";
import { liveDoor } from "./live/socket.ts";
import type { Door, SocketData, Sockets } from "./sockets.ts";
import type { Store } from "./store/store.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { ask } from "./text/ask.ts";
import { jsonDoor, jsonProtocol } from "./text/json.ts";
import { plainDoor } from "./text/plain.ts";
import { relay } from "./text/relay.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface DoorsParts {
  readonly chat: Chat;
  readonly shelf: Shelf;
  readonly hub: Hub;
  readonly sockets: Sockets;
  readonly store: Pick<Store, "ledger">;
  readonly upstream: Upstream;
  readonly metrics: Metrics;
  readonly allowOrigins: readonly string[];
  readonly bounds: { readonly commandsMax: number; readonly outboxMaxBytes: number; readonly programMaxBytes: number };
  bug(error: unknown): void;
}

/** Addresses at which programs ask, and may come with a key. */
export const isProgramPath = (pathname: string): boolean => pathname === "/chat" || pathname === "/ask" || pathname.startsWith("/v1/");

/** Addresses of sockets. */
export const isSocketPath = (pathname: string): boolean => pathname === "/live" || pathname === "/chat";

export class Doors {
  readonly #parts: DoorsParts;
  /** Conversations of programs' sockets that are open. */
  readonly open = new Set<ConversationId>();

  constructor(parts: DoorsParts) {
    this.#parts = parts;
  }

  /** Answers what a program asks over HTTP. */
  async program(request: Request, server: Server<SocketData>, { known, request: id }: Visitor): Promise<Response> {
    const { chat, upstream, metrics, bug, bounds, allowOrigins } = this.#parts;
    const cors = corsHeaders(request.headers, allowOrigins);
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors });
    server.timeout(request, 0); // an answer may take its time; the bounds are the line's and llama-server's
    const inside = { chat, runs: chat.runs, upstream, metrics, bug, ...bounds };
    const response = await (new URL(request.url).pathname === "/ask" ? ask : relay)(request, known, id, inside);
    for (const [name, value] of Object.entries({ ...cors, "x-request-id": id, "x-content-type-options": "nosniff" })) response.headers.set(name, value);
    return response;
  }

  /** Opens the socket that a request asks for. @throws Failure `not_found`, `not_signed_in`, `key_scope`, `foreign_origin`, `too_many_sockets`, `bad_request` */
  async socket(request: Request, server: Server<SocketData>, { known, client, request: id }: Visitor): Promise<Response | undefined> {
    const { chat, shelf, hub, metrics, bug, bounds, allowOrigins, store } = this.#parts;
    checkOrigin(request.headers, allowOrigins);
    const url = new URL(request.url);
    const language = languageOf(request.headers.get("accept-language"));
    const link = url.pathname === "/live" ? url.searchParams.get("s") : null;
    /** The socket's data: whoever it is is asked of it anew with each wish, since that may change. */
    const behind = (make: (as: () => Known) => Door, protocol?: string): undefined => {
      const data: SocketData = { door: make(() => data.known as Known), address: client.address, known, link, heardAt: performance.now() };
      return this.#parts.sockets.upgrade(request, server, data, protocol);
    };
    const inside = { chat, shelf, hub, metrics, bug, commandsMax: bounds.commandsMax };
    if (link !== null) {
      const found = isId(link) ? await store.ledger.link(link) : null;
      if (!found) throw new Failure("not_found");
      return behind(() => liveDoor({ conversation: found.conversation, language, through: null, who: null, request: id }, inside));
    }
    if (!known) throw new Failure("not_signed_in");
    if (url.pathname === "/chat") {
      needScope(known, "answers");
      const parts = { chat, upstream: this.#parts.upstream, metrics, bug, open: this.open, outboxMaxBytes: bounds.outboxMaxBytes };
      const protocols = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((each) => each.trim());
      if (!protocols.includes(jsonProtocol)) return behind((as) => plainDoor(language, { who: () => as().person, request: id }, parts));
      return behind((as) => jsonDoor(language, { known: as, request: id }, parts), jsonProtocol);
    }
    const [conversation, at] = [url.searchParams.get("c"), url.searchParams.get("at")];
    if (!isId(conversation)) throw new Failure("not_found");
    await chat.enter(known.person, conversation);
    return behind((as) => liveDoor({ conversation, language, through: isId(at) ? at : null, who: () => as().person, request: id }, inside));
  }
}
