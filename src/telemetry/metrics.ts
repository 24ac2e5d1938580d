// What the operator's monitoring reads: counts and times, in Prometheus' text format. The only importer of prom-client. Never the text
// of messages, never a person's name. Passed in, so that every house has its own.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** How a Run ended, as far as it is measured. */
interface RunFigures {
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly firstTokenMs?: number;
  readonly queueMs?: number;
  /** Read anew and written; about, where llama-server did not come to say it. */
  readonly tokens: number;
}

/** What the sockets have carried; counted by plain additions, since this is the token path. */
export class Traffic {
  frames = 0;
  bytes = 0;
  /** Frames that were skipped because their reader was behind. */
  skipped = 0;
  /** Times at which a reader fell behind. */
  held = 0;
}

/** What is asked for when somebody looks. */
interface Gauges {
  running(): number;
  waiting(): number;
  slots(): number;
  foreignSlots(): number;
  isUpstreamReady(): boolean;
  /** Of each llama-server: is it ready, and its slots. */
  servers(): readonly { readonly url: string; readonly status: string; readonly slots: number }[];
  /** By kind. */
  sockets(): Readonly<Record<string, number>>;
}

// seconds; from what a person does not notice to what makes them leave
const waitBuckets = [0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800];
const firstTokenBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
// 1 000 to 2 tokens a second
const gapBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.033, 0.05, 0.1, 0.2, 0.5, 1, 5];
const storeBuckets = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2];

/** Gaps between tokens that are counted together. */
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
    help: "Wishes and requests that were refused, by the failure's code",
    labelNames: ["code"],
    registers: [this.#registry],
  });
  readonly #tokens = new Counter({
    name: "parlor_tokens_total",
    help: "Tokens: read anew, taken from llama-server's prompt cache, written",
    labelNames: ["kind"],
    registers: [this.#registry],
  });
  readonly #wait = this.#histogram("parlor_queue_wait_seconds", "From the question to a slot", waitBuckets);
  readonly #firstToken = this.#histogram(
    "parlor_first_token_seconds",
    "From the slot to the first token",
    firstTokenBuckets,
  );
  readonly #gap = this.#histogram(
    "parlor_token_gap_seconds",
    "Between two arrivals of tokens of one answer",
    gapBuckets,
    () => this.#observeGaps(),
  );
  /** Gaps that the histogram has not seen yet: this is the token path, so they are counted many at a time. */
  readonly #gaps = new Float64Array(gapsAtOnce);
  #gapCount = 0;
  readonly #store = this.#histogram("parlor_store_seconds", "A transaction of the store", storeBuckets);
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
    this.#total("parlor_pages_held_total", "Times at which a page fell behind", () => traffic.held);
    this.#gauge("parlor_memory_bytes", "Resident memory of the process", () => process.memoryUsage.rss());
    this.#gauge(
      "parlor_start_time_seconds",
      "When the process started, in seconds since 1970",
      () => performance.timeOrigin / 1000,
    );
    this.#gauge(
      "parlor_event_loop_delay_seconds",
      "Longest delay of the event loop since the look before",
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

  /** Adds what can be asked of the house. */
  watch(gauges: Gauges): void {
    this.#delay.enable();
    this.#gauge("parlor_runs_running", "Runs that hold a slot", () => gauges.running());
    this.#gauge("parlor_runs_waiting", "Runs in line", () => gauges.waiting());
    this.#gauge("parlor_slots", "Slots that llama-server has", () => gauges.slots());
    this.#gauge("parlor_slots_stray", "Slots that are busy without a Run of ours", () =>
      gauges.foreignSlots(),
    );
    this.#gauge("parlor_upstream_ready", "1 while llama-server is ready", () =>
      gauges.isUpstreamReady() ? 1 : 0,
    );
    const { servers } = gauges;
    this.#perServer("parlor_server_ready", "1 while this llama-server is ready", () =>
      servers().map(({ url, status }) => [url, status === "ready" ? 1 : 0]),
    );
    this.#perServer("parlor_server_slots", "Slots of this llama-server", () =>
      servers().map(({ url, slots }) => [url, slots]),
    );
    const sockets = new Gauge({
      name: "parlor_sockets",
      help: "Open sockets, by kind",
      labelNames: ["kind"],
      registers: [this.#registry],
      collect() {
        for (const [kind, count] of Object.entries(gauges.sockets())) sockets.set({ kind }, count);
      },
    });
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

  /** Milliseconds between two arrivals of tokens. */
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

  /** Milliseconds of a transaction. */
  stored(ms: number): void {
    this.#store.observe(ms / 1000);
  }

  /** What `GET /metrics` answers. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  close(): void {
    this.#delay.disable();
  }

  #histogram(name: string, help: string, buckets: number[], collect?: () => void): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry], ...(collect && { collect }) });
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(value()),
    });
  }

  /** A value for each llama-server; those that are used no more are gone. */
  #perServer(name: string, help: string, values: () => readonly (readonly [string, number])[]): void {
    const gauge: Gauge = new Gauge({
      ...{ name, help, labelNames: ["url"], registers: [this.#registry] },
      collect() {
        gauge.reset();
        for (const [url, value] of values()) gauge.set({ url }, value);
      },
    });
  }

  /** A counter that is counted elsewhere: what has come since the look before is added. */
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
