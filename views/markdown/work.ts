// What one drawing may cost in one turn of the event loop. Highlighting code and setting formulas cost far
// more than everything else. A drawing that has used up its Work leaves them plain, and `drawAhead` draws
// again in another turn.

/** About 25 ms on two idle cores: a unit is a microsecond of them. */
const turnUnits = 25_000;

/**
 * Measured: highlight.js takes 0.5 to 4 µs for a character of code, and in long lines of signs that nobody
 * writes up to 70; Temml 100 µs for a formula and 0.6 for each character.
 */
export const unitsOf = {
  code: (chars: number, lineChars: number): number =>
    10 + 2 * chars + 20 * Math.max(0, lineChars - longLineChars),
  formula: (chars: number): number => 100 + chars,
};
/** People's lines of code are shorter. */
const longLineChars = 150;

export class Work {
  #left: number;
  #isShort = false;

  constructor(units: number = turnUnits) {
    this.#left = units;
  }

  /** Something was left plain. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /**
   * Whether this much may still be done; then it counts as done. What is left plain depends on the text alone
   * and on what is remembered, never on the machine.
   */
  take(units: number): boolean {
    if (units > this.#left) this.#isShort = true;
    else this.#left -= units;
    return !this.#isShort;
  }
}
