// The sockets that watch conversations. A Room renders each RunEvent once (once per language where words of ours are
// in it) and gives the same string to every Outbox. Joining, reconnecting, a slow reader that is back: one path, `#sync`.

import { heartbeat } from "../../views/frame.ts";
import type { HouseEvent, RunEvent, Snapshot } from "../domain/event.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "../domain/id.ts";
import type { EffectiveSettings } from "../domain/persona.ts";
import type { ThreadPage } from "../domain/thread.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Traffic } from "../telemetry/metrics.ts";
import { once, snapshotFrame, upstreamFrame, type View } from "./frames.ts";
import { type ListSource, ListWatch } from "./list-watch.ts";
import { Outbox, type Sink } from "./outbox.ts";
import { RunFrames } from "./run-frames.ts";

/** What the hub asks of the house. */
interface Source extends ListSource {
  readonly traffic: Traffic;
  upstream(): UpstreamState;
  /** The Runs in progress, as the events so far have told them. */
  live(conversation: ConversationId): readonly Snapshot[];
  thread(
    conversation: ConversationId,
    part: { through?: MessageId },
  ): Promise<ThreadPage & { live: readonly Snapshot[]; voice: EffectiveSettings }>;
  /** Somebody has come to a conversation that nobody looked at, or the last has left it. */
  attended(conversation: ConversationId): void;
}

/** A thread is fetched again at most this often because a Run has begun or ended meanwhile. */
const fetchMax = 5;

/** Closed for good: htmx does not come again on this code (RFC 6455 §7.4.1). */
export const policyViolation = 1008;

export interface Watcher {
  readonly outbox: Outbox;
  leave(): void;
}

/** Who takes a seat, and before what. */
export interface Guest {
  readonly conversation: ConversationId;
  readonly view: View;
  /** null: somebody who follows a link, and sees the thread alone. */
  readonly person: PersonId | null;
  /** The oldest message that the page must hold. */
  readonly through?: MessageId | null;
}

interface Seat extends Watcher, Required<Guest> {
  readonly sink: Sink;
  /** Its snapshot is being fetched: what happens meanwhile will be in it. */
  syncing: boolean;
  gone: boolean;
  /** The thread was reshaped while a snapshot was being fetched: that one is old. */
  again: boolean;
}

interface Room {
  readonly seats: Set<Seat>;
  readonly frames: RunFrames;
  readonly unsubscribe: () => void;
}

export class Hub {
  readonly #source: Source;
  readonly #rooms = new Map<ConversationId, Room>();
  readonly #lists = new Map<PersonId, ListWatch>();

  constructor(source: Source) {
    this.#source = source;
  }

  /** Seats a socket in the Room of a conversation; a frame with everything so far follows, then the events. */
  join(guest: Guest, sink: Sink): Watcher {
    const { conversation, person } = guest;
    const room = this.#rooms.get(conversation) ?? this.#open(conversation);
    const resync = (missed: "thread" | "surroundings" | "nothing") =>
      void (missed === "thread" ? this.#sync(seat, room) : this.#tellSurroundings(seat));
    const seat: Seat = {
      ...guest,
      through: guest.through ?? null,
      sink,
      outbox: new Outbox(sink, resync, this.#source.traffic),
      syncing: false,
      gone: false,
      again: false,
      leave: () => this.#leave(room, seat),
    };
    room.seats.add(seat);
    if (person !== null) {
      const list = this.#lists.get(person) ?? new ListWatch(person, this.#source);
      this.#lists.set(person, list);
      list.seats.add(seat);
    }
    if (room.seats.size === 1) this.#source.attended(conversation);
    void this.#sync(seat, room);
    return seat;
  }

  /** True while a page shows the conversation. */
  isWatched(conversation: ConversationId): boolean {
    return this.#rooms.has(conversation);
  }

  /** Tells every page that the upstream has changed. */
  tellUpstream(state: UpstreamState): void {
    const frame = once((view) => upstreamFrame(state, view));
    this.#everySeat((seat) => seat.outbox.send(frame(seat.view), "surroundings"));
  }

  /** A sign of life to every page. */
  beat(): void {
    this.#everySeat((seat) => seat.outbox.send(heartbeat, "nothing"));
  }

  #everySeat(each: (seat: Seat) => void): void {
    for (const room of this.#rooms.values()) for (const seat of room.seats) each(seat);
  }

  /** The upstream and the list as they are now, to one page that missed a change of them. */
  async #tellSurroundings(seat: Seat): Promise<void> {
    try {
      const list = await this.#listFor(seat);
      seat.outbox.send(upstreamFrame(this.#source.upstream(), seat.view) + list, "surroundings");
    } catch (error) {
      this.#source.failed(error);
    }
  }

  async #listFor(seat: Seat): Promise<string> {
    return (await this.#lists.get(seat.person ?? "")?.now(seat)) ?? "";
  }

  #open(conversation: ConversationId): Room {
    // in one synchronous block: what the Room knows of the Runs and the first event it hears leave no gap
    const frames = new RunFrames(this.#source.live(conversation));
    const room: Room = {
      seats: new Set(),
      frames,
      unsubscribe: this.#source.bus.subscribe(conversation, (event) => this.#hear(room, event)),
    };
    this.#rooms.set(conversation, room);
    return room;
  }

  #leave(room: Room, seat: Seat): void {
    const { conversation, person } = seat;
    seat.gone = true;
    const list = this.#lists.get(person ?? "");
    list?.seats.delete(seat);
    if (list?.seats.size === 0 && this.#lists.delete(person ?? "")) list.close();
    room.seats.delete(seat);
    if (room.seats.size > 0) return;
    room.unsubscribe();
    if (this.#rooms.get(conversation) === room) this.#rooms.delete(conversation);
    this.#source.attended(conversation);
  }

  #hear(room: Room, event: HouseEvent): void {
    try {
      if (event.kind === "reshaped") for (const seat of room.seats) void this.#sync(seat, room);
      else if (event.kind !== "listed") this.#tell(room, event);
    } catch (error) {
      this.#source.failed(error); // who publishes must not fall over what we draw
    }
  }

  #tell(room: Room, event: RunEvent): void {
    const frame = room.frames.of(event);
    for (const seat of room.seats) {
      // whoever had guessed the address of a conversation that was not there yet sees nothing of it
      if (event.kind === "queued" && seat.person !== null && seat.person !== event.owner)
        seat.sink.close(policyViolation, "not yours");
      else if (!seat.syncing) seat.outbox.send(frame(seat.view));
    }
  }

  /**
   * Sends the thread as it is. Events that come while it is fetched are skipped: what is in progress is drawn as it stands when
   * the frame is made, and when a Run has begun or ended meanwhile the thread is fetched again.
   */
  async #sync(seat: Seat, room: Room): Promise<void> {
    const { conversation } = seat;
    seat.again = seat.syncing;
    if (seat.syncing) return; // under way already, and then once more
    seat.syncing = true;
    try {
      for (let isNow = false, times = 1; !isNow && !seat.gone; times++) {
        seat.again = false;
        const list = await this.#listFor(seat);
        const fetched = await this.#source.thread(
          conversation,
          seat.through === null ? {} : { through: seat.through },
        );
        const live = this.#source.live(conversation);
        const active = fetched.thread.flatMap(({ run }) =>
          run?.status === "queued" || run?.status === "running" ? [run.id] : [],
        );
        const isSame = [...active, ...fetched.live.map(({ run }) => run)].every((id) =>
          live.some(({ run }) => run === id),
        );
        // a Run whose end can't be stored stays active in the Store: it is not waited for
        isNow = (!seat.again && isSame && live.length === fetched.live.length) || times >= fetchMax;
        if (!isNow || seat.gone) continue;
        const now = {
          ...fetched,
          live,
          drawn: (run: RunId) => room.frames.drawn(run),
          conversation,
          upstream: this.#source.upstream(),
        };
        seat.outbox.send(snapshotFrame(now, seat.view) + list);
      }
    } catch (error) {
      this.#source.failed(error);
    } finally {
      seat.syncing = false;
    }
  }
}
