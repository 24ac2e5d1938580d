// A deadline on silence: aborts a request whose answer has sent nothing for a while. There is one timer per
// stream, which is set again for the remaining time when it fires, never per token.

import { Failure } from "../domain/failure.ts";

/**
 * Aborts `controller` with `upstream_stalled` after `stallMs` without a call of `heard`, unless `mayGoOn`
 * returns true.
 */
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

  /** Suspends the deadline during `work`: parlor's reader is slow then, not llama-server. */
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
    const remainingMs = this.#heardAt + this.#stallMs - performance.now();
    if (remainingMs > 0) this.#timer = setTimeout(() => this.#check(), remainingMs + 1);
    else
      this.#controller.abort(new Failure("upstream_stalled", { seconds: Math.round(this.#stallMs / 1000) }));
  }
}
