// How many Slots may be used: as many as llama-server says it has, or fewer where the operator says so, without strays. A stray is a
// slot that is busy although no Run of ours has it: another program uses it, or a generation that was given up goes on. Used by chat/runs.

import type { Log } from "../telemetry/log.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface SlotsParts {
  readonly upstream: Pick<Upstream, "state" | "busySlots">;
  readonly log: Log;
  /** At most so many. */
  readonly slotsMax: number;
  /** Between two looks. */
  readonly everyMs: number;
  /** Slots that Runs of ours hold now. */
  ours(): number;
  changed(): void;
}

export class Slots {
  readonly #parts: SlotsParts;
  readonly #timer: Timer;
  #seen = 0;
  #strays = 0;
  #looking = false;

  constructor(parts: SlotsParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#look(), parts.everyMs);
    this.#timer.unref();
  }

  /** Slots that may be used: one always, for llama-server has a line of its own. */
  get usable(): number {
    const { upstream, slotsMax } = this.#parts;
    return Math.max(1, Math.min(upstream.state.slots, slotsMax) - this.#strays);
  }

  /** Slots that are busy without a Run of ours. */
  get strays(): number {
    return this.#strays;
  }

  /** A Run has ended and its slot is busy still. */
  found(): void {
    this.#seen++;
    this.#set(this.#strays + 1);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** More are believed at the second look in a row, since a Run may begin or end during one; fewer at once. */
  async #look(): Promise<void> {
    const { upstream, ours } = this.#parts;
    if (this.#looking || upstream.state.status !== "ready") return;
    this.#looking = true;
    try {
      const before = ours();
      const busy = await upstream.busySlots();
      if (busy === null) return;
      const strays = Math.max(0, busy - Math.max(before, ours()));
      this.#set(Math.min(strays, Math.max(this.#seen, this.#strays)));
      this.#seen = strays;
    } finally {
      this.#looking = false;
    }
  }

  #set(count: number): void {
    if (count === this.#strays) return;
    const { log, changed } = this.#parts;
    if (count > this.#strays) log.warn("slots are busy without a Run of ours", { slots: count });
    else log.info("slots that were busy without a Run of ours are idle", { slots: count });
    this.#strays = count;
    changed();
  }
}
