// What the queue has learned, saved for the next process: the fair shares, and how long Runs take. Errors are
// logged: losing some of it costs accuracy, not correctness.

import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Scheduler } from "./scheduler.ts";

/** Least time between two saves of the wait statistics, in ms: a crash loses at most so much. */
const waitsSaveEveryMs = 10_000;

export class QueueMemory {
  readonly #scheduler: Pick<Scheduler, "shares" | "waits" | "waiting">;
  readonly #store: Pick<Store, "usage" | "settings">;
  readonly #log: Log;
  #waitsSavedAt = Number.NEGATIVE_INFINITY;

  constructor(
    scheduler: Pick<Scheduler, "shares" | "waits" | "waiting">,
    store: Pick<Store, "usage" | "settings">,
    log: Log,
  ) {
    this.#scheduler = scheduler;
    this.#store = store;
    this.#log = log;
  }

  /** Continues with the shares and the wait statistics of the previous process. */
  async restore(): Promise<void> {
    this.#scheduler.shares.restore(await this.#store.usage.shares());
    const waits = await this.#store.settings.get("waits");
    if (waits !== null) this.#scheduler.waits.restore(waits);
  }

  /** Saves the changed shares while anybody waits. With an empty queue they do not matter. */
  saveShares(): void {
    if (this.#scheduler.waiting === 0) return;
    this.#store.usage
      .keepShares(this.#scheduler.shares.changes())
      .catch((error) => this.#log.error("shares could not be saved", { error: String(error) }));
  }

  /** Saves the wait statistics, at most every `waitsSaveEveryMs`. */
  saveWaits(): void {
    if (performance.now() - this.#waitsSavedAt < waitsSaveEveryMs) return;
    this.#waitsSavedAt = performance.now();
    this.#store.settings
      .set("waits", this.#scheduler.waits.kept)
      .catch((error) => this.#log.error("wait statistics could not be saved", { error: String(error) }));
  }
}
