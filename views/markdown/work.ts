// The budget of rendering in one turn of the event loop. Highlighting code, rendering formulas and comparing
// sentences with sources cost far more than everything else. A rendering that has used up its Work leaves
// them plain, and `drawAhead` renders them in another turn.

/** About 25 ms on two idle cores: a unit is a microsecond on them. */
const turnUnits = 25_000;

/**
 * Measured: highlight.js takes 0.5 to 4 µs for a character of code, and up to 70 in long lines of random
 * symbols; Temml takes 100 µs for a formula and 0.6 for each character. A sentence of 100 characters is
 * compared with eight passages in 60 to 90 µs (bench/documents-grounding).
 */
export const unitsOf = {
  code: (chars: number, lineChars: number): number =>
    10 + 2 * chars + 20 * Math.max(0, lineChars - longLineChars),
  formula: (chars: number): number => 100 + chars,
  sentence: (chars: number, passages: number): number => 20 + (chars * passages) / 8,
};
/** Lines of code that people write are shorter. */
const longLineChars = 150;

export class Work {
  #left: number;
  #isShort = false;

  constructor(units: number = turnUnits) {
    this.#left = units;
  }

  /** True if anything was left plain. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Spends units if enough are left; returns whether they were. What is left plain depends on the text and
   * the caches alone, never on the machine.
   */
  take(units: number): boolean {
    if (units > this.#left) this.#isShort = true;
    else this.#left -= units;
    return !this.#isShort;
  }
}
