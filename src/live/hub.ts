// All sockets that watch conversations: which Room each is in, whose list it shows, and what goes to all of
// them. What happens in a Room is in live/room.

import { heartbeat } from "../../views/frame.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { Transport } from "../domain/outgoing.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { HubSource } from "./dependencies.ts";
import { upstreamFrame } from "./frames.ts";
import { ListWatch } from "./list-watch.ts";
import { type FrameScope, Outbox } from "./outbox.ts";
import { Room } from "./room.ts";
import { oncePerView } from "./view.ts";
import type { Viewer, ViewerSocket } from "./viewer.ts";

export interface Watcher {
  readonly outbox: Outbox;
  leave(): void;
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
    const room = this.#rooms.get(conversation) ?? new Room(conversation, this.#source);
    this.#rooms.set(conversation, room);
    const resync = (missed: FrameScope) =>
      void (missed === "thread" ? room.sync(socket) : this.#sendSurroundings(socket));
    const outbox = new Outbox(transport, resync, this.#source.traffic);
    const socket: ViewerSocket = {
      ...{ ...viewer, through: viewer.through ?? null, transport, outbox },
      list: person === null ? null : this.#listOf(person),
      ...{ isSyncing: false, hasLeft: false, isStale: false },
    };
    socket.list?.sockets.add(socket);
    room.add(socket);
    return { outbox, leave: () => this.#leave(room, socket) };
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
      const list = (await socket.list?.snapshot(socket)) ?? "";
      socket.outbox.send(upstreamFrame(this.#source.upstream(), socket.view) + list, "surroundings");
    } catch (error) {
      this.#source.onError(error);
    }
  }

  #listOf(person: PersonId): ListWatch {
    const list = this.#lists.get(person) ?? new ListWatch(person, this.#source);
    this.#lists.set(person, list);
    return list;
  }

  #leave(room: Room, socket: ViewerSocket): void {
    const { conversation, person, list } = socket;
    socket.hasLeft = true;
    list?.sockets.delete(socket);
    if (list?.sockets.size === 0 && this.#lists.delete(person ?? "")) list.close();
    room.sockets.delete(socket);
    if (room.sockets.size > 0) return;
    if (this.#rooms.get(conversation) === room) this.#rooms.delete(conversation);
    room.close();
  }
}
