// The endpoints of programs: requests over HTTP (/v1, /ask) and the /chat socket. The sender is already
// identified (server/gate.ts); the answers are made in programs/.

import type { Server } from "bun";
import { languageOf } from "../../views/words.ts";
import { type Auth, type Identity, needScope } from "../auth/auth.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Forgetting } from "../chat/forgetting.ts";
import type { Quota } from "../chat/quota.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure, type Refuse } from "../domain/failure.ts";
import { checkOrigin, corsHeaders, programHeaders } from "../http/guard.ts";
import type { Visitor } from "../http/visitor.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import { ask } from "../programs/ask.ts";
import { relay } from "../programs/relay.ts";
import { jsonProtocol, jsonSocketHandler } from "../programs/socket-json.ts";
import { plainSocketHandler } from "../programs/socket-plain.ts";
import type { Queue } from "../runs/queue.ts";
import type { Runs } from "../runs/runs.ts";
import type { StoreOf } from "../store/chooser.ts";
import type { Embedder, Reranker } from "../upstream/meaning.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Bodies } from "./bodies.ts";
import { keepAliveSeconds } from "./paths.ts";
import { type SocketData, type SocketHandler, type Sockets, socketDataOf } from "./sockets.ts";

interface ProgramEndpointsDependencies {
  readonly auth: Auth;
  readonly attachments: Attachments;
  readonly chat: Chat;
  readonly forgetting: Forgetting;
  readonly quota: Quota;
  readonly runs: Runs;
  readonly queue: Pick<Queue, "apiRequests" | "unqueued">;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly settings: SettingsResolver;
  readonly storeOf: StoreOf;
  readonly sockets: Sockets;
  readonly upstream: Upstream;
  readonly bodies: Bodies;
  readonly allowOrigins: readonly string[];
  readonly basePath: string;
  readonly bounds: {
    readonly outboxMaxBytes: number;
    readonly programMaxBytes: number;
    readonly programSlowMs: number;
    readonly heartbeatMs: number;
  };
  readonly refuse: Refuse;
  bug(error: unknown): void;
}

/** A request of a program that is being answered, and the way to end its answer. */
interface RequestInFlight {
  readonly identity: Identity;
  readonly controller: AbortController;
}

export class ProgramEndpoints {
  readonly #dependencies: ProgramEndpointsDependencies;
  readonly #inFlight = new Set<RequestInFlight>();

  constructor(dependencies: ProgramEndpointsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Answers a request over HTTP. */
  async request(
    request: Request,
    pathname: string,
    server: Server<SocketData>,
    { identity, request: id }: Visitor,
  ): Promise<Response> {
    const { allowOrigins, bodies, bounds, ...shared } = this.#dependencies;
    const cors = corsHeaders(request.headers, allowOrigins);
    if (request.method === "OPTIONS")
      return new Response(null, { status: 204, headers: { ...programHeaders, ...cors } });
    const inFlight = identity && { identity, controller: new AbortController() };
    if (inFlight) this.#inFlight.add(inFlight);
    const onFinished = () => {
      server.timeout(request, keepAliveSeconds);
      return inFlight && this.#inFlight.delete(inFlight);
    };
    const clientSignal = inFlight
      ? AbortSignal.any([request.signal, inFlight.controller.signal])
      : request.signal;
    // Bun's time-out for silence holds while the body is read, and is lifted then: the queue and llama-server
    // have time limits of their own
    const readBody: ReadBody = async (source, bound) => {
      const body = await bodies.read(source, bound);
      server.timeout(request, 0);
      return body;
    };
    const dependencies = { ...shared, ...bounds, clientSignal, onFinished, readBody };
    const response = await (pathname === "/ask"
      ? ask(request, identity, id, dependencies)
      : relay(request, pathname, identity, id, dependencies));
    for (const [name, value] of Object.entries({ ...programHeaders, ...cors, "x-request-id": id }))
      response.headers.set(name, value);
    return response;
  }

  /** Ends answers to people who may no longer have them: their key was revoked, or they were removed. */
  async recheckAccess(): Promise<void> {
    for (const inFlight of [...this.#inFlight])
      if (!(await this.#dependencies.auth.refresh(inFlight.identity))) inFlight.controller.abort();
  }

  /**
   * Opens the /chat socket, in JSON where the program offers that sub-protocol.
   * @throws Failure `not_signed_in`, `key_scope`, `foreign_origin`, `too_many_sockets`, `bad_request`
   */
  async socket(request: Request, server: Server<SocketData>, visitor: Visitor): Promise<undefined> {
    const { allowOrigins, sockets, bounds, ...shared } = this.#dependencies;
    checkOrigin(request.headers, visitor.client.hosts, allowOrigins);
    const { identity, request: id } = visitor;
    if (!identity) throw new Failure("not_signed_in");
    needScope(identity, "answers");
    const language = languageOf(request.headers.get("accept-language"));
    const dependencies = { ...shared, outboxMaxBytes: bounds.outboxMaxBytes };
    const offered = request.headers.get("sec-websocket-protocol") ?? "";
    const isJson = offered.split(",").some((protocol) => protocol.trim() === jsonProtocol);
    const handler = (currentIdentity: () => Identity): SocketHandler =>
      isJson
        ? jsonSocketHandler(language, { identity: currentIdentity, requestId: id }, dependencies)
        : plainSocketHandler(
            language,
            { person: () => currentIdentity().person, requestId: id },
            dependencies,
          );
    const data = socketDataOf(visitor, null, handler);
    return sockets.upgrade(request, server, data, isJson ? jsonProtocol : undefined);
  }
}
