// The times of one Run: in the queue, to its first piece, of its thoughts, and between pieces.

import type { PartKind } from "../domain/part.ts";
import type { RunStats } from "../domain/run.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { LiveRun } from "./live-run.ts";

export class Stopwatch {
  readonly #live: Pick<LiveRun, "thinkingSince">;
  readonly #metrics: Pick<Metrics, "gap">;
  readonly #startedAt = performance.now();
  readonly #queueMs: number;
  #lastAt = 0;
  #firstTokenMs: number | undefined;
  #thinkingMs: number | undefined;

  /** Starts now, in the moment in which the Run gets its Slot. */
  constructor(live: Pick<LiveRun, "queuedAt" | "thinkingSince">, metrics: Pick<Metrics, "gap">) {
    this.#live = live;
    this.#metrics = metrics;
    this.#queueMs = Math.round(this.#startedAt - live.queuedAt);
  }

  /** To be called with the kind of each piece that arrives, before the Run has taken it. */
  heard(kind: PartKind): void {
    const now = performance.now();
    if (this.#lastAt > 0) this.#metrics.gap(now - this.#lastAt);
    this.#lastAt = now;
    this.#firstTokenMs ??= Math.round(now - this.#startedAt);
    const { thinkingSince } = this.#live;
    if (kind === "text" && thinkingSince !== null) this.#thinkingMs ??= Date.now() - thinkingSince;
  }

  /** The times that are known; all in ms. */
  get stats(): Pick<RunStats, "queueMs" | "firstTokenMs" | "thinkingMs"> {
    return {
      queueMs: this.#queueMs,
      ...(this.#firstTokenMs !== undefined && { firstTokenMs: this.#firstTokenMs }),
      ...(this.#thinkingMs !== undefined && { thinkingMs: this.#thinkingMs }),
    };
  }
}
