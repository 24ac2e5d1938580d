// How long somebody in line will wait, honestly: a simple forecast from how long recent Runs took (before the
// first has ended, from how fast those go that run), and a range around it from how far recent forecasts were
// off, kept from process to process (adaptive conformal inference: Gibbs & Candès, "Adaptive Conformal
// Inference Under Distribution Shift", 2021). Pure: the clock is handed in.

import type { RunId } from "../domain/id.ts";
import type { WaitEstimate } from "../domain/run.ts";

/** Recent Runs and recent forecasts that are remembered. */
const servicesMax = 64;
const errorsMax = 1_000;
/** A range is made anew when so many more forecasts have been compared. */
const errorsFresh = 16;

/** With fewer Runs that have ended than this the range is wider, by as much as one such Run less each. */
const servicesSure = 5;

/** What the next process is told of the past: it may have another model, so enough to begin with and no more. */
const [servicesKept, errorsKept] = [16, 100];

/** Forecasts are compared as ratios of times that are this much longer: near zero a ratio says nothing. */
const blurMs = 1_000;

/** The share of forecasts that may come out beyond their range, and how fast ranges grow and shrink towards it. */
const missesAimed = 0.04;
const adapting = 0.01;
const outsideMost = 0.1;

/** Ratios to begin with, until there are real ones: a wide guess. */
const firstErrors = [
  0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.7, 1.9, 2.2, 2.5, 3, 3.5,
];

/** Between two forecasts for one Run that are remembered, in ms: those that stood longer count more often. */
const rememberMs = 2_000;

/** Places that err alike: the next one, the two after, the four after … */
const errorClass = (position: number): number => Math.min(6, Math.floor(Math.log2(position)));

/** What has been learned, for the process after this one. */
interface WaitEstimatesKept {
  readonly services: readonly number[];
  readonly errors: readonly (readonly number[])[];
  readonly outside: readonly number[];
}

export class WaitEstimates {
  readonly #services: number[] = [];
  readonly #errors = Array.from({ length: 7 }, () => [...firstErrors]);
  /** The share of past errors that each class's range leaves out on either side. */
  readonly #outside = this.#errors.map(() => missesAimed / 2);
  /** Least and most of each class's errors that a range goes by, and how many came since it was made. */
  readonly #spans: ([number, number] | null)[] = this.#errors.map(() => null);
  readonly #fresh = this.#errors.map(() => 0);
  readonly #told = new Map<RunId, { at: number; ms: number; position: number; wait: WaitEstimate }[]>();

  /** What the next process begins with, as text. */
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

  /** Goes on with what the process before this one has learned; what can't be read is not learned. */
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
      this.#outside[kind] = Math.min(outsideMost, outside[kind] ?? missesAimed / 2);
      this.#spans[kind] = null;
    });
  }

  /** A Run has had its Slot for so long. */
  served(ms: number): void {
    this.#services.push(ms);
    if (this.#services.length > servicesMax) this.#services.shift();
  }

  /**
   * Milliseconds until each of the first `count` in line starts, on `slots` Slots of which some have been busy for `elapsed` ms; `guess` is
   * how long a Run takes to judge by those that run, where that can be told. Null while nothing is known.
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

  /** So many Runs have ended that their mean says it. */
  get isSure(): boolean {
    return this.#services.length >= servicesSure;
  }

  /** What is said to who waits at a place that is forecast to start in `ms`; remembered, to see how far it was off. */
  tell(run: RunId, position: number, ms: number, now: number): WaitEstimate {
    const [least, most] = this.#span(errorClass(position));
    const doubt = 1 + Math.max(0, 1 - this.#services.length / servicesSure);
    const ahead = (ratio: number) => Math.max(0, ratio * (ms + blurMs) - blurMs);
    const wait = rounded({ leastMs: ahead(least / doubt), mostMs: ahead(most * doubt) });
    const told = this.#told.get(run) ?? [];
    if (now - (told.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= rememberMs)
      told.push({ at: now, ms, position, wait });
    this.#told.set(run, told);
    return wait;
  }

  /** A Run that waited starts: what was said of it is compared. */
  started(run: RunId, now: number): void {
    for (const { at, ms, position, wait } of this.#told.get(run) ?? []) {
      const kind = errorClass(position);
      const errors = this.#errors[kind] as number[];
      const missed = now - at < wait.leastMs || now - at > wait.mostMs ? 1 : 0;
      this.#outside[kind] = Math.min(
        outsideMost,
        Math.max(0, (this.#outside[kind] as number) + adapting * (missesAimed - missed)),
      );
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
}

/** How much longer a Run takes that has taken so long: as those did that took longer. */
function restOf(ms: number, services: readonly number[]): number {
  const longer = services.filter((service) => service > ms);
  return longer.length > 0 ? average(longer) - ms : ms / 2;
}

/** Outwards to what can be read at a glance: seconds up to ten, 5 s up to a minute, 15 s up to five, then minutes. */
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
