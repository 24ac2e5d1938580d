// Metrics for the operator's monitoring: counts and times, in the text format of Prometheus. They never
// contain the text of messages or names of people. An instance is passed in, so that several apps in one
// process stay apart.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Gauges, labelledGauges, plainGauges } from "./gauges.ts";

/** Measurements of a Run that has ended. */
interface RunFigures {
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly firstTokenMs?: number;
  readonly queueMs?: number;
  /** Uncached prompt tokens and written ones; an estimate if llama-server did not report them. */
  readonly tokens: number;
}

/** Traffic of the pages' sockets. Plain fields, because they are counted on the token path. */
export class Traffic {
  frames = 0;
  bytes = 0;
  /** Frames that were skipped because the reader was behind. */
  skipped = 0;
  /** How often a reader fell behind. */
  held = 0;
}

// in seconds: from a wait that a person does not notice to one that makes them leave
const waitBuckets = [0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800];
const firstTokenBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
// in seconds: from 1 000 tokens a second to one in 5 seconds
const gapBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1, 5];
const storeBuckets = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2];

/** Gaps between tokens that are collected before the histogram counts them. */
const gapsAtOnce = 1024;

export class Metrics {
  readonly traffic = new Traffic();
  readonly #registry = new Registry();
  readonly #runs = new Counter({
    name: "parlor_runs_total",
    help: "Runs that have ended, by outcome",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });
  readonly #refused = new Counter({
    name: "parlor_refused_total",
    help: "Commands and requests that were refused, by the failure's code",
    labelNames: ["code"],
    registers: [this.#registry],
  });
  readonly #tokens = new Counter({
    name: "parlor_tokens_total",
    help: "Tokens: read, taken from llama-server's prompt cache, written",
    labelNames: ["kind"],
    registers: [this.#registry],
  });
  readonly #wait = this.#histogram(
    "parlor_queue_wait_seconds",
    "Time from the question to a slot",
    waitBuckets,
  );
  readonly #firstToken = this.#histogram(
    "parlor_first_token_seconds",
    "Time from the slot to the first token",
    firstTokenBuckets,
  );
  readonly #gap = this.#histogram(
    "parlor_token_gap_seconds",
    "Time between two arrivals of tokens of one answer",
    gapBuckets,
    () => this.#observeGaps(),
  );
  /** Gaps that the histogram has not counted yet: on the token path they are only collected. */
  readonly #gaps = new Float64Array(gapsAtOnce);
  #gapCount = 0;
  readonly #store = this.#histogram(
    "parlor_store_seconds",
    "Duration of a transaction of the store",
    storeBuckets,
  );
  readonly #delay = monitorEventLoopDelay({ resolution: 100 });

  constructor() {
    for (const outcome of ["done", "stopped", "failed", "interrupted"]) this.#runs.inc({ outcome }, 0);
    for (const kind of ["read", "cached", "written"]) this.#tokens.inc({ kind }, 0);
    const { traffic } = this;
    this.#total("parlor_frames_total", "Frames sent to pages", () => traffic.frames);
    this.#total("parlor_sent_bytes_total", "Bytes of frames sent to pages", () => traffic.bytes);
    this.#total(
      "parlor_frames_skipped_total",
      "Frames skipped because their page was behind; a snapshot replaces them",
      () => traffic.skipped,
    );
    this.#total("parlor_pages_held_total", "How often a page fell behind", () => traffic.held);
    this.#gauge("parlor_memory_bytes", "Resident memory of the process", () => process.memoryUsage.rss());
    this.#gauge(
      "parlor_start_time_seconds",
      "When the process started, in seconds since 1970",
      () => performance.timeOrigin / 1000,
    );
    this.#gauge(
      "parlor_event_loop_delay_seconds",
      "Longest delay of the event loop since the previous scrape",
      () => {
        const longest = Number.isFinite(this.#delay.max) ? this.#delay.max / 1e9 : 0;
        this.#delay.reset();
        return Math.max(0, longest);
      },
    );
    this.#total("parlor_cpu_seconds_total", "Processor time of the process", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  }

  /** Adds the metrics that are read from the running app. */
  watch(gauges: Gauges): void {
    this.#delay.enable();
    for (const { name, help, value } of plainGauges(gauges)) this.#gauge(name, help, value);
    for (const { name, help, label, values } of labelledGauges(gauges)) {
      const gauge: Gauge = new Gauge({
        ...{ name, help, labelNames: [label], registers: [this.#registry] },
        collect() {
          gauge.reset();
          for (const [of, value] of values()) gauge.set({ [label]: of }, value);
        },
      });
    }
  }

  ended(
    outcome: string,
    { promptTokens = 0, cachedTokens = 0, outputTokens, firstTokenMs, queueMs, tokens }: RunFigures,
  ): void {
    this.#runs.inc({ outcome });
    const read = Math.max(0, promptTokens - cachedTokens);
    this.#tokens.inc({ kind: "read" }, read);
    this.#tokens.inc({ kind: "cached" }, cachedTokens);
    this.#tokens.inc({ kind: "written" }, outputTokens ?? Math.max(0, tokens - read));
    if (firstTokenMs !== undefined) this.#firstToken.observe(firstTokenMs / 1000);
    if (queueMs !== undefined) this.#wait.observe(queueMs / 1000);
  }

  /** Records the time between two arrivals of tokens, in ms. */
  gap(ms: number): void {
    this.#gaps[this.#gapCount++] = ms / 1000;
    if (this.#gapCount === gapsAtOnce) this.#observeGaps();
  }

  #observeGaps(): void {
    for (let i = 0; i < this.#gapCount; i++) this.#gap.observe(this.#gaps[i] as number);
    this.#gapCount = 0;
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  /** Records the duration of a transaction, in ms. */
  stored(ms: number): void {
    this.#store.observe(ms / 1000);
  }

  /** The body of `GET /metrics`. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#delay.disable();
  }

  #histogram(name: string, help: string, buckets: number[], collect?: () => void): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry], ...(collect && { collect }) });
  }

  /** `value` null: the metric has no value now. */
  #gauge(name: string, help: string, value: () => number | null): void {
    const collect = () => {
      const now = value();
      if (now === null) gauge.remove();
      else gauge.set(now);
    };
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect });
  }

  /** A counter whose total is kept elsewhere: adds the increase since the previous scrape. */
  #total(name: string, help: string, value: () => number): void {
    let seen = 0;
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        const now = value();
        counter.inc(now - seen);
        seen = now;
      },
    });
  }
}
