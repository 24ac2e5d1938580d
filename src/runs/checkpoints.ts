// Saves the text of running answers a few times a second: all of them in one transaction, by one timer. Knows
// nothing of Runs, nor when they end.

import type { Draft, Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

/** An answer that is being written. */
export interface Writing {
  /** The text that was added since the last checkpoint. */
  readonly draft: Draft;
  /** Called once the draft is in the Store. */
  saved(draft: Draft): void;
}

export class Checkpoints {
  readonly #store: Pick<Store, "checkpoint">;
  readonly #everyMs: number;
  readonly #log: Log;
  readonly #writing = new Set<Writing>();
  #timer: Timer | null = null;

  /** Text is in the Store at most `everyMs` after it was written. */
  constructor(store: Pick<Store, "checkpoint">, everyMs: number, log: Log) {
    this.#store = store;
    this.#everyMs = everyMs;
    this.#log = log;
  }

  /**
   * Marks an answer as changed. If a checkpoint fails, its text is part of the next one after a further
   * change.
   */
  mark(writing: Writing): void {
    this.#writing.add(writing);
    this.#timer ??= setTimeout(() => void this.#save(), this.#everyMs);
  }

  /** Forgets an answer that has ended: its end is stored with the whole text. */
  forget(writing: Writing): void {
    this.#writing.delete(writing);
  }

  async #save(): Promise<void> {
    const all = [...this.#writing].map((writing) => ({ writing, draft: writing.draft }));
    this.#writing.clear();
    this.#timer = null;
    try {
      await this.#store.checkpoint(all.map(({ draft }) => draft));
      for (const { writing, draft } of all) writing.saved(draft);
    } catch (error) {
      this.#log.error("a checkpoint could not be written", { error: String(error) });
    }
  }
}
