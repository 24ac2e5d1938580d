// Contract of the models that don't chat: texts become vectors, or scores for a question. The adapters are
// upstream/llama-embedder and upstream/llama-reranker. A text that a model can't take is no fault of its
// server.

import type { UpstreamState } from "../domain/upstream.ts";
import type { Relayed, RelaySink, RequestId } from "./upstream.ts";

/** Servers with a model for one purpose. */
export interface SpecialServers {
  /** True where a server was named for it, or a router has a model for it, whether it answers now or not. */
  readonly isOffered: boolean;
  /** The state of each server that was named for it. */
  readonly servers: readonly UpstreamState[];
  /** The latest output lines of a server that parlor has started; empty for any other. */
  logOf(url: string): readonly string[];
  /** Calls `listener` whenever the servers may have changed. Returns a function that ends the calls. */
  watch(listener: () => void): () => void;
  /**
   * Passes a program's request on, and the answer back.
   * @throws as `Upstream.pass`; Failure `upstream_absent` while no server answers
   */
  pass(asked: RequestId, relayed: Relayed, sink: RelaySink, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What vectors are made by. Vectors of two models, or of one that was told otherwise, can't be compared. */
interface EmbeddingModel {
  /** As its server calls it. */
  readonly name: string;
  /** What stands before each passage; empty for most models. */
  readonly prefix: string;
  readonly dims: number;
}

export interface Embedding {
  readonly model: EmbeddingModel;
  /** One for each text; null for a text without content. */
  readonly vectors: readonly (Float32Array | null)[];
}

export interface Embedder extends SpecialServers {
  /**
   * Vectors of questions or of passages; longer texts than the model takes are cut. Null where no server
   * answers.
   * @throws Failure `upstream_refused`, `context_overflow`: the server is well and can't take these texts;
   *   other Failures of `upstream_*`; the signal's reason when it is aborted
   */
  embed(
    texts: readonly string[],
    kind: "question" | "passage",
    signal: AbortSignal,
  ): Promise<Embedding | null>;
}

export interface Reranker extends SpecialServers {
  /**
   * How well each document answers the query: greater is better, and only scores of one call can be compared.
   * Longer documents than the model takes are cut. Null where no server answers.
   * @throws as `Embedder.embed`
   */
  rerank(query: string, documents: readonly string[], signal: AbortSignal): Promise<readonly number[] | null>;
}
