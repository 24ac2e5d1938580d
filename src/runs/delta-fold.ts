// Folds bursts of Deltas of one answer into few events. The first Delta, and the first after a pause, goes
// out at once; those that follow within the fold time go out together.

import type { PartKind, WrittenPart } from "../domain/part.ts";

/**
 * Deltas further apart than this, in ms, are not held: a browser draws at most 60 times a second, so
 * holding them would spare a page nothing.
 */
const drawEveryMs = 16;
/** Weight of the latest gap between two Deltas in their moving average. */
const gapWeight = 0.25;

/**
 * The fold time grows with the answer, up to this factor at this length (UTF-16 units): the longer an
 * answer, the more each change costs the page that shows it, and the less it tells the reader.
 */
const foldGrowth = 2.5;
const foldGrowsChars = 20_000;

export class DeltaFold {
  readonly #foldMs: number;
  readonly #publish: (piece: WrittenPart) => void;
  /** What waits to be published: always of one kind, so that pieces are published in their order. */
  #held: WrittenPart | null = null;
  #timer: Timer | null = null;
  /** When the last Delta arrived, on the monotonic clock, and the average gap between Deltas; both in ms. */
  #addedAt = 0;
  #gapMs = 0;
  /** Length of the answer's text, in UTF-16 units. */
  #textChars: number;

  /** `foldMs` is the fold time at the beginning of an answer, `textChars` the text that it has already. */
  constructor(foldMs: number, textChars: number, publish: (piece: WrittenPart) => void) {
    this.#foldMs = foldMs;
    this.#textChars = textChars;
    this.#publish = publish;
  }

  add(kind: PartKind, text: string): void {
    const now = performance.now();
    this.#gapMs += gapWeight * (Math.min(now - this.#addedAt, this.#foldMs) - this.#gapMs);
    this.#addedAt = now;
    if (kind === "text") this.#textChars += text.length;
    if (this.#held && this.#held.kind !== kind) this.flush();
    this.#held = { kind, text: this.#held ? this.#held.text + text : text };
    if (this.#timer === null) this.#begin();
  }

  /** Publishes the text that waits. */
  flush(): void {
    const held = this.#held;
    this.#held = null;
    if (held) this.#publish(held);
  }

  /** Drops the text that waits. Nothing is published after this. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#held = null;
  }

  /** How long the next Deltas are held; 0 where they are so far apart that each goes out at once. */
  get #holdMs(): number {
    const growth = 1 + (foldGrowth - 1) * Math.min(1, this.#textChars / foldGrowsChars);
    return this.#gapMs >= drawEveryMs * growth ? 0 : this.#foldMs * growth;
  }

  /** Publishes what waits, and holds what follows. */
  #begin(): void {
    this.flush();
    const ms = this.#holdMs;
    if (ms === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#held) this.#begin();
    }, ms);
  }
}
