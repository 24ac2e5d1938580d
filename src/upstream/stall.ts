// A deadline on silence: aborts a request whose answer has not moved for a while. One timer for a whole stream, set again
// for what is left of the time, never per token.

import { Failure } from "../domain/failure.ts";

/** Aborts `controller` with `upstream_stalled` when `heard` has not been called for `stallMs`, unless `mayGoOn` says that silence is no fault. */
export class StallWatch {
  readonly #controller: AbortController;
  readonly #stallMs: number;
  readonly #mayGoOn: () => boolean;
  #heardAt = performance.now();
  #timer: Timer;

  constructor(controller: AbortController, stallMs: number, mayGoOn: () => boolean = () => false) {
    this.#controller = controller;
    this.#stallMs = stallMs;
    this.#mayGoOn = mayGoOn;
    this.#timer = setTimeout(() => this.#check(), stallMs);
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Nobody listens while `work` goes on: it is our reader that is slow then, not llama-server. */
  async paused<T>(work: Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    try {
      return await work;
    } finally {
      this.heard();
      this.#timer = setTimeout(() => this.#check(), this.#stallMs);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    if (performance.now() - this.#heardAt >= this.#stallMs && this.#mayGoOn()) this.heard();
    const left = this.#heardAt + this.#stallMs - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#check(), left + 1);
    else
      this.#controller.abort(new Failure("upstream_stalled", { seconds: Math.round(this.#stallMs / 1000) }));
  }
}
