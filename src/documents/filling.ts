// Makes the vectors of passages behind everything else, in small batches, and keeps those in memory that are
// compared. Gives way to questions and to answers, and waits for a server that does not answer.

import { asFailure, Failure } from "../domain/failure.ts";
import type { IndexedModel, LackingPassage, PassageVector, VectorModel, Vectors } from "../store/vectors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Embedder } from "../upstream/meaning.ts";
import { embeddedText } from "./embedded-text.ts";
import { quantized } from "./quantized.ts";
import type { VectorSearch } from "./vector-search.ts";

interface FillingDependencies {
  readonly vectors: Vectors;
  readonly embedder: Embedder;
  readonly search: VectorSearch;
  readonly log: Log;
  /** Answers are being written. */
  isBusy(): boolean;
  bug(error: unknown): void;
}

/** Time that a batch should take, so that a question waits no longer, and most texts in one. */
const [batchMs, batchMax] = [100, 32];
/** Longest time for a batch. */
const batchMaxMs = 60_000;
/** How often the Store is asked for news, in ms: other processes store documents, too. */
const lookMs = 2_000;
/** Pause after a failure, in ms; twice as long after each further one. */
const [firstPauseMs, longestPauseMs] = [1_000, 60_000];
/** While answers are being written, the share of the time that is left to them. */
const pauseShare = 3;
/** A text to learn by which model vectors are made. */
const anyText = "document";

type CurrentModel = VectorModel & IndexedModel;

export class Filling {
  readonly #deps: FillingDependencies;
  readonly #end = new AbortController();
  #work: Promise<void> | null = null;
  #unwatch = (): void => {};
  #model: CurrentModel | null = null;
  /** The servers may have changed since the model was learned. */
  #isModelOld = true;
  /** Ends the present pause. */
  #wake = (): void => {};
  #batch = 1;
  #failures = 0;
  #syncedAt = Number.NEGATIVE_INFINITY;
  /** Questions that are being embedded. */
  #questions = 0;

  constructor(deps: FillingDependencies) {
    this.#deps = deps;
  }

  /** The model by which vectors are made now; null while it is not known. */
  get model(): CurrentModel | null {
    return this.#model;
  }

  start(): void {
    this.#unwatch = this.#deps.embedder.watch(() => {
      this.#isModelOld = true;
      this.#wake();
    });
    this.#work ??= this.#loop();
  }

  async stop(): Promise<void> {
    this.#unwatch();
    this.#end.abort();
    this.#wake();
    await this.#work;
  }

  /** Lets no batch begin while `work` embeds a question. */
  async before<T>(work: () => Promise<T>): Promise<T> {
    this.#questions++;
    try {
      return await work();
    } finally {
      this.#questions--;
    }
  }

  /** Takes note of the model that has made a vector; true if it was the current one. */
  async use(model: VectorModel): Promise<boolean> {
    const known = this.#model;
    const isSame = (["name", "prefix", "dims"] as const).every((key) => known?.[key] === model[key]);
    if (isSame) return true;
    this.#model = { ...model, number: await this.#deps.vectors.model(model) };
    this.#deps.log.info("passages are embedded by this model", { ...model });
    this.#wake();
    return false;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      let pauseMs: number | null = lookMs;
      try {
        pauseMs = await this.#step();
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = this.#failed(error);
      }
      await this.#pause(pauseMs);
    }
  }

  /** One batch. Returns the pause after it in ms; null: until something changes. */
  async #step(): Promise<number | null> {
    const { embedder, search, vectors, isBusy } = this.#deps;
    if (!embedder.isOffered) return null;
    if (this.#model === null || this.#isModelOld) {
      this.#isModelOld = false;
      const made = await embedder.embed([anyText], "passage", this.#within());
      if (made === null) return lookMs;
      await this.use(made.model);
    }
    const model = this.#model as CurrentModel;
    if (this.#questions > 0) return batchMs / 5;
    const lacking = await vectors.lacking(model.number, this.#batch);
    const now = performance.now();
    if (lacking.length === 0 || now - this.#syncedAt > lookMs) {
      await search.sync(model, this.#end.signal);
      this.#syncedAt = now;
    }
    if (lacking.length === 0) {
      this.#recovered();
      return lookMs;
    }
    const startedAt = performance.now();
    const done = await this.#embed(lacking, model);
    if (!done) return lookMs;
    const tookMs = performance.now() - startedAt;
    // after a refusal the passages are taken one by one, which shows which of them it is
    const most = done === "refused" ? 1 : Math.floor((lacking.length * batchMs) / tookMs);
    this.#batch = Math.max(1, Math.min(batchMax, 2 * this.#batch, most));
    if (done === "made") this.#recovered();
    return isBusy() ? pauseShare * tookMs : 0;
  }

  /** null when no server answers. */
  async #embed(lacking: readonly LackingPassage[], model: CurrentModel): Promise<"made" | "refused" | null> {
    const { embedder, vectors } = this.#deps;
    try {
      const made = await embedder.embed(lacking.map(embeddedText), "passage", this.#within());
      if (made === null) return null;
      if (!(await this.use(made.model))) return "made";
      await vectors.add(model.number, rowsOf(lacking, made.vectors));
      return "made";
    } catch (error) {
      if (!(await this.#isAboutText(error))) throw error;
      if (lacking.length === 1) await vectors.add(model.number, rowsOf(lacking, [null]));
      return "refused";
    }
  }

  /** True when the server refuses a text and takes another one. */
  async #isAboutText(error: unknown): Promise<boolean> {
    const { code, facts } = asFailure(error);
    const isRefusal = code === "upstream_refused" || code === "context_overflow";
    if (!isRefusal && !(code === "upstream_error" && facts["status"] === 500)) return false;
    const other = await this.#deps.embedder.embed([anyText], "passage", this.#within()).catch(() => null);
    return other !== null;
  }

  #within(): AbortSignal {
    return AbortSignal.any([this.#end.signal, AbortSignal.timeout(batchMaxMs)]);
  }

  #failed(error: unknown): number {
    const { log, bug } = this.#deps;
    const isTimeout = (error as Error | null)?.name === "TimeoutError";
    if (!(error instanceof Failure) && !isTimeout) bug(error);
    if (this.#failures++ === 0)
      log.warn("passages can't be embedded now: they are found by words", { error: String(error) });
    this.#isModelOld = true;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1));
  }

  #recovered(): void {
    if (this.#failures > 0) this.#deps.log.info("passages are embedded again");
    this.#failures = 0;
  }

  /** Resolves after `ms` (null: never), when it is woken, or at the end. */
  async #pause(ms: number | null): Promise<void> {
    if (this.#end.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === null ? null : setTimeout(resolve, ms).unref();
    await promise;
    if (timer) clearTimeout(timer);
  }
}

function rowsOf(
  passages: readonly LackingPassage[],
  vectors: readonly (Float32Array | null)[],
): readonly PassageVector[] {
  return passages.map(({ passage }, i) => ({ passage, ...quantized(vectors[i] ?? new Float32Array(0)) }));
}
