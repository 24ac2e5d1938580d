// A bound on requests to llama-servers that need no slot (lists, counts, streams that are read again), which the queue does not see.

import { Failure } from "../domain/failure.ts";

/** So many are under way at once: beside 200 answers, within the 256 fetches that Bun runs. */
const passesMax = 32;

export class Bounded {
  #running = 0;

  /** Does `work`. @throws Failure `queue_full` when too many are under way; whatever `work` throws */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#running >= passesMax) throw new Failure("queue_full", { waiting: this.#running, seconds: 1 });
    this.#running++;
    try {
      await work();
    } finally {
      this.#running--;
    }
  }
}
