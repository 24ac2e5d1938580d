// The slots of one llama-server that parlor's requests hold: how many each has, whether it has ended, and
// whether its answer is streamed. Not a place for what llama-server itself shows (upstream/slots).

import type { RunId } from "../domain/id.ts";

interface HeldSlot {
  readonly slots: number;
  /** The answer comes as events; otherwise in one piece. */
  readonly isStream: boolean;
  /** The request has ended early, and llama-server does not show its slot as idle yet. */
  isEnding: boolean;
}

export class HeldSlots {
  readonly #held = new Map<RunId, HeldSlot>();

  /** Slots of all requests, ended ones included. */
  get count(): number {
    return this.#held.values().reduce((sum, { slots }) => sum + slots, 0);
  }

  /** Slots of the requests that still run. */
  get running(): number {
    return this.#held.values().reduce((sum, { isEnding, slots }) => sum + (isEnding ? 0 : slots), 0);
  }

  take(run: RunId, slots: number, isStream: boolean): void {
    this.#held.set(run, { slots, isStream, isEnding: false });
  }

  get(run: RunId): Readonly<HeldSlot> | undefined {
    return this.#held.get(run);
  }

  /** The request has ended before its answer was complete: its slot counts until `drop`. */
  ending(run: RunId): void {
    const held = this.#held.get(run);
    if (held) held.isEnding = true;
  }

  drop(run: RunId): void {
    this.#held.delete(run);
  }
}
