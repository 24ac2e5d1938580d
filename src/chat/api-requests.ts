// Programs' requests on their way: through the same line, limits and figures as Runs, but nothing of them is
// stored. A ApiRequest is the right to one of them; what is asked with it is its holder's.

import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import { newId, type PersonId, type RunId } from "../domain/id.ts";
import type { Place, RunNow } from "../domain/run.ts";
import type { UsageLedger } from "../store/accounts.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { sharerOf } from "./fair-share.ts";
import type { Scheduler } from "./scheduler.ts";

interface ApiRequestsParts {
  readonly upstream: Pick<Upstream, "facts" | "freed" | "release">;
  readonly usage: Pick<UsageLedger, "admit" | "spend">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Requests that may wait at once, those of pages included. */
  readonly queueMaxRuns: number;
}

interface ApiRequestParts {
  readonly person: Person;
  /** What it is called in logs, and what is asked for. */
  readonly request: string;
  readonly path: string;
  readonly model: string | null;
  /** Answers that llama-server makes of it at once, each in a slot; absent for one. */
  readonly slots?: number;
  /** Aborted when whoever asks is gone. */
  readonly signal: AbortSignal;
  /** It waits, and its place in line is new or has changed. */
  placed(place: Place): void;
}

/** One request, from the line to its end. */
export class ApiRequest {
  readonly run: RunId = newId();
  readonly wish: ApiRequestParts;
  /** As many as its answers take of the llama-server that makes them. */
  readonly slots: number;
  readonly createdAt = Date.now();
  readonly #queuedAt = performance.now();
  readonly #granted = Promise.withResolvers<void>();
  readonly #abort = new AbortController();
  #startedAt: number | null = null;
  #firstAt: number | null = null;
  #place: Place | null = null;
  /** Tokens that it has used: about, while it runs. */
  tokens = 0;

  constructor(wish: ApiRequestParts, slots: number) {
    this.wish = wish;
    this.slots = Math.max(1, slots);
    this.#granted.promise.catch(() => {}); // nobody may be waiting for it yet
    wish.signal.addEventListener("abort", () => this.end(wish.signal.reason), { once: true });
    if (wish.signal.aborted) this.end(wish.signal.reason);
  }

  get origin(): { readonly model: string | null } {
    return this.wish;
  }

  /** Aborted when it is to end before its end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when it holds a Slot; rejects when it is ended before. */
  get granted(): Promise<void> {
    return this.#granted.promise;
  }

  get spentTokens(): number {
    return this.tokens;
  }

  /** Milliseconds in line, and from the Slot to the first piece of the answer. */
  get figures(): { queueMs: number; firstTokenMs?: number } {
    const startedAt = this.#startedAt ?? performance.now();
    return {
      queueMs: Math.round(startedAt - this.#queuedAt),
      ...(this.#firstAt !== null && { firstTokenMs: Math.round(this.#firstAt - startedAt) }),
    };
  }

  /** As the operator sees it. */
  get now(): RunNow {
    const { run, createdAt, tokens } = this;
    return {
      run,
      owner: this.wish.person.id,
      status: this.#startedAt === null ? "queued" : "running",
      createdAt,
      place: this.#place,
      tokens,
      isAttended: true,
    };
  }

  moved(place: Place): void {
    this.#place = place;
    this.wish.placed(place);
  }

  begin(): void {
    this.#startedAt = performance.now();
    this.#place = null;
    this.#granted.resolve();
  }

  /** Something of the answer has come. */
  heard(): void {
    this.#firstAt ??= performance.now();
  }

  end(reason: unknown): void {
    this.#abort.abort(reason);
    this.#granted.reject(reason);
  }
}

export class ApiRequests {
  readonly #parts: ApiRequestsParts;
  readonly #scheduler: Scheduler;
  readonly #all = new Map<RunId, ApiRequest>();
  #onIdle: (() => void) | null = null;
  #isClosing = false;

  constructor(parts: ApiRequestsParts, scheduler: Scheduler) {
    this.#parts = parts;
    this.#scheduler = scheduler;
  }

  get(run: RunId): ApiRequest | undefined {
    return this.#all.get(run);
  }

  get now(): readonly RunNow[] {
    return [...this.#all.values()].map((lease) => lease.now);
  }

  /** Those that wait: of everybody, or of one person. */
  waiting(person?: PersonId): number {
    return this.now.filter(
      ({ owner, status }) => status === "queued" && (person === undefined || owner === person),
    ).length;
  }

  /**
   * Has a request wait for a Slot and does `work` with it; the Slot is given back when that is over, and seen idle where it did not reach its end.
   * @throws Failure `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`; the wish's abort reason; whatever `work` throws
   */
  async hold(wish: ApiRequestParts, work: (lease: ApiRequest) => Promise<void>): Promise<void> {
    const { person } = wish;
    const { usage, metrics, upstream } = this.#parts;
    if (this.#isClosing) throw new Failure("shutting_down");
    this.needRoomInLine();
    await usage.admit({ owner: person.id, limits: this.limitsOf(person) });
    const lease = new ApiRequest(wish, Math.min(wish.slots ?? 1, upstream.facts(wish.model).slots));
    this.#all.set(lease.run, lease);
    let outcome: "done" | "stopped" | "failed" = "done";
    try {
      this.#scheduler.enqueue(lease.run, sharerOf(person), { slots: lease.slots });
      await lease.granted;
      await work(lease);
    } catch (error) {
      outcome = lease.signal.aborted ? "stopped" : "failed";
      this.#scheduler.leave(lease.run);
      await upstream.freed(lease.run);
      throw error;
    } finally {
      this.#all.delete(lease.run);
      upstream.release(lease.run);
      this.#scheduler.release(lease.run, lease.tokens);
      metrics.ended(outcome, { ...lease.figures, tokens: lease.tokens });
      this.#report(lease, outcome);
      await usage
        .spend(person.id, lease.tokens)
        .catch((error) => this.#parts.log.error("use could not be kept", { error: String(error) }));
      if (this.#all.size === 0) this.#onIdle?.();
    }
  }

  /** @throws Failure `queue_full` */
  needRoomInLine(): void {
    if (this.#scheduler.waiting < this.#parts.queueMaxRuns) return;
    const ms = this.#scheduler.waitMs();
    throw new Failure("queue_full", {
      waiting: this.#scheduler.waiting,
      ...(ms !== null && { seconds: Math.max(1, Math.ceil(ms / 1000)) }),
    });
  }

  /** What somebody may still queue beside the requests of theirs that wait here. */
  limitsOf({ id, limits }: Pick<Person, "id" | "limits">): Person["limits"] {
    const { waitingRunsMax } = limits;
    return waitingRunsMax === null
      ? limits
      : { ...limits, waitingRunsMax: Math.max(0, waitingRunsMax - this.waiting(id)) };
  }

  /** Ends those that are meant; false when there are none. */
  stop({ id, owner }: { id?: RunId; owner?: PersonId }): boolean {
    const meant = [...this.#all.values()].filter(
      (lease) => lease.run === id || lease.wish.person.id === owner,
    );
    for (const lease of meant) lease.end(new Failure("stopped"));
    return meant.length > 0;
  }

  /** No new ones; who waits is told, who runs gets `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const ended = Promise.withResolvers<void>();
    this.#onIdle = ended.resolve;
    const shuttingDown = new Failure("shutting_down");
    for (const lease of this.#all.values()) if (lease.now.status === "queued") lease.end(shuttingDown);
    if (this.#all.size === 0) return;
    await Promise.race([ended.promise, Bun.sleep(graceMs)]);
    for (const lease of this.#all.values()) lease.end(shuttingDown);
    if (this.#all.size > 0) await ended.promise;
  }

  #report({ run, wish, tokens, figures }: ApiRequest, outcome: string): void {
    const { request, path, person } = wish;
    this.#parts.log.info("a program's request ended", {
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
