// Slots that are busy without a request of parlor's: leaked ones, and those that other clients of the same
// llama-server use. If parlor counted on them, its Runs would wait inside llama-server, where nobody sees it.

import type { Log } from "../telemetry/log.ts";

interface ForeignLoadOptions {
  readonly log: Log;
  readonly url: string;
  /** Pause between two checks, in ms. */
  readonly everyMs: number;
  /** Slots that llama-server shows as busy; null when that can't be known. */
  busySlots(): Promise<number | null>;
  isReady(): boolean;
  /** Slots that requests of parlor hold now. */
  heldSlots(): number;
  changed(): void;
}

export class ForeignLoad {
  readonly #options: ForeignLoadOptions;
  readonly #timer: Timer;
  #seen = 0;
  #count = 0;
  #isChecking = false;

  constructor(options: ForeignLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#check(), options.everyMs);
    this.#timer.unref();
  }

  get count(): number {
    return this.#count;
  }

  /** A request of parlor has ended and its slot stays busy. */
  found(): void {
    this.#seen++;
    this.#set(this.#count + 1);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * A higher count needs two checks in a row, since a request may begin or end during one; a lower count
   * holds at once.
   */
  async #check(): Promise<void> {
    const { busySlots, isReady, heldSlots } = this.#options;
    if (this.#isChecking || !isReady()) return;
    this.#isChecking = true;
    try {
      const before = heldSlots();
      const busy = await busySlots();
      if (busy === null) return;
      const foreign = Math.max(0, busy - Math.max(before, heldSlots()));
      this.#set(Math.min(foreign, Math.max(this.#seen, this.#count)));
      this.#seen = foreign;
    } finally {
      this.#isChecking = false;
    }
  }

  #set(count: number): void {
    if (count === this.#count) return;
    const { log, url, changed } = this.#options;
    if (count > this.#count) log.warn("slots are busy without a Run of ours", { url, slots: count });
    else log.info("slots that were busy without a Run of ours are idle", { url, slots: count });
    this.#count = count;
    changed();
  }
}
