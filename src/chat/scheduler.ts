// Decides which waiting Run gets a Slot: for now in order of arrival.
// Owns who waits and who runs, in this process. Does not own time, storage, sockets or requests:
// it calls out through Effects, so its tests need no process and no clock. Called by chat/chat.

import type { Place, RunId } from "../domain/run.ts";

/** What the scheduler causes. Both are called synchronously and must not call back into it. */
export interface Effects {
  /** A Slot is this Run's from now on, until `release`. */
  start(run: RunId): void;
  /** A waiting Run's place in line is new or has changed. */
  place(run: RunId, place: Place): void;
}

export class Scheduler {
  readonly #effects: Effects;
  readonly #running = new Set<RunId>();
  #waiting: RunId[] = [];
  #slots: number;
  #announced = new Map<RunId, string>();

  constructor(effects: Effects, slots: number) {
    this.#effects = effects;
    this.#slots = slots;
  }

  /** Runs that hold a Slot. */
  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Puts a Run at the end of the line; it may be started before this returns. */
  enqueue(run: RunId): void {
    this.#waiting.push(run);
    this.#pair();
  }

  /** A Run that holds a Slot already: one that the process before this one had started. */
  adopt(run: RunId): void {
    this.#running.add(run);
  }

  isWaiting(run: RunId): boolean {
    return this.#waiting.includes(run);
  }

  /** Takes a waiting Run out of the line; false when it does not wait. */
  leave(run: RunId): boolean {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((other) => other !== run);
    this.#pair();
    return this.#waiting.length < before;
  }

  /** Gives the Slot of a Run back. */
  release(run: RunId): void {
    this.#running.delete(run);
    this.#pair();
  }

  /** The number of Slots has changed; Runs that hold one keep it. */
  resize(slots: number): void {
    this.#slots = slots;
    this.#pair();
  }

  #pair(): void {
    while (this.#running.size < this.#slots) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#announced.delete(next);
      this.#running.add(next);
      this.#effects.start(next);
    }
    const of = this.#waiting.length;
    const announced = new Map<RunId, string>();
    this.#waiting.forEach((run, i) => {
      const place = { position: i + 1, of };
      const said = `${place.position}/${of}`;
      announced.set(run, said);
      if (this.#announced.get(run) !== said) this.#effects.place(run, place);
    });
    this.#announced = announced;
  }
}
