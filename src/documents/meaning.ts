// Search by meaning, where a server embeds: passages near a question; and their order, where a server ranks.
// What takes too long is left out, and words alone decide.

import type { PassageHit } from "../domain/document.ts";
import type { PassageRange } from "../store/collections.ts";
import type { IndexedModel, Vectors } from "../store/vectors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Embedder, Reranker } from "../upstream/meaning.ts";
import { embeddedText } from "./embedded-text.ts";
import { Filling } from "./filling.ts";
import { VectorSearch } from "./vector-search.ts";

/** See config/bounds. */
export interface MeaningBounds {
  readonly embedMs: number;
  readonly rerankMs: number;
  readonly vectorsMaxBytes: number;
}

interface MeaningDependencies {
  readonly store: { readonly documents: { readonly vectors: Vectors } };
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly bounds: MeaningBounds;
  readonly log: Log;
  /** Answers are being written. */
  isBusy(): boolean;
  bug(error: unknown): void;
}

/** A question with its vector. */
interface EmbeddedQuestion {
  readonly model: IndexedModel;
  readonly vector: Float32Array;
}

/** Passages that are near a question. */
interface NearPassages {
  /** The nearest first, with their cosines. */
  readonly hits: readonly PassageHit[];
  /** Mean of the cosines of all others. */
  readonly mean: number;
}

interface RankedPassages {
  /** The best first. */
  readonly hits: readonly PassageHit[];
  /** True when the model says that the first one answers the question. */
  readonly isSure: boolean;
}

/** How far the vectors of all passages are made. */
interface MeaningProgress {
  /** null: it is not known yet. */
  readonly model: string | null;
  /** Passages that are found by meaning. */
  readonly done: number;
  readonly total: number;
}

/** Passages that are ranked by a model. */
const rankedMax = 20;

export class Meaning {
  readonly #deps: MeaningDependencies;
  readonly #search: VectorSearch;
  readonly #filling: Filling;

  constructor(deps: MeaningDependencies) {
    this.#deps = deps;
    const { log, bounds, store } = deps;
    this.#search = new VectorSearch({ ...bounds, vectors: store.documents.vectors, log });
    this.#filling = new Filling({ ...deps, vectors: store.documents.vectors, search: this.#search });
  }

  /** Begins to make vectors; costs nothing where no server embeds. */
  start(): void {
    this.#filling.start();
  }

  async stop(): Promise<void> {
    await this.#filling.stop();
    this.#search.close();
  }

  /** A server embeds or ranks. */
  get isOffered(): boolean {
    return this.#deps.embedder.isOffered || this.#deps.reranker.isOffered;
  }

  /** null where no server embeds. */
  async progress(): Promise<MeaningProgress | null> {
    const { embedder, store } = this.#deps;
    if (!embedder.isOffered) return null;
    const { model } = this.#filling;
    return { model: model?.name ?? null, ...(await store.documents.vectors.progress(model?.number ?? 0)) };
  }

  /**
   * The vector of a question; null where there is none in time.
   * @throws the signal's reason when it is aborted
   */
  async embed(question: string, signal?: AbortSignal): Promise<EmbeddedQuestion | null> {
    const { embedder, bounds } = this.#deps;
    if (!embedder.isOffered || question.trim() === "") return null;
    return this.#inTime("a question was not embedded", bounds.embedMs, signal, (within) =>
      this.#filling.before(async () => {
        const made = await embedder.embed([question], "question", within);
        const vector = made?.vectors[0];
        if (!made || !vector || !(await this.#filling.use(made.model))) return null;
        const { model } = this.#filling;
        return model && { model, vector };
      }),
    );
  }

  /** The passages nearest to a question; null while its model's vectors are not in memory. */
  async near(
    { model, vector }: EmbeddedQuestion,
    { collections, limit }: PassageRange,
  ): Promise<NearPassages | null> {
    const { vectors } = this.#deps.store.documents;
    const numbers = await vectors.collections(collections);
    const near = await this.#search.search(model, vector, numbers, limit);
    if (near === null) return null;
    const found = await vectors.passages(near.passages, numbers);
    const hits = near.passages.flatMap((passage, i): PassageHit[] => {
      const hit = found.get(passage);
      return hit ? [{ ...hit, score: near.scores[i] as number }] : [];
    });
    return { hits, mean: near.mean };
  }

  /**
   * What is found near a question, if that does not take too long from now on; else null.
   * @throws the signal's reason when it is aborted
   */
  soon(near: Promise<NearPassages | null>, signal?: AbortSignal): Promise<NearPassages | null> {
    return this.#inTime("vectors were not compared", this.#deps.bounds.embedMs, signal, () => near);
  }

  /**
   * The passages in the order in which a model ranks the first of them; unchanged where it does not do so in
   * time.
   * @throws the signal's reason when it is aborted
   */
  async ranked(question: string, hits: readonly PassageHit[], signal?: AbortSignal): Promise<RankedPassages> {
    const { reranker, bounds } = this.#deps;
    const unchanged = { hits, isSure: false };
    if (!reranker.isOffered || hits.length === 0 || question.trim() === "") return unchanged;
    const first = hits.slice(0, rankedMax);
    const texts = first.map(embeddedText);
    const scores = await this.#inTime("passages were not ranked", bounds.rerankMs, signal, (within) =>
      reranker.rerank(question, texts, within),
    );
    if (scores === null) return unchanged;
    const order = first.map((hit, i) => ({ hit, score: scores[i] as number }));
    order.sort((a, b) => b.score - a.score);
    // scores are logits: above 0, the model thinks it likelier than not that the passage answers
    const isSure = (order[0]?.score ?? 0) > 0;
    return { hits: [...order.map(({ hit }) => hit), ...hits.slice(rankedMax)], isSure };
  }

  /** What `work` returns; null when it fails or takes longer than `ms`. */
  async #inTime<T>(
    failed: string,
    ms: number,
    signal: AbortSignal | undefined,
    work: (within: AbortSignal) => Promise<T | null>,
  ): Promise<T | null> {
    const within = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(ms)]);
    const late = Promise.withResolvers<never>();
    const onAbort = () => late.reject(within.reason);
    within.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([work(within), late.promise]);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      this.#deps.log.debug(failed, { error: String(error) });
      return null;
    } finally {
      within.removeEventListener("abort", onAbort);
    }
  }
}
