// A bound on concurrent requests that need no slot (lists, counts, resumed streams): the queue does not count
// them.

import { Failure } from "../domain/failure.ts";

/** Most requests at once: with 200 answers beside them they stay within Bun's 256 concurrent fetches. */
const passesMax = 32;

export class Bounded {
  #running = 0;

  /** Runs `work`. @throws Failure `queue_full` when too many are running; whatever `work` throws */
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
