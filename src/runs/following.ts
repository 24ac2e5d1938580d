// Follows the Runs of one conversation from any process: subscribes, holds what comes, takes Snapshots, drops
// what they hold already, and goes on with the events. Where something is missing, Snapshots are taken
// again. So a reader misses nothing, whatever lies between it and the process that runs the answer.

import type { Bus } from "../bus/bus.ts";
import type { HouseEvent, RunEvent, Snapshot } from "../domain/event.ts";
import type { ConversationId } from "../domain/id.ts";
import { Snapshots } from "../domain/snapshots.ts";

interface FollowingOptions {
  readonly bus: Pick<Bus, "subscribe">;
  readonly conversation: ConversationId;
  /** Snapshots of the Runs in progress, each as of its last event. */
  live(conversation: ConversationId): Promise<readonly Snapshot[]>;
  /** Called with each new event, in order; never before `began`. */
  heard(event: RunEvent): void;
  /**
   * Called with the Snapshots from which the events go on: once at first, and again after a gap and when
   * events may be lost.
   */
  began(live: readonly Snapshot[]): void;
  /** Called when the thread has changed its shape, and when a Run waits whose messages were not told. */
  reshaped?(): void;
  onError(error: unknown): void;
}

export class Following {
  readonly #options: FollowingOptions;
  readonly #unsubscribe: () => void;
  #snapshots = new Snapshots([]);
  /** Events that wait for Snapshots; null while none are being taken. */
  #held: RunEvent[] | null = null;
  #isClosed = false;
  /** True when events may be lost since Snapshots were asked for. */
  #isMissing = false;
  /** Resolves when the Snapshots that are being taken are there. */
  ready: Promise<void>;

  constructor(options: FollowingOptions) {
    this.#options = options;
    const { bus, conversation } = options;
    this.#unsubscribe = bus.subscribe(
      conversation,
      (event) => this.#take(event),
      () => this.#miss(),
    );
    this.ready = this.#begin();
  }

  /** True while Snapshots are being taken: what is known may be out of date. */
  get isBehind(): boolean {
    return this.#held !== null && !this.#isClosed;
  }

  /** The Runs in progress, as of the last event that was heard. */
  get live(): readonly Snapshot[] {
    return this.#snapshots.all;
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
  }

  async #begin(): Promise<void> {
    const held: RunEvent[] = [];
    this.#held = held;
    const { live, conversation, began, onError } = this.#options;
    let snapshots: readonly Snapshot[] = [];
    do {
      this.#isMissing = false;
      try {
        snapshots = await live(conversation);
      } catch (error) {
        onError(error);
      }
    } while (this.#isMissing && !this.#isClosed);
    if (this.#isClosed) return;
    this.#snapshots = new Snapshots(snapshots);
    this.#held = null;
    began(snapshots);
    for (const event of held) this.#take(event);
  }

  #take(event: HouseEvent): void {
    if (this.#isClosed || event.kind === "listed" || event.kind === "cluster") return;
    try {
      if (event.kind === "reshaped") this.#options.reshaped?.();
      else if (this.#held) this.#held.push(event);
      else this.#hear(event);
    } catch (error) {
      this.#options.onError(error); // an error of a reader must not reach the publisher
    }
  }

  #miss(): void {
    if (this.#held) this.#isMissing = true;
    else if (!this.#isClosed) this.ready = this.#begin();
  }

  #hear(event: RunEvent): void {
    const fresh = this.#snapshots.take(event);
    if (fresh === "missing") this.ready = this.#begin();
    if (fresh === "missing" || fresh === null) return;
    this.#options.heard(fresh);
    // a Run that was left by another process: its messages may be in the thread without a word of them
    if (fresh.kind === "queued" && fresh.question === null) this.#options.reshaped?.();
  }
}
