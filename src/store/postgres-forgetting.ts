// Erases lost content in small transactions behind whoever deleted it. PostgreSQL itself frees the rows later
// (autovacuum) and overwrites their bytes when it uses the space again.

import type { Forgetting, Work } from "./database.ts";
import { eraseLostContent, eraseLostDocuments } from "./lost-content.ts";

/** Wait before another attempt while the database can't be written, in ms. */
const againMs = 5_000;

export class PostgresForgetting implements Forgetting {
  /** Runs work in a transaction. */
  readonly #write: (work: () => Work<boolean>) => Promise<boolean>;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(write: (work: () => Work<boolean>) => Promise<boolean>) {
    this.#write = write;
  }

  // biome-ignore lint/correctness/useYield: other engines have statements for it
  *begin(): Work<void> {
    this.#later(0);
  }

  *resume(): Work<void> {
    yield* this.begin();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #later(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#write(eraseSome).then(
        (isMore) => isMore && this.#later(0),
        () => this.#later(againMs),
      );
    }, ms).unref();
  }
}

/** False when nothing is left. */
function* eraseSome(): Work<boolean> {
  return (yield* eraseLostContent()) || (yield* eraseLostDocuments()) !== null;
}
