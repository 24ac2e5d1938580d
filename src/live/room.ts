// A Room: the sockets that watch one conversation. It follows the conversation's Runs, renders each RunEvent
// once per View and gives the same string to every Outbox. Joining, reconnecting and catching up after a slow
// connection all use one path, `sync`.

import type { RunEvent, Snapshot } from "../domain/event.ts";
import type { ConversationId, PersonId, RunId } from "../domain/id.ts";
import { isOfOneMoment } from "../domain/snapshots.ts";
import { Following } from "../runs/following.ts";
import type { RoomSource } from "./dependencies.ts";
import { snapshotFrame } from "./frames.ts";
import { RunFrames } from "./run-frames.ts";
import { policyViolation, type ViewerSocket } from "./viewer.ts";

/** Most reads of one thread for one snapshot: it is read again if a Run has begun or ended meanwhile. */
const readsMax = 5;
/** Time after which a snapshot that could not be read is tried again, in ms. */
const syncAgainMs = 1_000;

export class Room {
  readonly sockets = new Set<ViewerSocket>();
  readonly #conversation: ConversationId;
  readonly #source: RoomSource;
  readonly #following: Following;
  readonly #leave: () => void;
  /** What the pages show of the Runs in progress. */
  #frames: RunFrames;
  #isOpen = false;

  constructor(conversation: ConversationId, source: RoomSource) {
    this.#conversation = conversation;
    this.#source = source;
    this.#frames = new RunFrames(conversation, []);
    this.#following = new Following({
      ...{ bus: source.bus, conversation, onError: source.onError },
      live: (id) => source.live(id),
      began: (live) => this.#begin(live),
      heard: (event) => this.#broadcast(event),
      reshaped: () => this.#syncAll(),
    });
    this.#leave = source.join(conversation);
  }

  /** Adds a socket. It gets one frame with the whole thread, then the events. */
  add(socket: ViewerSocket): void {
    this.sockets.add(socket);
    void this.sync(socket);
  }

  /** Ends the subscription to the Bus, and says that no page looks at the conversation any more. */
  close(): void {
    this.#following.close();
    this.#leave();
  }

  #begin(live: readonly Snapshot[]): void {
    this.#frames = new RunFrames(this.#conversation, live);
    for (const { owner } of live) this.#closeForeign(owner);
    if (this.#isOpen) this.#syncAll(); // at first, each socket's own `sync` waits for this
    this.#isOpen = true;
  }

  #broadcast(event: RunEvent): void {
    const frame = this.#frames.frameOf(event);
    if (event.kind === "queued") this.#closeForeign(event.owner);
    for (const socket of this.sockets)
      if (!socket.isSyncing && !socket.hasLeft) socket.outbox.send(frame(socket.view));
  }

  /** Closes sockets that opened this id before the conversation existed, if another person owns it. */
  #closeForeign(owner: PersonId): void {
    for (const socket of this.sockets) {
      if (socket.person === null || socket.person === owner) continue;
      socket.hasLeft = true; // nothing more is sent, however long the transport takes to close
      socket.transport.close(policyViolation, "not yours");
    }
  }

  #syncAll(): void {
    for (const socket of this.sockets) void this.sync(socket);
  }

  /**
   * Sends the whole thread. Events that arrive while it is fetched are skipped: Runs in progress are drawn
   * from what the Room knows of them at the moment the frame is made. If a Run has begun or ended meanwhile,
   * the thread is fetched again. If it can't be fetched, the page keeps what it shows until it can.
   */
  async sync(socket: ViewerSocket, isAgain = false): Promise<void> {
    socket.isStale = socket.isSyncing;
    if (socket.isSyncing) return; // already under way: it will run once more
    socket.isSyncing = true;
    const part = socket.through === null ? {} : { through: socket.through };
    try {
      for (let isCurrent = false, reads = 1; !isCurrent && !socket.hasLeft; reads++) {
        socket.isStale = false;
        const list = await socket.list?.snapshot(socket);
        const fetched = await this.#source.thread(this.#conversation, part);
        while (this.#following.isBehind) await this.#following.ready;
        const { live } = this.#following; // no await from here on
        // after `readsMax` reads: a Run whose end could not be stored stays active in the Store
        isCurrent = (!socket.isStale && isOfOneMoment(fetched.thread, live)) || reads >= readsMax;
        if (!isCurrent || socket.hasLeft) continue;
        const current = {
          ...{ ...fetched, live, conversation: this.#conversation, upstream: this.#source.upstream() },
          rendered: (run: RunId) => this.#frames.rendered(run),
        };
        socket.outbox.send(snapshotFrame(current, socket.view) + (list ?? ""));
      }
    } catch (error) {
      if (!isAgain) this.#source.onError(error);
      setTimeout(() => !socket.hasLeft && void this.sync(socket, true), syncAgainMs).unref();
    } finally {
      socket.isSyncing = false;
    }
  }
}
