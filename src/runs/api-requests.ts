// Queue admission for API requests. They share the queue, the limits and the metrics with Runs, but nothing
// of them is stored. An ApiRequest is one request: first its place in the queue, then its slot.

import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { newId, type PersonId, type RunId } from "../domain/id.ts";
import type { Place, Run, RunNow } from "../domain/run.ts";
import type { UsageLedger } from "../store/accounts.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Slot, Upstream } from "../upstream/upstream.ts";
import { sharerOf } from "./fair-share.ts";
import type { QueueRoom } from "./runs.ts";
import type { Scheduler } from "./scheduler.ts";
import { waitFacts } from "./wait-estimate.ts";

interface ApiRequestsDependencies {
  readonly upstream: Pick<Upstream, "facts">;
  readonly usage: Pick<UsageLedger, "admit" | "spend">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Most Runs and API requests that may wait at once. */
  readonly queueMaxRuns: number;
}

interface ApiRequestOptions {
  readonly person: Person;
  /** Id of the request in logs. */
  readonly request: string;
  /** Path of the requested address; for logs. */
  readonly path: string;
  readonly model: string | null;
  /** Answers that llama-server generates at once for this request, each in a slot of its own; default 1. */
  readonly slots?: number;
  /** Aborted when the client has disconnected. */
  readonly signal: AbortSignal;
  /** Called when the place in the queue is new or has changed. */
  placed(place: Place): void;
}

/** One request, from the queue to its end. */
export class ApiRequest {
  readonly run: RunId = newId();
  readonly options: ApiRequestOptions;
  /** Slots of one llama-server that the request holds at once; at least 1. */
  readonly slots: number;
  readonly createdAt = Date.now();
  readonly #queuedAt = performance.now();
  readonly #granted = Promise.withResolvers<Slot>();
  readonly #abort = new AbortController();
  #startedAt: number | null = null;
  #firstAt: number | null = null;
  #place: Place | null = null;
  /** Null while it waits. */
  slot: Slot | null = null;
  /** Tokens used so far; an estimate while the request runs. */
  tokens = 0;

  constructor(options: ApiRequestOptions, slots: number) {
    this.options = options;
    this.slots = Math.max(1, slots);
    this.#granted.promise.catch(() => {}); // it may be rejected before anybody awaits it
    const { signal } = options;
    signal.addEventListener("abort", () => this.end(signal.reason), { once: true });
    if (signal.aborted) this.end(signal.reason);
  }

  get origin(): { readonly model: string | null } {
    return this.options;
  }

  /** Aborted when the request must end early. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when the request holds its Slot; rejects when it is ended before that. */
  get granted(): Promise<Slot> {
    return this.#granted.promise;
  }

  /** Milliseconds in the queue, and from the slot to the first piece of the answer. */
  get figures(): { queueMs: number; firstTokenMs?: number } {
    const startedAt = this.#startedAt ?? performance.now();
    return {
      queueMs: Math.round(startedAt - this.#queuedAt),
      ...(this.#firstAt !== null && { firstTokenMs: Math.round(this.#firstAt - startedAt) }),
    };
  }

  /** As the operator sees the request. */
  get now(): RunNow {
    const { run, createdAt, tokens } = this;
    return {
      run,
      owner: this.options.person.id,
      status: this.#startedAt === null ? "queued" : "running",
      createdAt,
      place: this.#place,
      tokens,
      isAttended: true,
    };
  }

  moved(place: Place): void {
    this.#place = place;
    this.options.placed(place);
  }

  begin(slot: Slot): void {
    this.#startedAt = performance.now();
    this.#place = null;
    this.slot = slot;
    this.#granted.resolve(slot);
  }

  /** Records the arrival of a piece of the answer. */
  heard(): void {
    this.#firstAt ??= performance.now();
  }

  end(reason: unknown): void {
    this.#abort.abort(reason);
    this.#granted.reject(reason);
  }
}

export class ApiRequests implements QueueRoom {
  readonly #deps: ApiRequestsDependencies;
  readonly #scheduler: Scheduler;
  readonly #all = new Map<RunId, ApiRequest>();
  #onIdle: (() => void) | null = null;
  #isClosing = false;

  constructor(deps: ApiRequestsDependencies, scheduler: Scheduler) {
    this.#deps = deps;
    this.#scheduler = scheduler;
  }

  get(run: RunId): ApiRequest | undefined {
    return this.#all.get(run);
  }

  get now(): readonly RunNow[] {
    return [...this.#all.values()].map((request) => request.now);
  }

  /** Number of waiting API requests, of everybody or of one person. */
  waitingRequests(person?: PersonId): number {
    return this.now.filter(
      ({ owner, status }) => status === "queued" && (person === undefined || owner === person),
    ).length;
  }

  /**
   * Queues a request and calls `work` once it holds its Slot. The Slot is released when `work` is over; if
   * `work` failed, it counts as taken until llama-server shows it idle.
   * @throws Failure `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`; the
   *   abort reason of `options.signal`; whatever `work` throws
   */
  async withSlot(
    options: ApiRequestOptions,
    work: (request: ApiRequest, slot: Slot) => Promise<void>,
  ): Promise<void> {
    const { person } = options;
    const { usage, metrics, upstream } = this.#deps;
    if (this.#isClosing) throw new Failure("shutting_down");
    this.needRoom();
    await usage.admit({ owner: person.id, limits: this.limitsOf(person) });
    const slots = Math.min(options.slots ?? 1, upstream.facts(options.model).slots);
    const request = new ApiRequest(options, slots);
    this.#all.set(request.run, request);
    let outcome: "done" | "stopped" | "failed" = "done";
    try {
      this.#scheduler.enqueue(request.run, sharerOf(person), { slots: request.slots });
      await work(request, await request.granted);
    } catch (error) {
      outcome = request.signal.aborted ? "stopped" : "failed";
      this.#scheduler.leave(request.run);
      throw error;
    } finally {
      await request.slot?.release();
      this.#all.delete(request.run);
      this.#scheduler.release(request.run, request.tokens);
      metrics.ended(outcome, { ...request.figures, tokens: request.tokens });
      this.#report(request, outcome);
      await usage
        .spend(person.id, request.tokens)
        .catch((error) => this.#deps.log.error("usage could not be saved", { error: String(error) }));
      if (this.#all.size === 0) this.#onIdle?.();
    }
  }

  waitFacts(): { readonly seconds?: number } {
    return waitFacts(this.#scheduler.waitMs());
  }

  needRoom(): void {
    const { waiting } = this.#scheduler;
    if (waiting < this.#deps.queueMaxRuns) return;
    throw new Failure("queue_full", { waiting, ...this.waitFacts() });
  }

  limitsOf({ id, limits }: Pick<Person, "id" | "limits">): Person["limits"] {
    const { waitingRunsMax } = limits;
    return waitingRunsMax === null
      ? limits
      : { ...limits, waitingRunsMax: Math.max(0, waitingRunsMax - this.waitingRequests(id)) };
  }

  /** Ends the request with this id, or all of this owner; false when there are none. */
  stop({ id, owner }: Partial<Pick<Run, "id" | "owner">>): boolean {
    const matching = [...this.#all.values()].filter(
      (request) => request.run === id || request.options.person.id === owner,
    );
    for (const request of matching) request.end(new Failure("stopped"));
    return matching.length > 0;
  }

  /** Accepts no new requests. Waiting ones fail at once, running ones after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const ended = Promise.withResolvers<void>();
    this.#onIdle = ended.resolve;
    const shuttingDown = new Failure("shutting_down");
    for (const request of this.#all.values()) if (request.now.status === "queued") request.end(shuttingDown);
    if (this.#all.size === 0) return;
    await Promise.race([ended.promise, Bun.sleep(graceMs)]);
    for (const request of this.#all.values()) request.end(shuttingDown);
    if (this.#all.size > 0) await ended.promise;
  }

  #report({ run, options, tokens, figures }: ApiRequest, outcome: string): void {
    const { request, path, person } = options;
    this.#deps.log.info("API request ended", {
      run,
      request,
      path,
      person: person.id,
      outcome,
      tokens,
      ...figures,
    });
  }
}
