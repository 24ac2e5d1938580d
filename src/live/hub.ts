// The sockets that watch conversations. A Room renders each RunEvent once (once per language where words of ours are
// in it) and gives the same string to every Outbox. Joining, reconnecting, a slow reader that is back: one path, `#sync`.

import { heartbeat } from "../../views/frame.ts";
import type { Language } from "../../views/words.ts";
import type { Bus } from "../bus/bus.ts";
import type { ConversationId, ListedConversation, MessageId, ThreadPage } from "../domain/conversation.ts";
import { type HouseEvent, type Listed, listTopic } from "../domain/event.ts";
import type { Voice } from "../domain/persona.ts";
import type { RunEvent, RunId, Snapshot } from "../domain/run.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import { entryFrame, type Frame, listFrame, once, snapshotFrame, upstreamFrame } from "./frames.ts";
import { Outbox, type Sink } from "./outbox.ts";
import { RunFrames } from "./run-frames.ts";

/** What the hub asks of the house. */
export interface Source {
  readonly bus: Bus;
  upstream(): UpstreamState;
  /** The Runs in progress, as the events so far have told them. */
  live(conversation: ConversationId): readonly Snapshot[];
  thread(conversation: ConversationId, part: { through?: MessageId }): Promise<ThreadPage & { live: readonly Snapshot[]; voice: Voice }>;
  /** One entry of the list; null when it is not in it (any more). */
  listed(conversation: ConversationId): Promise<ListedConversation | null>;
  /** The list's first page. */
  list(): Promise<readonly ListedConversation[]>;
  failed(error: unknown): void;
}

/** A thread is fetched again at most this often because a Run has begun or ended meanwhile. */
const fetchMax = 5;

/** Changes of the list that come within this time are told together: with many at work each page would else hear of each start and end. */
const listFoldMs = 100;
/** With more changed entries than this the whole first page is told. */
const entriesMax = 10;

export interface Member {
  readonly outbox: Outbox;
  readonly language: Language;
  leave(): void;
}

interface Seat extends Member {
  /** The oldest message that its page must hold. */
  readonly through: MessageId | null;
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

  /** Entries that have changed since the pages were last told, and whether each belongs at the top. */
  readonly #changed = new Map<ConversationId, boolean>();
  #listTimer: Timer | null = null;

  constructor(source: Source) {
    this.#source = source;
    source.bus.subscribe(listTopic, (event) => event.kind === "listed" && this.#hearList(event));
  }

  /** Seats a socket in the Room of a conversation; a frame with everything so far follows, then the events. */
  join(conversation: ConversationId, language: Language, sink: Sink, through: MessageId | null = null): Member {
    const room = this.#rooms.get(conversation) ?? this.#open(conversation);
    const seat: Seat = {
      outbox: new Outbox(sink, (missed) => void (missed === "thread" ? this.#sync(conversation, seat, room) : this.#tellSurroundings(conversation, seat))),
      language,
      through,
      syncing: false,
      gone: false,
      again: false,
      leave: () => this.#leave(conversation, room, seat),
    };
    room.seats.add(seat);
    void this.#sync(conversation, seat, room);
    return seat;
  }

  /** True while a page shows the conversation. */
  isWatched(conversation: ConversationId): boolean {
    return this.#rooms.has(conversation);
  }

  /** Tells every page that the upstream has changed. */
  tellUpstream(state: UpstreamState): void {
    const frame = once((language) => upstreamFrame(state, language));
    this.#everySeat((seat) => seat.outbox.send(frame(seat.language), "surroundings"));
  }

  /** A sign of life to every page. */
  beat(): void {
    this.#everySeat((seat) => seat.outbox.send(heartbeat, "nothing"));
  }

  #everySeat(each: (seat: Seat, conversation: ConversationId) => void): void {
    for (const [conversation, room] of this.#rooms) for (const seat of room.seats) each(seat, conversation);
  }

  #hearList({ conversation, isLatest }: Listed): void {
    const isStillLatest = isLatest && (this.#changed.get(conversation) ?? true);
    this.#changed.delete(conversation); // so that the order is that of the last changes
    this.#changed.set(conversation, isStillLatest);
    this.#listTimer ??= setTimeout(() => void this.#tellList(), listFoldMs);
  }

  /** Tells every page what has changed in the list: its few latest entries, or all of its first page. */
  async #tellList(): Promise<void> {
    const changed = new Map(this.#changed);
    this.#changed.clear();
    this.#listTimer = null;
    try {
      const isFew = changed.size <= entriesMax && [...changed.values()].every((isLatest) => isLatest);
      const entries = isFew ? await Promise.all([...changed.keys()].map((id) => this.#source.listed(id))) : [];
      const found = entries.filter((entry) => entry !== null);
      const list = isFew && found.length === changed.size ? null : await this.#source.list();
      const frames = new Map<ConversationId, Frame>();
      this.#everySeat((seat, room) => {
        const open = list || changed.has(room) ? room : "";
        const frame =
          frames.get(open) ??
          once((language) => (list ? listFrame(list, open, language) : found.map((entry) => entryFrame(entry, entry.id === open, language)).join("")));
        frames.set(open, frame);
        seat.outbox.send(frame(seat.language), "surroundings");
      });
    } catch (error) {
      this.#source.failed(error);
    }
  }

  /** The upstream and the list as they are now, to one page that missed a change of them. */
  async #tellSurroundings(conversation: ConversationId, seat: Seat): Promise<void> {
    try {
      const list = listFrame(await this.#source.list(), conversation, seat.language);
      seat.outbox.send(upstreamFrame(this.#source.upstream(), seat.language) + list, "surroundings");
    } catch (error) {
      this.#source.failed(error);
    }
  }

  #open(conversation: ConversationId): Room {
    // in one synchronous block: what the Room knows of the Runs and the first event it hears leave no gap
    const frames = new RunFrames(this.#source.live(conversation));
    const room: Room = { seats: new Set(), frames, unsubscribe: this.#source.bus.subscribe(conversation, (event) => this.#hear(conversation, room, event)) };
    this.#rooms.set(conversation, room);
    return room;
  }

  #leave(conversation: ConversationId, room: Room, seat: Seat): void {
    seat.gone = true;
    room.seats.delete(seat);
    if (room.seats.size > 0) return;
    room.unsubscribe();
    if (this.#rooms.get(conversation) === room) this.#rooms.delete(conversation);
  }

  #hear(conversation: ConversationId, room: Room, event: HouseEvent): void {
    try {
      if (event.kind === "reshaped") for (const seat of room.seats) void this.#sync(conversation, seat, room);
      else if (event.kind !== "listed") this.#tell(room, event);
    } catch (error) {
      this.#source.failed(error); // who publishes must not fall over what we draw
    }
  }

  #tell(room: Room, event: RunEvent): void {
    const frame = room.frames.of(event);
    for (const seat of room.seats) {
      if (!seat.syncing) seat.outbox.send(frame(seat.language));
    }
  }

  /**
   * Sends the thread as it is. Events that come while it is fetched are skipped: what is in progress is drawn as it stands when
   * the frame is made, and when a Run has begun or ended meanwhile the thread is fetched again.
   */
  async #sync(conversation: ConversationId, seat: Seat, room: Room): Promise<void> {
    seat.again = seat.syncing;
    if (seat.syncing) return; // under way already, and then once more
    seat.syncing = true;
    try {
      for (let isNow = false, times = 1; !isNow && !seat.gone; times++) {
        seat.again = false;
        const list = await this.#source.list();
        const fetched = await this.#source.thread(conversation, seat.through === null ? {} : { through: seat.through });
        const live = this.#source.live(conversation);
        const active = fetched.thread.flatMap(({ run }) => (run?.status === "queued" || run?.status === "running" ? [run.id] : []));
        const isSame = [...active, ...fetched.live.map(({ run }) => run)].every((id) => live.some(({ run }) => run === id));
        // a Run whose end can't be stored stays active in the Store: it is not waited for
        isNow = (!seat.again && isSame && live.length === fetched.live.length) || times >= fetchMax;
        if (!isNow || seat.gone) continue;
        const now = { ...fetched, live, drawn: (run: RunId) => room.frames.drawn(run), conversation, upstream: this.#source.upstream() };
        seat.outbox.send(snapshotFrame(now, seat.language) + listFrame(list, conversation, seat.language));
      }
    } catch (error) {
      this.#source.failed(error);
    } finally {
      seat.syncing = false;
    }
  }
}
