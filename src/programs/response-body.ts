// The body of a streamed answer to a program. A source that can wait is paused while the client is behind,
// and one that can't is bounded; a client that does not read is disconnected.

import { full, OutgoingStream } from "../domain/outgoing.ts";

interface ResponseBodyOptions {
  /** Most bytes that wait for the reader. */
  readonly maxBytes: number;
  /** A reader that takes nothing for this long, in ms, is disconnected. A slow one that reads on is not. */
  readonly slowMs: number;
  /** Aborted when the client has disconnected or has lost its access. */
  readonly clientSignal: AbortSignal;
  /** Called once if the client left, or was disconnected, before the end. */
  onDisconnect(): void;
}

export class ResponseBody extends OutgoingStream {
  readonly #options: ResponseBodyOptions;
  /** Resolves when there is room again. */
  #room: PromiseWithResolvers<void> | null = null;
  #slow: Timer | undefined;
  readonly #onAbort = () => this.disconnect();

  constructor(options: ResponseBodyOptions) {
    super(options.maxBytes);
    this.#options = options;
    if (options.clientSignal.aborted) this.disconnect();
    else options.clientSignal.addEventListener("abort", this.#onAbort, { once: true });
  }

  protected onDrain(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
    this.#room?.resolve();
    this.#room = null;
  }

  protected onOver(isCut: boolean): void {
    this.#options.clientSignal.removeEventListener("abort", this.#onAbort);
    this.onDrain(); // nobody waits any more
    if (isCut) this.#options.onDisconnect();
  }

  /**
   * Adds a part whose source can't wait, such as a token of a running answer. A reader beyond the bound is
   * disconnected.
   */
  put(part: string | Uint8Array): void {
    if (part.length > 0) this.write(part, this.#options.maxBytes);
  }

  /**
   * Adds a part whose source can wait: a returned promise resolves when the reader has caught up or is gone.
   */
  offer(part: Uint8Array): Promise<void> | undefined {
    if (part.length === 0 || this.write(part, Number.POSITIVE_INFINITY) !== full) return undefined;
    this.#slow ??= setTimeout(() => this.disconnect(), this.#options.slowMs);
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }
}
