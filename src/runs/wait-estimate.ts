// How long a queued Run will wait: a simple forecast from the durations of recent Runs (before the first
// has ended, from the speed of running ones), and a range around it from the errors of recent forecasts,
// which is saved from process to process (adaptive conformal inference: Gibbs & Candès, "Adaptive Conformal
// Inference Under Distribution Shift", 2021). Pure: the clock is passed in.

import type { RunId } from "../domain/id.ts";
import type { WaitEstimate } from "../domain/run.ts";

/** Most durations of Runs, and most forecast errors per class, that are remembered. */
const servicesMax = 64;
const errorsMax = 1_000;
/** A range is computed again after so many new errors. */
const errorsPerSpan = 16;

/** With fewer ended Runs than this, the range is wider: by the missing share of this number. */
const servicesEnough = 5;

/** Most durations and errors that are saved for the next process: few, because it may run another model. */
const [servicesKept, errorsKept] = [16, 100];

/** Added to both times of a ratio, in ms: near zero a ratio says nothing. */
const offsetMs = 1_000;

/**
 * Target share of waits outside their range, the step by which ranges adapt to it, and the most a range
 * leaves out.
 */
const missTarget = 0.04;
const adaptStep = 0.01;
const outsideMax = 0.1;

/** Ratios (actual / forecast) to start with, until there are measured ones: a wide guess. */
const firstErrors = [
  0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.7, 1.9, 2.2, 2.5, 3, 3.5,
];

/**
 * Between two remembered forecasts for one Run, in ms: a forecast that was shown for longer counts more
 * often.
 */
const rememberMs = 2_000;

/** Class of places with similar errors: the next one, the two after it, the four after those … */
const errorClass = (position: number): number => Math.min(6, Math.floor(Math.log2(position)));

/** What is saved for the next process. */
interface WaitEstimatesKept {
  readonly services: readonly number[];
  readonly errors: readonly (readonly number[])[];
  readonly outside: readonly number[];
}

/**
 * For `queue_full`: whole seconds until there is room, at least 1; nothing while the wait can't be
 * estimated.
 */
export const waitFacts = (waitMs: number | null): { seconds?: number } =>
  waitMs === null ? {} : { seconds: Math.max(1, Math.ceil(waitMs / 1000)) };

export class WaitEstimates {
  readonly #services: number[] = [];
  readonly #errors = Array.from({ length: 7 }, () => [...firstErrors]);
  /** Share of past errors that the range of each class leaves out on either side. */
  readonly #outside = this.#errors.map(() => missTarget / 2);
  /** Computed range of each class, and the number of errors since then. */
  readonly #spans: ([number, number] | null)[] = this.#errors.map(() => null);
  readonly #fresh = this.#errors.map(() => 0);
  readonly #announced = new Map<RunId, { at: number; ms: number; position: number; wait: WaitEstimate }[]>();

  /** The state to save for the next process, as JSON. */
  get kept(): string {
    const brief = (numbers: readonly number[], most: number) =>
      numbers.slice(-most).map((each) => Number(each.toPrecision(3)));
    const errors = this.#errors.map((each) => brief(each, errorsKept));
    return JSON.stringify({
      services: brief(this.#services, servicesKept),
      errors,
      outside: this.#outside,
    } satisfies WaitEstimatesKept);
  }

  /** Continues with the state of the previous process; a part that can't be read is ignored. */
  restore(kept: string): void {
    const isNumbers = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((each) => typeof each === "number" && each >= 0);
    let found: Partial<Record<keyof WaitEstimatesKept, unknown>> = {};
    try {
      found = Object(JSON.parse(kept));
    } catch {}
    const { services, errors, outside } = found;
    if (!isNumbers(services) || !isNumbers(outside) || !Array.isArray(errors)) return;
    this.#services.push(...services.slice(-servicesKept));
    this.#errors.forEach((each, kind) => {
      const known: unknown = errors[kind];
      if (isNumbers(known) && known.length >= firstErrors.length) each.splice(0, each.length, ...known);
      this.#outside[kind] = Math.min(outsideMax, outside[kind] ?? missTarget / 2);
      this.#spans[kind] = null;
    });
  }

  /** Records for how long a Run held its slot. */
  served(ms: number): void {
    this.#services.push(ms);
    if (this.#services.length > servicesMax) this.#services.shift();
  }

  /**
   * Milliseconds until each of the first `count` Runs in the queue starts, on `slots` slots of which some
   * have been busy for `elapsed` ms. `guess` is a duration guessed from running Runs, or null. Null while
   * nothing is known.
   */
  forecasts(count: number, slots: number, elapsed: readonly number[], guess: number | null): number[] | null {
    const services = guess === null || this.isSure ? this.#services : [...this.#services, guess];
    if (services.length === 0 || slots < 1) return null;
    if (count === 0) return [];
    const mean = average(services);
    const free = elapsed.map((ms) => restOf(ms, services));
    while (free.length < slots) free.push(0);
    const starts: number[] = [];
    for (let i = 0; i < count; i++) {
      let soonest = 0;
      for (let slot = 1; slot < free.length; slot++)
        if ((free[slot] as number) < (free[soonest] as number)) soonest = slot;
      starts.push(free[soonest] as number);
      free[soonest] = (free[soonest] as number) + mean;
    }
    return starts;
  }

  /** True once enough Runs have ended for their mean to be used without a guess. */
  get isSure(): boolean {
    return this.#services.length >= servicesEnough;
  }

  /**
   * The range to show for a Run that is forecast to start in `ms`. Remembered, to measure its error later.
   */
  announce(run: RunId, position: number, ms: number, now: number): WaitEstimate {
    const [least, most] = this.#span(errorClass(position));
    const widening = 1 + Math.max(0, 1 - this.#services.length / servicesEnough);
    const ahead = (ratio: number) => Math.max(0, ratio * (ms + offsetMs) - offsetMs);
    const wait = rounded({ leastMs: ahead(least / widening), mostMs: ahead(most * widening) });
    const announced = this.#announced.get(run) ?? [];
    if (now - (announced.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= rememberMs)
      announced.push({ at: now, ms, position, wait });
    this.#announced.set(run, announced);
    return wait;
  }

  /** Measures the errors of what was announced for a Run that starts now. */
  started(run: RunId, now: number): void {
    for (const { at, ms, position, wait } of this.#announced.get(run) ?? []) {
      const kind = errorClass(position);
      const errors = this.#errors[kind] as number[];
      const missed = now - at < wait.leastMs || now - at > wait.mostMs ? 1 : 0;
      this.#outside[kind] = Math.min(
        outsideMax,
        Math.max(0, (this.#outside[kind] as number) + adaptStep * (missTarget - missed)),
      );
      this.#fresh[kind] = ((this.#fresh[kind] as number) + 1) % errorsPerSpan;
      if (this.#fresh[kind] === 0) this.#spans[kind] = null;
      errors.push((now - at + offsetMs) / (ms + offsetMs));
      if (errors.length > errorsMax) errors.shift();
    }
    this.#announced.delete(run);
  }

  /** Forgets a Run that has left the queue without starting. */
  forget(run: RunId): void {
    this.#announced.delete(run);
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
}

/** Rest of the duration, in ms, of a Run that has taken `ms` so far: the mean of those that took longer. */
function restOf(ms: number, services: readonly number[]): number {
  const longer = services.filter((service) => service > ms);
  return longer.length > 0 ? average(longer) - ms : ms / 2;
}

/**
 * Rounds outwards to times that are easy to read: 1 s up to 10 s, 5 s up to 1 min, 15 s up to 5 min, then
 * minutes.
 */
function rounded({ leastMs, mostMs }: WaitEstimate): WaitEstimate {
  const step = (ms: number) => (ms < 10_000 ? 1_000 : ms < 60_000 ? 5_000 : ms < 300_000 ? 15_000 : 60_000);
  return {
    leastMs: Math.floor(leastMs / step(leastMs)) * step(leastMs),
    mostMs: Math.max(5_000, Math.ceil(mostMs / step(mostMs)) * step(mostMs)),
  };
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
