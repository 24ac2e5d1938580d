// Work in small transactions behind those who add and delete: erases lost content, and keeps the index of
// passages in order. PostgreSQL itself frees the rows later (autovacuum) and overwrites their bytes when it
// uses the space again.

import { Failure } from "../domain/failure.ts";
import type { Forgetting, Work } from "./database.ts";
import { eraseLostContent, eraseLostDocuments } from "./lost-content.ts";
import { tidyPassages } from "./postgres-folding.ts";

/** Wait behind what was added for more of it, in ms. */
const gatherMs = 1_000;

/** Wait before another attempt while the database can't be written, in ms. */
const againMs = 5_000;
/** Longest time that this delays the end of a serving process, in ms. The next start does the rest. */
const closeMs = 5_000;
/** Longest time that this delays the end of a command, in ms. */
const commandMs = 120_000;

export class PostgresForgetting implements Forgetting {
  /** Runs work in a transaction. */
  readonly #write: (work: () => Work<boolean>) => Promise<boolean>;
  /** True while something may be left to erase. */
  #isPending = false;
  #step: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(write: (work: () => Work<boolean>) => Promise<boolean>) {
    this.#write = write;
  }

  // biome-ignore lint/correctness/useYield: other engines have statements for it
  *begin(): Work<void> {
    if (this.#isClosed) return;
    this.#isPending = true;
    this.#later(0);
  }

  *resume(): Work<void> {
    yield* this.begin();
  }

  /** Must be called when passages are added. */
  added(): void {
    if (this.#isPending || this.#isClosed) return;
    this.#isPending = true;
    this.#later(gatherMs);
  }

  /** Does nothing from now on. */
  rest(): void {
    this.#isClosed = true;
  }

  /** Works until nothing is left, within the bound for such a process. */
  async close(isServing: boolean): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#step;
    const until = performance.now() + (isServing ? closeMs : commandMs);
    let isDone = true;
    while (this.#isPending && isDone && performance.now() < until) isDone = await this.#doStep();
  }

  #later(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#step = this.#doStep().then((isDone) => {
        if (this.#isPending) this.#later(isDone ? 0 : againMs);
      });
    }, ms).unref();
  }

  /** One step. False when the database can't be written. */
  async #doStep(): Promise<boolean> {
    this.#isPending = false; // unless something is deleted meanwhile
    try {
      if (await this.#write(doSome)) this.#isPending = true;
      return true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#isPending = true;
      return false;
    }
  }
}

/** False when nothing is left. */
function* doSome(): Work<boolean> {
  if ((yield* eraseLostContent()) || (yield* eraseLostDocuments()) !== null) return true;
  return yield* tidyPassages();
}
