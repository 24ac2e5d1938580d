// The connections of pages: their WebSocket, or server-sent events and requests where a proxy lets no
// WebSocket through. Their frames are made in live/.

import type { Server } from "bun";
import { languageOf } from "../../views/words.ts";
import { newSecret } from "../auth/secrets.ts";
import type { Chat } from "../chat/chat.ts";
import type { ConversationActions } from "../chat/conversation-actions.ts";
import type { Threads } from "../chat/threads.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import { isId } from "../domain/id.ts";
import { framesBelow, urlOf } from "../http/base.ts";
import { checkOrigin, securityHeaders } from "../http/guard.ts";
import { readersZone, type Visitor } from "../http/visitor.ts";
import type { Hub } from "../live/hub.ts";
import { pageSocketHandler } from "../live/socket.ts";
import type { SseTransport } from "../live/sse-transport.ts";
import type { Store } from "../store/store.ts";
import type { Bodies } from "./bodies.ts";
import type { House } from "./house.ts";
import { type SocketData, type Sockets, socketDataOf } from "./sockets.ts";

interface PageEndpointsDependencies {
  readonly chat: Chat;
  readonly threads: Threads;
  readonly actions: ConversationActions;
  readonly hub: Hub;
  readonly sockets: Sockets;
  readonly store: Pick<Store, "links">;
  readonly bodies: Bodies;
  readonly allowOrigins: readonly string[];
  readonly basePath: string;
  /** Null where this process is alone. */
  readonly house: House | null;
  readonly bounds: { readonly commandsMax: number; readonly frameMaxBytes: number };
  readonly refuse: Refuse;
}

export class PageEndpoints {
  readonly #dependencies: PageEndpointsDependencies;
  readonly #withBasePath: (frame: string) => string;
  /** Open event streams, by the secret that a page names when it sends something. */
  readonly #streams = new Map<string, SseTransport<SocketData>>();

  constructor(dependencies: PageEndpointsDependencies) {
    this.#dependencies = dependencies;
    this.#withBasePath = framesBelow(dependencies.basePath);
  }

  /**
   * Opens a page's WebSocket.
   * @throws Failure `not_found`, `not_signed_in`, `foreign_origin`, `too_many_sockets`, `bad_request`
   */
  async socket(request: Request, server: Server<SocketData>, visitor: Visitor): Promise<undefined> {
    checkOrigin(request.headers, visitor.client.hosts, this.#dependencies.allowOrigins);
    return this.#dependencies.sockets.upgrade(request, server, await this.#socketData(request, visitor));
  }

  /** Opens a page's stream of frames as server-sent events. @throws Failure as `socket` */
  async events(request: Request, server: Server<SocketData>, visitor: Visitor): Promise<Response> {
    checkOrigin(request.headers, visitor.client.hosts, this.#dependencies.allowOrigins);
    server.timeout(request, 0);
    const { sockets } = this.#dependencies;
    const { house } = this.#dependencies;
    const id = house ? `${house.gate.membership.id}.${newSecret()}` : newSecret();
    const data = await this.#socketData(request, visitor, () => this.#streams.delete(id));
    const stream = sockets.openSse(data);
    this.#streams.set(id, stream);
    stream.sendEvent("seat", id);
    sockets.handlers.open(stream);
    return new Response(stream.readable, {
      headers: {
        ...securityHeaders,
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  }

  /** Takes a frame from a page that has such a stream. @throws Failure `not_found`, `too_large` */
  async receive(request: Request, { identity }: Visitor): Promise<Response> {
    const { bodies, bounds, sockets } = this.#dependencies;
    const stream = this.#streams.get(urlOf(request).searchParams.get("seat") ?? "");
    if (!stream || stream.data.identity?.person.id !== identity?.person.id) throw new Failure("not_found");
    const owner = identity?.person.id ?? null;
    const body = await bodies.read(request, { maxBytes: bounds.frameMaxBytes, owner });
    body.release();
    void sockets.handlers.message(stream, Buffer.from(body.bytes).toString("utf8"));
    return new Response(null, { status: 202, headers: securityHeaders });
  }

  /**
   * The handler for the conversation, or the shared link, in the address.
   * @throws Failure `not_found`, `not_signed_in`
   */
  async #socketData(request: Request, visitor: Visitor, onClose?: () => void): Promise<SocketData> {
    const { chat, threads, actions, hub, refuse, bounds, store } = this.#dependencies;
    const { identity } = visitor;
    const reader = {
      language: languageOf(request.headers.get("accept-language")),
      zone: readersZone(request.headers),
      request: visitor.request,
    };
    const dependencies = {
      ...{ chat, threads, actions, hub, refuse },
      ...{ commandsMax: bounds.commandsMax, withBasePath: this.#withBasePath },
      ...(onClose && { onClose }),
    };
    const query = urlOf(request).searchParams;
    const token = query.get("s");
    if (token !== null) {
      const link = isId(token) ? await store.links.find(token) : null;
      if (!link) throw new Failure("not_found");
      const { conversation, showsSources } = link;
      const sourcePath = showsSources ? `/s/${token}/source/` : null;
      const options = { ...reader, conversation, sourcePath, through: null, person: null };
      return socketDataOf(visitor, token, () => pageSocketHandler(options, dependencies));
    }
    if (!identity) throw new Failure("not_signed_in");
    const [conversation, at] = [query.get("c"), query.get("at")];
    if (!isId(conversation)) throw new Failure("not_found");
    await chat.enter(identity.person, conversation);
    const isAdmin = identity.person.role === "admin";
    const options = { ...reader, conversation, isAdmin, through: isId(at) ? at : null };
    return socketDataOf(visitor, null, (currentIdentity) =>
      pageSocketHandler({ ...options, person: () => currentIdentity().person }, dependencies),
    );
  }
}
