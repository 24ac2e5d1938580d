// Slots that are busy without a request of ours: lost ones, and those that somebody else uses beside us. What
// parlor counts on without having it would make its Runs wait inside llama-server, where nobody sees it.

import type { Log } from "../telemetry/log.ts";

interface ForeignLoadParts {
  readonly log: Log;
  readonly url: string;
  /** Between two looks, in ms. */
  readonly everyMs: number;
  /** Slots that llama-server shows as busy; null when that can't be known. */
  busySlots(): Promise<number | null>;
  isReady(): boolean;
  /** Slots that requests of ours hold now. */
  ours(): number;
  changed(): void;
}

export class ForeignLoad {
  readonly #parts: ForeignLoadParts;
  readonly #timer: Timer;
  #seen = 0;
  #count = 0;
  #looking = false;

  constructor(parts: ForeignLoadParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#look(), parts.everyMs);
    this.#timer.unref();
  }

  get count(): number {
    return this.#count;
  }

  /** A request of ours is over and its slot is busy still. */
  found(): void {
    this.#seen++;
    this.#set(this.#count + 1);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** More are believed at the second look in a row, since a request may begin or end during one; fewer at once. */
  async #look(): Promise<void> {
    const { busySlots, isReady, ours } = this.#parts;
    if (this.#looking || !isReady()) return;
    this.#looking = true;
    try {
      const before = ours();
      const busy = await busySlots();
      if (busy === null) return;
      const strays = Math.max(0, busy - Math.max(before, ours()));
      this.#set(Math.min(strays, Math.max(this.#seen, this.#count)));
      this.#seen = strays;
    } finally {
      this.#looking = false;
    }
  }

  #set(count: number): void {
    if (count === this.#count) return;
    const { log, url, changed } = this.#parts;
    if (count > this.#count) log.warn("slots are busy without a Run of ours", { url, slots: count });
    else log.info("slots that were busy without a Run of ours are idle", { url, slots: count });
    this.#count = count;
    changed();
  }
}
