// How long somebody in line will wait, honestly: a simple forecast from how long recent Runs took, and a range around it from how far
// recent forecasts were off (adaptive conformal inference: Gibbs & Candès, "Adaptive Conformal Inference Under Distribution Shift", 2021).
// Pure: the clock is handed in. Used by chat/scheduler.

import type { RunId, Wait } from "../domain/run.ts";

/** Recent Runs and recent forecasts that are remembered. */
const servicesMax = 64;
const errorsMax = 1_000;
/** A range is made anew when so many more forecasts have been compared. */
const errorsFresh = 16;

/** Runs that must have ended before anything is said. */
const servicesMin = 5;

/** Forecasts are compared as ratios of times that are this much longer: near zero a ratio says nothing. */
const blurMs = 1_000;

/** The share of forecasts that may come out beyond their range, and how fast ranges grow and shrink towards it. */
const missesAimed = 0.04;
const adapting = 0.01;

/** Ratios to begin with, until there are real ones: a wide guess. */
const firstErrors = [0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.7, 1.9, 2.2, 2.5, 3, 3.5];

/** Between two forecasts for one Run that are remembered, in ms: those that stood longer count more often. */
const rememberMs = 2_000;

/** Places that err alike: the next one, the two after, the four after … */
const errorClass = (position: number): number => Math.min(6, Math.floor(Math.log2(position)));

export class Waits {
  readonly #services: number[] = [];
  readonly #errors = Array.from({ length: 7 }, () => [...firstErrors]);
  /** The share of past errors that each class's range leaves out on either side. */
  readonly #outside = this.#errors.map(() => missesAimed / 2);
  /** Least and most of each class's errors that a range goes by, and how many came since it was made. */
  readonly #spans: ([number, number] | null)[] = this.#errors.map(() => null);
  readonly #fresh = this.#errors.map(() => 0);
  readonly #told = new Map<RunId, { at: number; ms: number; position: number; wait: Wait }[]>();

  /** A Run has had its Slot for so long. */
  served(ms: number): void {
    this.#services.push(ms);
    if (this.#services.length > servicesMax) this.#services.shift();
  }

  /**
   * Milliseconds until each of the first `count` in line starts, on `slots` Slots of which some have been busy for `elapsed` ms;
   * null until enough is known.
   */
  forecasts(count: number, slots: number, elapsed: readonly number[]): number[] | null {
    if (this.#services.length < servicesMin || slots < 1) return null;
    if (count === 0) return [];
    const mean = average(this.#services);
    const free = elapsed.map((ms) => this.#rest(ms));
    while (free.length < slots) free.push(0);
    const starts: number[] = [];
    for (let i = 0; i < count; i++) {
      let soonest = 0;
      for (let slot = 1; slot < free.length; slot++) if ((free[slot] as number) < (free[soonest] as number)) soonest = slot;
      starts.push(free[soonest] as number);
      free[soonest] = (free[soonest] as number) + mean;
    }
    return starts;
  }

  /** What is said to who waits at a place that is forecast to start in `ms`; remembered, to see how far it was off. */
  tell(run: RunId, position: number, ms: number, now: number): Wait {
    const [least, most] = this.#span(errorClass(position));
    const ahead = (ratio: number) => Math.max(0, ratio * (ms + blurMs) - blurMs);
    const wait = rounded({ leastMs: ahead(least), mostMs: ahead(most) });
    const told = this.#told.get(run) ?? [];
    if (now - (told.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= rememberMs) told.push({ at: now, ms, position, wait });
    this.#told.set(run, told);
    return wait;
  }

  /** A Run that waited starts: what was said of it is compared. */
  started(run: RunId, now: number): void {
    for (const { at, ms, position, wait } of this.#told.get(run) ?? []) {
      const kind = errorClass(position);
      const errors = this.#errors[kind] as number[];
      const missed = now - at < wait.leastMs || now - at > wait.mostMs ? 1 : 0;
      this.#outside[kind] = Math.min(0.1, Math.max(0, (this.#outside[kind] as number) + adapting * (missesAimed - missed)));
      this.#fresh[kind] = ((this.#fresh[kind] as number) + 1) % errorsFresh;
      if (this.#fresh[kind] === 0) this.#spans[kind] = null;
      errors.push((now - at + blurMs) / (ms + blurMs));
      if (errors.length > errorsMax) errors.shift();
    }
    this.#told.delete(run);
  }

  /** A Run has left the line. */
  left(run: RunId): void {
    this.#told.delete(run);
  }

  #span(kind: number): [number, number] {
    const known = this.#spans[kind];
    if (known) return known;
    const sorted = Float64Array.from(this.#errors[kind] as number[]).sort();
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
    const outside = this.#outside[kind] as number;
    const span: [number, number] = [at(outside), at(1 - outside)];
    this.#spans[kind] = span;
    return span;
  }

  /** How much longer a Run takes that has taken so long: as those did that took longer. */
  #rest(ms: number): number {
    const longer = this.#services.filter((service) => service > ms);
    return longer.length > 0 ? average(longer) - ms : ms / 2;
  }
}

/** Outwards to what can be read at a glance: 5 s up to a minute, 15 s up to five, then minutes. */
export function rounded({ leastMs, mostMs }: Wait): Wait {
  const step = (ms: number) => (ms < 60_000 ? 5_000 : ms < 300_000 ? 15_000 : 60_000);
  return { leastMs: Math.floor(leastMs / step(leastMs)) * step(leastMs), mostMs: Math.max(5_000, Math.ceil(mostMs / step(mostMs)) * step(mostMs)) };
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
