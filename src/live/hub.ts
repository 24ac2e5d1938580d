// The sockets that watch conversations. A Room follows the Runs of one conversation, renders each RunEvent
// once per View and gives the same string to every Outbox. Joining, reconnecting and catching up after a slow
// connection all use one path, `#sync`.

import { heartbeat } from "../../views/frame.ts";
import type { RunEvent, Snapshot } from "../domain/event.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { EffectiveSettings } from "../domain/persona.ts";
import { isOfOneMoment } from "../domain/snapshots.ts";
import type { ThreadPage } from "../domain/thread.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import { Following } from "../runs/following.ts";
import type { Traffic } from "../telemetry/metrics.ts";
import { snapshotFrame, upstreamFrame } from "./frames.ts";
import { type ListSource, ListWatch } from "./list-watch.ts";
import { type FrameScope, Outbox } from "./outbox.ts";
import { RunFrames } from "./run-frames.ts";
import { oncePerView, type View } from "./view.ts";

/** What the hub reads. */
interface HubSource extends ListSource {
  readonly traffic: Traffic;
  upstream(): UpstreamState;
  /** Snapshots of the Runs in progress, each as of its last event. */
  live(conversation: ConversationId): Promise<readonly Snapshot[]>;
  thread(
    conversation: ConversationId,
    part: { through?: MessageId },
  ): Promise<ThreadPage & { effective: EffectiveSettings }>;
  /** Says that somebody looks at a conversation, until the returned function is called. */
  join(conversation: ConversationId): () => void;
}

/** Most reads of one thread for one snapshot: it is read again if a Run has begun or ended meanwhile. */
const readsMax = 5;

/** Close code after which htmx does not reconnect (RFC 6455 §7.4.1). */
export const policyViolation = 1008;

export interface Watcher {
  readonly outbox: Outbox;
  leave(): void;
}

/** What a socket shows, and to whom. */
interface Viewer {
  readonly conversation: ConversationId;
  readonly view: View;
  /** null: a reader of a shared link, who sees only the thread. */
  readonly person: PersonId | null;
  /** The oldest message that the page must show. */
  readonly through?: MessageId | null;
}

interface ViewerSocket extends Watcher, Required<Viewer> {
  readonly transport: Transport;
  /** True while its snapshot is being fetched, which will contain the events of that time. */
  isSyncing: boolean;
  hasLeft: boolean;
  /**
   * True if the thread was reshaped while its snapshot was being fetched, which makes that snapshot stale.
   */
  isStale: boolean;
}

interface Room {
  readonly sockets: Set<ViewerSocket>;
  readonly following: Following;
  /** What the pages show of the Runs in progress. */
  frames: RunFrames;
  /** Ends the subscription to the Bus, and says that no page looks at the conversation any more. */
  close(): void;
}

export class Hub {
  readonly #source: HubSource;
  readonly #rooms = new Map<ConversationId, Room>();
  readonly #lists = new Map<PersonId, ListWatch>();

  constructor(source: HubSource) {
    this.#source = source;
  }

  /**
   * Adds a socket to the Room of a conversation. It gets one frame with the whole thread, then the events.
   */
  join(viewer: Viewer, transport: Transport): Watcher {
    const { conversation, person } = viewer;
    const room = this.#rooms.get(conversation) ?? this.#open(conversation);
    const resync = (missed: FrameScope) =>
      void (missed === "thread" ? this.#sync(socket, room) : this.#sendSurroundings(socket));
    const socket: ViewerSocket = {
      ...viewer,
      through: viewer.through ?? null,
      transport,
      outbox: new Outbox(transport, resync, this.#source.traffic),
      isSyncing: false,
      hasLeft: false,
      isStale: false,
      leave: () => this.#leave(room, socket),
    };
    room.sockets.add(socket);
    if (person !== null) {
      const list = this.#lists.get(person) ?? new ListWatch(person, this.#source);
      this.#lists.set(person, list);
      list.sockets.add(socket);
    }
    void this.#sync(socket, room);
    return socket;
  }

  /** Tells every page that the upstream has changed. */
  sendUpstream(state: UpstreamState): void {
    const frame = oncePerView((view) => upstreamFrame(state, view));
    this.#forEachSocket((socket) => socket.outbox.send(frame(socket.view), "surroundings"));
  }

  /** A sign of life to every page. */
  sendHeartbeat(): void {
    this.#forEachSocket((socket) => socket.outbox.send(heartbeat, "nothing"));
  }

  #forEachSocket(each: (socket: ViewerSocket) => void): void {
    for (const room of this.#rooms.values()) for (const socket of room.sockets) each(socket);
  }

  /** Sends the state of llama-server and the list to one page that missed a change of them. */
  async #sendSurroundings(socket: ViewerSocket): Promise<void> {
    try {
      const list = await this.#listFor(socket);
      socket.outbox.send(upstreamFrame(this.#source.upstream(), socket.view) + list, "surroundings");
    } catch (error) {
      this.#source.onError(error);
    }
  }

  async #listFor(socket: ViewerSocket): Promise<string> {
    return (await this.#lists.get(socket.person ?? "")?.snapshot(socket)) ?? "";
  }

  #open(conversation: ConversationId): Room {
    const { bus, onError } = this.#source;
    const syncAll = () => {
      for (const socket of room.sockets) void this.#sync(socket, room);
    };
    let isOpen = false;
    const following = new Following({
      ...{ bus, conversation, onError },
      live: (id) => this.#source.live(id),
      began(live) {
        room.frames = new RunFrames(live);
        if (isOpen) syncAll(); // at first, each socket's own `#sync` waits for this
        isOpen = true;
      },
      heard: (event) => this.#broadcast(room, event),
      reshaped: syncAll,
    });
    const leave = this.#source.join(conversation);
    const room: Room = {
      sockets: new Set(),
      following,
      frames: new RunFrames([]),
      close() {
        following.close();
        leave();
      },
    };
    this.#rooms.set(conversation, room);
    return room;
  }

  #leave(room: Room, socket: ViewerSocket): void {
    const { conversation, person } = socket;
    socket.hasLeft = true;
    const list = this.#lists.get(person ?? "");
    list?.sockets.delete(socket);
    if (list?.sockets.size === 0 && this.#lists.delete(person ?? "")) list.close();
    room.sockets.delete(socket);
    if (room.sockets.size > 0) return;
    if (this.#rooms.get(conversation) === room) this.#rooms.delete(conversation);
    room.close();
  }

  #broadcast(room: Room, event: RunEvent): void {
    const frame = room.frames.frameOf(event);
    for (const socket of room.sockets) {
      // a socket that opened this id before the conversation existed is closed if another person owns it
      if (event.kind === "queued" && socket.person !== null && socket.person !== event.owner)
        socket.transport.close(policyViolation, "not yours");
      else if (!socket.isSyncing) socket.outbox.send(frame(socket.view));
    }
  }

  /**
   * Sends the whole thread. Events that arrive while it is fetched are skipped: Runs in progress are drawn
   * from what the Room knows of them at the moment the frame is made. If a Run has begun or ended meanwhile,
   * the thread is fetched again.
   */
  async #sync(socket: ViewerSocket, room: Room): Promise<void> {
    const { conversation } = socket;
    socket.isStale = socket.isSyncing;
    if (socket.isSyncing) return; // already under way: it will run once more
    socket.isSyncing = true;
    try {
      for (let isCurrent = false, reads = 1; !isCurrent && !socket.hasLeft; reads++) {
        socket.isStale = false;
        const list = await this.#listFor(socket);
        const fetched = await this.#source.thread(
          conversation,
          socket.through === null ? {} : { through: socket.through },
        );
        while (room.following.isBehind) await room.following.ready;
        const { live } = room.following; // no await from here on
        // after `readsMax` reads: a Run whose end could not be stored stays active in the Store
        isCurrent = (!socket.isStale && isOfOneMoment(fetched.thread, live)) || reads >= readsMax;
        if (!isCurrent || socket.hasLeft) continue;
        const current = {
          ...fetched,
          live,
          rendered: (run: RunId) => room.frames.rendered(run),
          conversation,
          upstream: this.#source.upstream(),
        };
        socket.outbox.send(snapshotFrame(current, socket.view) + list);
      }
    } catch (error) {
      this.#source.onError(error);
    } finally {
      socket.isSyncing = false;
    }
  }
}
