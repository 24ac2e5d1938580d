// The doors beside the pages: sockets of pages and of programs, and what programs ask over HTTP. Who may come in was asked before (app); what goes on
// behind each is live/'s and text/'s. Beside app.

import type { Server } from "bun";
import { languageOf } from "../../views/words.ts";
import { type Auth, type Identity, needScope, newSecret } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { StoreOf } from "../chat/dependencies.ts";
import type { SettingsResolver } from "../chat/effective-settings.ts";
import type { Quota } from "../chat/quota.ts";
import type { Runs } from "../chat/runs.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import { type ConversationId, isId } from "../domain/id.ts";
import { framesBelow, pathInside, urlOf } from "../http/base.ts";
import { checkOrigin, corsHeaders, programHeaders, securityHeaders } from "../http/guard.ts";
import { readersZone, type Visitor } from "../http/visitor.ts";
import type { Hub } from "../live/hub.ts";
import { pageSocketHandler } from "../live/socket.ts";
import type { SseTransport } from "../live/sse-transport.ts";
import { ask } from "../programs/ask.ts";
import { relay } from "../programs/relay.ts";
import { isServedPath, joinedSlashes } from "../programs/routes.ts";
import { jsonProtocol, jsonSocketHandler } from "../programs/socket-json.ts";
import { plainSocketHandler } from "../programs/socket-plain.ts";
import type { Store } from "../store/store.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Bodies } from "./bodies.ts";
import type { SocketData, SocketHandler, Sockets } from "./sockets.ts";

interface EndpointsParts {
  readonly auth: Auth;
  readonly chat: Chat;
  readonly quota: Quota;
  readonly runs: Runs;
  readonly settings: SettingsResolver;
  readonly storeOf: StoreOf;
  readonly shelf: ConversationActions;
  readonly hub: Hub;
  readonly sockets: Sockets;
  readonly store: Pick<Store, "links">;
  readonly upstream: Upstream;
  readonly bodies: Bodies;
  readonly allowOrigins: readonly string[];
  readonly basePath: string;
  readonly bounds: {
    readonly commandsMax: number;
    readonly outboxMaxBytes: number;
    readonly programMaxBytes: number;
    readonly programSlowMs: number;
    readonly frameMaxBytes: number;
    readonly heartbeatMs: number;
  };
  readonly refuse: Refuse;
  bug(error: unknown): void;
}

/** Addresses at which programs ask, and may come with a key. */
export const isProgramPath = (pathname: string): boolean =>
  pathname === "/chat" || pathname === "/ask" || isServedPath(pathname);

/** Where a page's frames come as events, and where what it says goes, when a proxy lets no socket through. */
export const eventsPath = "/live/events";
export const sayPath = "/live/say";

/**
 * How long an idle connection is kept once it has brought a request, in seconds: longer than balancers and proxies keep theirs (nginx, AWS and others: 60), who
 * would otherwise send a request into one that is just being closed. One that never brought a request is closed by Bun after some 10.
 */
export const keptSeconds = 75;

/** Addresses of sockets. */
export const isSocketPath = (pathname: string): boolean => pathname === "/live" || pathname === "/chat";

/** The path of a request inside: see http/base. */
export function pathOf(request: Request, basePath: string): string {
  const { pathname } = urlOf(request);
  // below /chat the address /chat is the page, but for a proxy that has taken the path off: then it is the socket
  if (isSocketPath(pathname) && request.headers.get("upgrade")?.toLowerCase() === "websocket")
    return pathname;
  const joined = pathInside(joinedSlashes(pathname), basePath); // programs' base addresses may end with a slash
  return isProgramPath(joined) ? joined : pathInside(pathname, basePath);
}

/** A program that is being answered, and how that is ended before its end. */
interface ProgramInFlight {
  readonly known: Identity;
  readonly end: AbortController;
}

export class Endpoints {
  readonly #parts: EndpointsParts;
  /** Conversations of programs' sockets that are open. */
  readonly open = new Set<ConversationId>();
  /** Programs that are being answered over HTTP. */
  readonly #asking = new Set<ProgramInFlight>();
  readonly #below: (frame: string) => string;
  readonly #seats = new Map<string, SseTransport<SocketData>>();

  constructor(parts: EndpointsParts) {
    this.#parts = parts;
    this.#below = framesBelow(parts.basePath);
  }

  /** Answers what a program asks over HTTP. */
  async program(
    request: Request,
    pathname: string,
    server: Server<SocketData>,
    { known, request: id }: Visitor,
  ): Promise<Response> {
    const { chat, quota, runs, settings, upstream, refuse, bug, bounds, allowOrigins, bodies, basePath } =
      this.#parts;
    const cors = corsHeaders(request.headers, allowOrigins);
    if (request.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { ...programHeaders, ...cors } });
    const asking = known && { known, end: new AbortController() };
    if (asking) this.#asking.add(asking);
    const over = () => {
      server.timeout(request, keptSeconds);
      return asking && this.#asking.delete(asking);
    };
    const gone = asking ? AbortSignal.any([request.signal, asking.end.signal]) : request.signal;
    // an answer may take its time: the bounds are the line's and llama-server's. A body may not: while it is read, Bun's time-out for silence holds
    const readBody: ReadBody = async (asked, bound) => {
      const body = await bodies.read(asked, bound);
      server.timeout(request, 0);
      return body;
    };
    const inside = {
      chat,
      quota,
      runs,
      settings,
      upstream,
      refuse,
      bug,
      gone,
      over,
      readBody,
      basePath,
      ...bounds,
    };
    const response = await (pathname === "/ask"
      ? ask(request, known, id, inside)
      : relay(request, pathname, known, id, inside));
    for (const [name, value] of Object.entries({ ...programHeaders, ...cors, "x-request-id": id }))
      response.headers.set(name, value);
    return response;
  }

  /** Ends what programs are being answered who may not ask any more: their key was revoked, their owner removed. */
  async review(): Promise<void> {
    for (const asking of [...this.#asking])
      if (!(await this.#parts.auth.again(asking.known))) asking.end.abort();
  }

  /** Opens the socket that a request asks for. @throws Failure `not_found`, `not_signed_in`, `key_scope`, `foreign_origin`, `too_many_sockets`, `bad_request` */
  async socket(
    request: Request,
    pathname: string,
    server: Server<SocketData>,
    visitor: Visitor,
  ): Promise<undefined> {
    checkOrigin(request.headers, visitor.client.hosts, this.#parts.allowOrigins);
    if (pathname === "/live")
      return this.#parts.sockets.upgrade(request, server, await this.#page(request, visitor));
    const { chat, quota, runs, settings, storeOf, upstream, refuse, bug, bounds } = this.#parts;
    const { known, request: id } = visitor;
    if (!known) throw new Failure("not_signed_in");
    needScope(known, "answers");
    const language = languageOf(request.headers.get("accept-language"));
    const inside = {
      chat,
      quota,
      runs,
      settings,
      storeOf,
      upstream,
      refuse,
      bug,
      open: this.open,
      outboxMaxBytes: bounds.outboxMaxBytes,
    };
    const protocols = (request.headers.get("sec-websocket-protocol") ?? "")
      .split(",")
      .map((each) => each.trim());
    const isJson = protocols.includes(jsonProtocol);
    const door = (as: () => Identity): SocketHandler =>
      isJson
        ? jsonSocketHandler(language, { known: as, request: id }, inside)
        : plainSocketHandler(language, { who: () => as().person, request: id }, inside);
    return this.#parts.sockets.upgrade(
      request,
      server,
      dataOf(visitor, null, door),
      isJson ? jsonProtocol : undefined,
    );
  }

  /** The same as a page's socket where a proxy lets none through: frames as server-sent events. @throws Failure as `socket` */
  async events(request: Request, server: Server<SocketData>, visitor: Visitor): Promise<Response> {
    checkOrigin(request.headers, visitor.client.hosts, this.#parts.allowOrigins);
    server.timeout(request, 0);
    const { sockets } = this.#parts;
    const id = newSecret();
    const seat = sockets.seat(await this.#page(request, visitor, () => this.#seats.delete(id)));
    this.#seats.set(id, seat);
    seat.sendEvent("seat", id);
    sockets.handlers.open(seat);
    return new Response(seat.body, {
      headers: {
        ...securityHeaders,
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** What is said from such a seat, by whoever sits there. @throws Failure `not_found`, `too_large` */
  async said(request: Request, { known }: Visitor): Promise<Response> {
    const seat = this.#seats.get(urlOf(request).searchParams.get("seat") ?? "");
    if (!seat || seat.data.known?.person.id !== known?.person.id) throw new Failure("not_found");
    const body = await this.#parts.bodies.read(request, {
      maxBytes: this.#parts.bounds.frameMaxBytes,
      owner: known?.person.id ?? null,
    });
    body.release();
    const frame = Buffer.from(body.bytes).toString("utf8");
    void this.#parts.sockets.handlers.message(seat, frame);
    return new Response(null, { status: 202, headers: securityHeaders });
  }

  /** What a page's socket has behind it. @throws Failure `not_found`, `not_signed_in` */
  async #page(request: Request, visitor: Visitor, onClose?: () => void): Promise<SocketData> {
    const { chat, shelf, hub, refuse, bounds, store } = this.#parts;
    const { known, request: id } = visitor;
    const theirs = {
      language: languageOf(request.headers.get("accept-language")),
      zone: readersZone(request.headers),
      request: id,
    };
    const inside = {
      chat,
      shelf,
      hub,
      refuse,
      commandsMax: bounds.commandsMax,
      withBasePath: this.#below,
      ...(onClose && { onClose }),
    };
    const asked = urlOf(request).searchParams;
    const link = asked.get("s");
    if (link !== null) {
      const found = isId(link) ? await store.links.find(link) : null;
      if (!found) throw new Failure("not_found");
      return dataOf(visitor, link, () =>
        pageSocketHandler({ conversation: found.conversation, ...theirs, through: null, who: null }, inside),
      );
    }
    if (!known) throw new Failure("not_signed_in");
    const [conversation, at] = [asked.get("c"), asked.get("at")];
    if (!isId(conversation)) throw new Failure("not_found");
    await chat.enter(known.person, conversation);
    const through = isId(at) ? at : null;
    return dataOf(visitor, null, (as) =>
      pageSocketHandler({ conversation, ...theirs, through, who: () => as().person }, inside),
    );
  }
}

/** A socket's data: whoever it is is asked of it anew with each wish, since that may change. */
function dataOf(
  { known, client }: Visitor,
  link: string | null,
  door: (as: () => Identity) => SocketHandler,
): SocketData {
  const data: SocketData = {
    door: door(() => data.known as Identity),
    address: client.address,
    known,
    link,
    heardAt: performance.now(),
  };
  return data;
}
