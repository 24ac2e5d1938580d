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
  #isClosed = false;
  #saving: Promise<void> = Promise.resolve();

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
    if (this.#isClosed) return;
    this.#writing.add(writing);
    this.#timer ??= setTimeout(() => this.#saveMarked(), this.#everyMs);
  }

  /** Forgets an answer that has ended: its end is stored with the whole text. */
  forget(writing: Writing): void {
    this.#writing.delete(writing);
  }

  /** Saves an answer now. Resolves when it is in the Store, or when that has failed. */
  save(writing: Writing): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save([writing]));
    return this.#saving;
  }

  /** Saves these answers, and nothing from then on. */
  async close(last: readonly Writing[]): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await Promise.all(last.map((writing) => this.save(writing)));
  }

  #saveMarked(): void {
    const marked = [...this.#writing];
    this.#writing.clear();
    this.#timer = null;
    this.#saving = this.#saving.then(() => this.#save(marked));
  }

  async #save(marked: readonly Writing[]): Promise<void> {
    const all = marked.map((writing) => ({ writing, draft: writing.draft }));
    try {
      await this.#store.checkpoint(all.map(({ draft }) => draft));
      for (const { writing, draft } of all) writing.saved(draft);
    } catch (error) {
      this.#log.error("a checkpoint could not be written", { error: String(error) });
    }
  }
}
