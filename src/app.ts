// Joins the ports to the house. Gives Bun.serve what it needs and knows nothing of command lines or of which adapters
// were chosen. Tests enter here.

import type { Server, WebSocketHandler } from "bun";
import { listPageMax } from "../views/list.tsx";
import { drawThread } from "../views/message.tsx";
import { Auth, type AuthMode, type Client, type Identity } from "./auth/auth.ts";
import type { OidcOptions } from "./auth/oidc.ts";
import { Passwords } from "./auth/password.ts";
import { Chat } from "./chat/chat.ts";
import { ConversationActions } from "./chat/conversation-actions.ts";
import { type ChatBounds, type RunsDependencies, storeChooser } from "./chat/dependencies.ts";
import { EnforcedPersona, SettingsResolver } from "./chat/effective-settings.ts";
import { Quota } from "./chat/quota.ts";
import { Runs } from "./chat/runs.ts";
import { Servers, serverLog } from "./chat/servers.ts";
import { localPerson, standardLimits } from "./domain/account.ts";
import { AddressSet, unixPeer } from "./domain/address.ts";
import type { ConversationId, PersonaId } from "./domain/id.ts";
import {
  AddressCount,
  checkHost,
  checkOrigin,
  clientOf,
  corsHeaders,
  isHost,
  programHeaders,
  requestIdOf,
  securityHeaders,
} from "./http/guard.ts";
import { isHealthPath } from "./http/ops.ts";
import { refusal } from "./http/refusal.tsx";
import { routes } from "./http/routes.tsx";
import type { ImportBounds } from "./http/transfer.tsx";
import type { Visitor } from "./http/visitor.ts";
import { Hub } from "./live/hub.ts";
import type { Personas } from "./persona/persona.ts";
import { dialectOf, programRefusal } from "./programs/errors.ts";
import { Bodies, type BodiesBounds } from "./server/bodies.ts";
import {
  Endpoints,
  eventsPath,
  isProgramPath,
  isSocketPath,
  keptSeconds,
  pathOf,
  sayPath,
} from "./server/endpoints.ts";
import { errorsTo } from "./server/errors.ts";
import { type SocketData, Sockets } from "./server/sockets.ts";
import type { Store } from "./store/store.ts";
import type { Upstreams } from "./upstream/upstream.ts";

interface AppBounds extends ChatBounds, BodiesBounds, ImportBounds {
  readonly socketsMaxPerAddress: number;
  readonly commandsMax: number;
  readonly outboxMaxBytes: number;
  readonly programMaxBytes: number;
  readonly programSlowMs: number;
  readonly heartbeatMs: number;
  readonly graceMs: number;
  readonly temporaryMs: number;
  readonly sessionMs: number;
}

interface AppParts extends Pick<RunsDependencies, "bus" | "log" | "metrics" | "generateTitles" | "logTexts"> {
  readonly store: Store;
  /** Keeps temporary conversations, which are never written to disk. */
  readonly temporary: Store;
  readonly personas: Personas;
  readonly upstream: Upstreams;
  /** The llama-servers were named on the command line: the operator can't choose others while parlor runs. */
  readonly areUpstreamsFixed: boolean;
  readonly auth: AuthMode;
  /** Where `auth` is oidc. */
  readonly oidc: OidcOptions | null;
  /** Addresses of proxies whose word is believed: who it is, from where, by TLS or not. */
  readonly trustedProxies: readonly string[];
  readonly allowOrigins: readonly string[];
  /** The path that it is below, as /chat; empty at the root. */
  readonly basePath: string;
  /** parlor speaks TLS itself. */
  readonly isTls: boolean;
  /** Holds for everybody; null: the operator may set one while parlor runs. */
  readonly enforcedPersona: PersonaId | null;
  readonly metricsToken: string | null;
  readonly metricsAllow: readonly string[];
  readonly bounds: AppBounds;
}

export interface App {
  fetch(request: Request, server: Server<SocketData>): Promise<Response | undefined>;
  readonly websocket: WebSocketHandler<SocketData>;
  /** The secret of an invitation for the first admin, where there is none yet. */
  firstInvitation(): Promise<string | null>;
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

/** How long a delete can be undone, and between two looks for what is past its time, in ms. */
const undoMs = 24 * 3_600_000;
const tidyEveryMs = 10 * 60_000;

/** The house, ready for Bun.serve: what the process before this one left is taken up first. */
export async function createApp(parts: AppParts): Promise<App> {
  const { store, bus, upstream, log, metrics, allowOrigins, basePath, bounds } = parts;
  const proxies = { trustedProxies: new AddressSet(parts.trustedProxies), isTls: parts.isTls };
  const frameMaxBytes = bounds.messageMaxBytes * 6 + frameOverheadBytes;
  const { bug, refuse } = errorsTo(log, metrics);
  const enforced = await EnforcedPersona.of(parts.enforcedPersona, store.settings);
  const servers = new Servers(upstream, store.settings, parts.areUpstreamsFixed);
  await servers.restore();
  const auth = new Auth({ mode: parts.auth, store, sessionMs: bounds.sessionMs });
  const passwords = new Passwords(store);
  const oidc = parts.oidc && new (await import("./auth/oidc.ts")).Oidc(parts.oidc, log); // loaded where it is used: the start is shorter without
  const isAttended = (conversation: ConversationId) => hub.isWatched(conversation);
  const settings = new SettingsResolver(parts.personas, () => enforced.now);
  const storeOf = storeChooser(parts);
  const runs = new Runs({ ...parts, settings, storeOf, isAttended });
  const quota = new Quota({ usage: store.usage, runs, bounds });
  const chat = new Chat({ ...parts, settings, storeOf, runs, quota, drawAhead: drawThread });
  const shelf = new ConversationActions(parts);
  const hub = new Hub({
    bus,
    traffic: metrics.traffic,
    upstream: () => upstream.state,
    live: (id) => chat.live(id),
    thread: (id, part) => chat.thread(id, part),
    listed: (id) => store.listed(id),
    list: (owner) => store.list({ owner, limit: listPageMax }),
    allowance: async (id) =>
      quota.allowance((await store.people.person(id)) ?? { id, limits: standardLimits.guest }),
    attendanceChanged: () => runs.queue.refresh(),
    failed: bug,
  });
  const holds = async ({ known, link }: SocketData): Promise<Identity | boolean> => {
    if (link !== null) return (await store.links.find(link)) !== null;
    return (known && (await auth.again(known))) ?? false;
  };
  const sockets = new Sockets({
    addresses: new AddressCount(bounds.socketsMaxPerAddress),
    backlogMaxBytes: snapshotMaxBytes,
    holds,
    bug,
  });
  const inside = {
    auth,
    bodies: new Bodies(bounds),
    chat,
    quota,
    runs,
    settings,
    storeOf,
    shelf,
    hub,
    sockets,
    store,
    upstream,
    metrics,
    refuse,
  };
  const doors = new Endpoints({
    ...inside,
    allowOrigins,
    basePath,
    bug,
    bounds: { ...bounds, frameMaxBytes },
  });
  const pages = routes({
    ...inside,
    ...{ passwords, oidc, enforced, servers, bus, basePath, readBody: inside.bodies.read },
    metricsToken: parts.metricsToken,
    metricsAllow: new AddressSet(parts.metricsAllow),
    silentMs: silentBeats * bounds.heartbeatMs,
    formMaxBytes: frameMaxBytes, // %XX, and one twice too long is shown again
    importing: bounds,
    upstream: () => upstream.state,
    sockets: () => sockets.counts,
  });
  metrics.watch({
    running: () => runs.load.running,
    waiting: () => runs.load.waiting,
    slots: () => upstream.state.slots,
    foreignSlots: () => upstream.state.foreignSlots,
    isUpstreamReady: () => upstream.state.status === "ready",
    servers: () => upstream.servers,
    sockets: () => sockets.counts,
  });

  const tellLog = serverLog(log, bounds.slotsMax);
  upstream.watch((state) => {
    tellLog(upstream.servers);
    hub.tellUpstream(state);
  });

  // somebody may do less than before: their sockets and their Runs end with what they were allowed by
  const unwatch = store.people.watch(() => {
    sockets.review();
    stopRunsOfTheGone().catch(bug);
    doors.review().catch(bug);
  });
  async function stopRunsOfTheGone(): Promise<void> {
    for (const owner of new Set(runs.now.map((run) => run.owner))) {
      if ((await store.people.person(owner))?.removedAt !== null) runs.stop({ owner });
    }
  }

  // a dead client that is fed a trickle never idles out in Bun: every send resets its timer. So: our own ping and deadline.
  const pulse = setInterval(() => {
    hub.beat();
    const isOpen = (id: ConversationId) => hub.isWatched(id) || doors.open.has(id);
    chat.forgetTemporary(Date.now() - bounds.temporaryMs, isOpen).catch(bug);
    store.purge(Date.now() - undoMs).catch(bug);
    sockets.ping(performance.now() - silentBeats * bounds.heartbeatMs);
  }, bounds.heartbeatMs);

  async function tidyUp(): Promise<void> {
    for (const id of await store.retention.outlived(Date.now())) await chat.forget(id);
    await store.retention.tidy(Date.now());
    sockets.review(); // a session or a link may have come to its end
  }
  const tidying = setInterval(() => void tidyUp().catch(bug), tidyEveryMs);

  /** Who asks; nobody is asked for what everybody may have. */
  async function who(request: Request, pathname: string, client: Client): Promise<Identity | null> {
    if (pathname.startsWith("/assets/") || request.method === "OPTIONS") return null;
    return isProgramPath(pathname)
      ? auth.identifyProgram(request.headers, client)
      : auth.identify(request.headers, client);
  }

  await store.purge(Date.now() - undoMs);
  await chat.recover();
  await stopRunsOfTheGone();
  await tidyUp();

  return {
    async fetch(request, server) {
      try {
        server.timeout(request, keptSeconds);
        const pathname = pathOf(request, basePath);
        const client = clientOf(request.headers, server.requestIP(request)?.address ?? unixPeer, proxies);
        const isOddProbe = isHealthPath(pathname) && !isHost(request.headers.get("host")); // no name (HTTP/1.0), or a broken one
        if (!isOddProbe) checkHost(client.hosts[0] ?? null, allowOrigins);
        const known = await who(request, pathname, client);
        if (request.method !== "GET" && request.method !== "HEAD") {
          checkOrigin(request.headers, client.hosts, allowOrigins, {
            isAmbient: known !== null && known.key === undefined && parts.auth !== "none",
          });
        }
        const visitor: Visitor = {
          known,
          client,
          request: requestIdOf(request.headers, client.isProxied),
          base: basePath,
        };
        if (isSocketPath(pathname)) return await doors.socket(request, pathname, server, visitor);
        if (pathname === eventsPath) return await doors.events(request, server, visitor);
        if (pathname === sayPath && request.method === "OPTIONS")
          return new Response(null, { status: 204, headers: securityHeaders });
        if (pathname === sayPath && request.method === "POST") return await doors.said(request, visitor);
        if (isProgramPath(pathname)) return await doors.program(request, pathname, server, visitor);
        return await pages.fetch(
          isOddProbe ? new Request(`http://localhost${pathname}`, { method: request.method }) : request,
          visitor,
        );
      } catch (error) {
        server.timeout(request, keptSeconds); // where a door had lifted it
        const failure = refuse(error);
        if (failure.code !== "internal") log.warn("refused", { code: failure.code, ...failure.facts });
        const pathname = pathOf(request, basePath);
        return isProgramPath(pathname) && !isSocketPath(pathname)
          ? programRefusal(failure, dialectOf(pathname, request.headers), {
              ...programHeaders,
              ...corsHeaders(request.headers, allowOrigins),
            })
          : refusal(failure, request.headers, basePath);
      }
    },
    websocket: {
      // deflate saves nothing at 50 bytes a frame and costs 150–240 kB a socket (measured)
      perMessageDeflate: false,
      idleTimeout: 0,
      sendPings: false,
      maxPayloadLength: frameMaxBytes,
      backpressureLimit: snapshotMaxBytes,
      closeOnBackpressureLimit: true,
      ...sockets.handlers,
    },
    async firstInvitation() {
      return parts.auth === "password" && !(await store.people.isClaimed())
        ? passwords.invite("admin", localPerson)
        : null;
    },
    async stop() {
      clearInterval(pulse);
      clearInterval(tidying);
      unwatch();
      await chat.close(bounds.graceMs);
      sockets.closeAll(1012, "restart"); // htmx comes again on this code
      await upstream.close();
      await bus.close();
      await store.close();
      await parts.temporary.close();
      metrics.close();
    },
  };
}
