// What running answers have written goes into the Store a few times a second: together, in one transaction,
// by one timer for all of them. Knows neither Runs nor when they end.

import type { Draft, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

/** Something that is being written. */
export interface Writing {
  /** What it has written since what was kept last. */
  readonly draft: Draft;
  /** That much is in the Store. */
  kept(draft: Draft): void;
}

export class Checkpoints {
  readonly #store: Pick<Store, "checkpoint">;
  readonly #everyMs: number;
  readonly #log: Log;
  readonly #writing = new Set<Writing>();
  #timer: Timer | null = null;

  /** What is written is in the Store at most `everyMs` later. */
  constructor(store: Pick<Store, "checkpoint">, everyMs: number, log: Log) {
    this.#store = store;
    this.#everyMs = everyMs;
    this.#log = log;
  }

  /** It has written something. What can't be stored goes with the next that it writes. */
  mark(writing: Writing): void {
    this.#writing.add(writing);
    this.#timer ??= setTimeout(() => void this.#save(), this.#everyMs);
  }

  /** It is over: its end stores all of it. */
  forget(writing: Writing): void {
    this.#writing.delete(writing);
  }

  async #save(): Promise<void> {
    const all = [...this.#writing].map((writing) => ({ writing, draft: writing.draft }));
    this.#writing.clear();
    this.#timer = null;
    try {
      await this.#store.checkpoint(all.map(({ draft }) => draft));
      for (const { writing, draft } of all) writing.kept(draft);
    } catch (error) {
      this.#log.error("a checkpoint could not be written", { error: String(error) });
    }
  }
}
