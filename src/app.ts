// Wires the parts of parlor together, from the ports (store, bus, upstream, personas) to what Bun.serve
// needs. Knows nothing of the command line, nor which adapters were chosen. Tests start parlor here.

import type { Server, WebSocketHandler } from "bun";
import { drawThread } from "../views/answer.tsx";
import { listPageMax } from "../views/list.tsx";
import { Auth, type AuthMode } from "./auth/auth.ts";
import type { Oidc, OidcOptions } from "./auth/oidc.ts";
import { Passwords } from "./auth/password.ts";
import { Chat } from "./chat/chat.ts";
import { ConversationActions } from "./chat/conversation-actions.ts";
import type { ChatBounds } from "./chat/dependencies.ts";
import { Forgetting } from "./chat/forgetting.ts";
import { Quota } from "./chat/quota.ts";
import { Servers } from "./chat/servers.ts";
import { Threads } from "./chat/threads.ts";
import { FileIndex } from "./documents/file-passages.ts";
import { Meaning } from "./documents/meaning.ts";
import { passageFinder } from "./documents/search.ts";
import { localPerson, standardLimits } from "./domain/account.ts";
import { AddressSet } from "./domain/address.ts";
import type { PersonaId } from "./domain/id.ts";
import { AddressCount } from "./http/guard.ts";
import { routes } from "./http/routes.tsx";
import type { ImportBounds } from "./http/transfer.tsx";
import { Hub } from "./live/hub.ts";
import { EnforcedPersona, SettingsResolver } from "./persona/effective-settings.ts";
import type { Personas } from "./persona/persona.ts";
import type { RunsBounds, RunsDependencies } from "./runs/dependencies.ts";
import { handOver, leaveToNext, takeOver } from "./runs/handover.ts";
import { RunHost } from "./runs/host.ts";
import { type FileBounds, openAttachments } from "./server/attached-files.ts";
import { Bodies, type BodiesBounds } from "./server/bodies.ts";
import { type Errors, errorHandlers } from "./server/errors.ts";
import { Gate } from "./server/gate.ts";
import type { HouseOptions } from "./server/house.ts";
import { type LibraryBounds, openLibrary } from "./server/library.ts";
import { PageEndpoints } from "./server/page-endpoints.ts";
import { ProgramEndpoints } from "./server/program-endpoints.ts";
import { stopRunsOfRemoved, watchRevocation } from "./server/revocation.ts";
import { SecondOpinion } from "./server/second-opinion.ts";
import { type SocketData, Sockets, snapshotMaxBytes, websocketOptions } from "./server/sockets.ts";
import { missedHeartbeatsMax, Upkeep } from "./server/upkeep.ts";
import { watchUpstream } from "./server/upstream-news.ts";
import { storeChooser } from "./store/chooser.ts";
import type { Store } from "./store/store.ts";
import type { Embedder, Reranker } from "./upstream/meaning.ts";
import type { Upstreams } from "./upstream/upstream.ts";

interface AppBounds extends ChatBounds, RunsBounds, BodiesBounds, ImportBounds, FileBounds, LibraryBounds {
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

interface AppDependencies
  extends Pick<RunsDependencies, "bus" | "log" | "metrics" | "generateTitles" | "logTexts" | "goesOn"> {
  readonly store: Store;
  /** Keeps temporary conversations, which are never written to disk. */
  readonly temporary: Store;
  readonly personas: Personas;
  readonly upstream: Upstreams;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  /** The llama-servers were named on the command line: admins can't change them on the page. */
  readonly areUpstreamsFixed: boolean;
  /** What makes this process one of several; null: it is alone. */
  readonly house?: HouseOptions | null;
  readonly auth: AuthMode;
  /** null unless `auth` is `oidc`. */
  readonly oidc: OidcOptions | null;
  /** Addresses of proxies whose headers are believed: the person, the client's address, and TLS. */
  readonly trustedProxies: readonly string[];
  readonly allowOrigins: readonly string[];
  /** The path that parlor is below, such as /chat; empty at the root. */
  readonly basePath: string;
  /** parlor speaks TLS itself. */
  readonly isTls: boolean;
  /** A persona that everybody must use; null: admins may set one on the page. */
  readonly enforcedPersona: PersonaId | null;
  /** The operator's folder of documents, which need not be there; null: none is followed. */
  readonly documents: string | null;
  /** Collections in it whose files are complete, however new they are. */
  readonly completeCollections?: readonly string[];
  readonly metricsToken: string | null;
  readonly metricsAllow: readonly string[];
  readonly bounds: AppBounds;
}

export interface App {
  fetch(request: Request, server: Server<SocketData>): Promise<Response | undefined>;
  readonly websocket: WebSocketHandler<SocketData>;
  /** Starts the work that nobody waits for. To be called when parlor listens. */
  begin(): void;
  /** Makes an invitation for the first admin; returns its secret. Null if there is an admin, or no passwords. */
  firstInvitation(): Promise<string | null>;
  /** Ends Runs and sockets in order, within `graceMs`, then closes the ports. */
  stop(): Promise<void>;
}

/** Overhead of a frame around its message, in bytes: field names, htmx's headers. */
const frameOverheadBytes = 16 * 1024;

/** Everything that Bun.serve needs. What the process before this one left unfinished is recovered first. */
export async function createApp(dependencies: AppDependencies): Promise<App> {
  const { store, upstream, log, metrics, bounds } = dependencies;
  const errors = errorHandlers(log, metrics);
  const enforced = await EnforcedPersona.of(dependencies.enforcedPersona, store.settings);
  const special = { embed: dependencies.embedder, rerank: dependencies.reranker };
  const servers = new Servers(upstream, special, store.settings, dependencies.areUpstreamsFixed);
  const passwords = new Passwords(store);
  const auth = new Auth({ mode: dependencies.auth, store, sessionMs: bounds.sessionMs });
  const core = await openChat(dependencies, enforced, errors);
  const { host, house, forgetting } = core;
  const sockets = openSockets(dependencies, auth, errors);
  // JSON may escape each character of a message as six bytes, and a form each byte as three (%XX): the form
  // of a message that is twice too long still fits, and is shown again
  const frameMaxBytes = bounds.messageMaxBytes * 6 + frameOverheadBytes;
  const services = { ...dependencies, ...errors, ...core, auth, sockets, bodies: new Bodies(bounds) };
  const programs = new ProgramEndpoints(services);
  const pageEndpoints = new PageEndpoints({ ...services, bounds: { ...bounds, frameMaxBytes } });
  const pages = routes({
    ...{ ...services, passwords, enforced, servers, readBody: services.bodies.read },
    oidc: await openOidc(dependencies),
    metricsAllow: new AddressSet(dependencies.metricsAllow),
    silentMs: missedHeartbeatsMax * bounds.heartbeatMs,
    formMaxBytes: frameMaxBytes,
    importing: bounds,
    upstream: () => upstream.state,
    sockets: () => sockets.counts,
    ...{ load: () => core.runs.load, membership: house?.several ?? null },
  });
  const trustedProxies = new AddressSet(dependencies.trustedProxies);
  const passing = house?.passing(sockets) ?? null;
  const gate = new Gate({ ...services, pages, pageEndpoints, programs, trustedProxies, passing });
  watchUpstream({ ...dependencies, ...core, sockets });
  const unwatch = watchRevocation({ ...services, programs });
  const upkeep = new Upkeep(services);
  upkeep.start();
  const lead = async () => {
    await servers.restore();
    await upkeep.lead();
    await takeOver(host, dependencies);
    await stopRunsOfRemoved(services);
    await upkeep.applyRetention();
    if (house) core.background.start();
  };
  await (house ? house.start(lead, () => sockets.size) : lead());

  return {
    fetch: (request, server) => gate.fetch(request, server),
    websocket: { ...websocketOptions, maxPayloadLength: frameMaxBytes, ...sockets.handlers },
    begin: () => (house ? undefined : core.background.start()),
    async firstInvitation() {
      const isNeeded = dependencies.auth === "password" && !(await store.people.isClaimed());
      return isNeeded ? passwords.invite("admin", localPerson) : null;
    },
    async stop() {
      upkeep.stop();
      unwatch();
      core.opinion.stop();
      await Promise.all([core.background.stop(), passing?.close(bounds.graceMs)]);
      await (house ? leaveToNext : handOver)(host, bounds.graceMs);
      await house?.stop();
      forgetting.end();
      sockets.closeAll(1012, "restart"); // htmx connects again after this code
      await closePorts(dependencies);
    },
  };
}

/** Conversations, their Runs, and the sockets that watch them. */
async function openChat(dependencies: AppDependencies, enforced: EnforcedPersona, { bug }: Errors) {
  const { store, bus, upstream, metrics, bounds } = dependencies;
  const settings = new SettingsResolver(dependencies.personas, () => enforced.now);
  const storeOf = storeChooser(dependencies);
  const fileIndex = new FileIndex();
  const meaning: Meaning = new Meaning({ ...dependencies, isBusy: () => host.load.running > 0, bug });
  const search = {
    findPassages: passageFinder(store.collections, meaning),
    findTemporary: passageFinder(dependencies.temporary.collections),
    indexFile: fileIndex.of.bind(fileIndex),
  };
  const opinion = new SecondOpinion({ ...dependencies, storeOf });
  const onEnd: RunsDependencies["onEnd"] = (ended) => void opinion.ask(ended).catch(bug);
  const firstEvent = () => dependencies.house?.cluster.firstEvent ?? 0;
  const host = new RunHost({ ...dependencies, ...search, settings, storeOf, onEnd, firstEvent });
  const several = { ...dependencies, bug, reload: () => enforced.reload() };
  const openHouse = async (options: HouseOptions) =>
    new (await import("./server/house.ts")).House(options, host, several);
  const house = dependencies.house ? await openHouse(dependencies.house) : null;
  const runs = house?.runs ?? host;
  const quota = new Quota({ usage: store.usage, runs, queue: house?.runs ?? host.queue.apiRequests, bounds });
  const ports = { ...dependencies, settings, storeOf, runs, quota, drawAhead: drawThread };
  const threads = new Threads(ports);
  const hub = new Hub({
    bus,
    traffic: metrics.traffic,
    upstream: () => upstream.state,
    live: (id) => runs.live(id),
    thread: (id, part) => threads.read(id, part),
    listed: (id) => store.listed(id),
    list: (owner) => store.list({ owner, limit: listPageMax }),
    allowance: async (id) =>
      quota.allowance((await store.people.person(id)) ?? { id, limits: standardLimits.guest }),
    join: (id) => runs.join(id),
    onError: bug,
  });
  const attachments = openAttachments([store, dependencies.temporary], storeOf, bounds);
  return {
    ...openLibrary(dependencies, attachments, bug, meaning),
    ...{ settings, storeOf, host, house, runs, opinion, queue: host.queue },
    ...{ quota, threads, hub, attachments },
    chat: new Chat(ports),
    forgetting: new Forgetting(ports),
    actions: new ConversationActions({ ...dependencies, attachments }),
  };
}

function openSockets({ store, bounds }: AppDependencies, auth: Auth, { bug }: Errors): Sockets {
  return new Sockets({
    addresses: new AddressCount(bounds.socketsMaxPerAddress),
    backlogMaxBytes: snapshotMaxBytes,
    async currentOwner({ identity, link }) {
      if (link !== null) return (await store.links.find(link)) !== null;
      return (identity && (await auth.refresh(identity))) ?? false;
    },
    bug,
  });
}

/** Its module is loaded only where it is needed, which makes the start shorter. */
async function openOidc({ oidc, log }: AppDependencies): Promise<Oidc | null> {
  return oidc && new (await import("./auth/oidc.ts")).Oidc(oidc, log);
}

async function closePorts(ports: AppDependencies): Promise<void> {
  const { upstream, embedder, reranker, bus, store, temporary, metrics } = ports;
  await Promise.all([upstream, embedder, reranker].map((servers) => servers.close()));
  await bus.close();
  await store.close();
  await temporary.close();
  metrics.close();
}
