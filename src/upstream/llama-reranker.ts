// Scores of documents for a query, from a llama-server.

import { Failure } from "../domain/failure.ts";
import type { Reranker } from "./meaning.ts";
import { Specialists } from "./specialists.ts";

interface Result {
  index?: unknown;
  relevance_score?: unknown;
}

export class LlamaReranker extends Specialists implements Reranker {
  async rerank(
    query: string,
    documents: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly number[] | null> {
    const found = this.find();
    if (found === null) return null;
    const scores = documents.map(() => Number.NEGATIVE_INFINITY);
    const said = documents.flatMap((text, at) => (text.trim() === "" ? [] : [{ at, text }]));
    if (said.length === 0 || query.trim() === "") return scores;
    const texts = said.map(({ text }) => text);
    const results = await this.fitting(found, texts, query, signal, async (cut) => {
      const answer = await this.post(found, "/v1/rerank", { query, documents: cut }, signal);
      return (answer as { results?: unknown } | null)?.results;
    });
    if (!Array.isArray(results) || results.length !== said.length) throw new Failure("upstream_garbled");
    for (const { index, relevance_score } of results as Result[]) {
      const at = said[Number(index)]?.at;
      if (at === undefined || !Number.isFinite(relevance_score)) throw new Failure("upstream_garbled");
      scores[at] = relevance_score as number;
    }
    return scores;
  }
}
