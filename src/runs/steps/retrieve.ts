// The step before the answer of a persona with documents: finds the passages that the answer may cite, and
// stores them as parts of it. How they are told to the model is in runs/cited.

import type { FoundPassages, PassageHit } from "../../domain/document.ts";
import { Failure } from "../../domain/failure.ts";
import { sizeOf } from "../../domain/part.ts";
import type { EffectiveSettings } from "../../domain/persona.ts";
import type { Collections, PassageRange } from "../../store/collections.ts";
import type { FoundSource } from "../../store/sources.ts";
import type { Upstream } from "../../upstream/upstream.ts";
import { nothingFound, withSources } from "../cited.ts";
import { type Counts, surelyFit } from "../context.ts";
import type { LiveRun } from "../live-run.ts";

/** Passages that an answer may cite at most. */
const sourcesMax = 8;
/** Passages that are shown where none answers. */
const nearestMax = 3;
/** Share of the context that they take at most. The best one is sent even if it takes more. */
const sourcesShare = 0.25;

/** Finds passages of some collections for the last question. */
export type FindPassages = (questions: readonly string[], range: PassageRange) => Promise<FoundPassages>;

export interface RetrieveDependencies {
  readonly store: { readonly collections: Pick<Collections, "named"> };
  readonly findPassages: FindPassages;
  readonly upstream: Pick<Upstream, "facts" | "count">;
  readonly counts: Counts;
}

/**
 * Gives an answer that is not begun the passages that it may cite, where its persona has documents. Returns
 * null, or what parlor answers itself because no passage answers the question: it has the nearest ones then.
 * @throws Failure `collection_missing`, `upstream_stalled`
 */
export async function retrieve(
  live: LiveRun,
  { persona, model }: Pick<EffectiveSettings, "persona" | "model">,
  deps: RetrieveDependencies,
): Promise<string | null> {
  const { run, store, answer } = live;
  const names = persona?.documents;
  if (!persona || !names || run.withoutDocuments || sizeOf(answer.parts) > 0) return null;
  const collections = (await deps.store.collections.named(run.owner, names)).map((found, i) => {
    if (found === null) throw new Failure("collection_missing", { name: names[i] as string });
    return found.id;
  });
  const path = await store.history(answer.id);
  const questions = path.flatMap(({ role, text }) => (role === "user" ? [text] : []));
  const range = { collections, limit: sourcesMax };
  const question = questions.at(-1) ?? "";
  const { hits, isAnswerable } = await deps.findPassages(questions, range);
  const all = hits.map(toSource);
  const sources = isAnswerable
    ? await fitting(all, model, live, deps)
    : all.slice(0, nearestMax).map((source) => ({ ...source, isNear: true as const }));
  const parts = sources.length > 0 && (await store.sources.add(run.id, sources));
  if (parts) live.found(parts);
  return isAnswerable ? null : nothingFound(persona, question);
}

const toSource = ({ document, page, start, end, title, path, headings, text }: PassageHit): FoundSource => ({
  ...{ passage: `${document}.${page}.${start}-${end}`, document: title ?? path, page, headings, text },
});

/** The best of the passages, as many as fit into their share of the context. */
async function fitting(
  all: readonly FoundSource[],
  model: string | null,
  live: LiveRun,
  { upstream, counts }: RetrieveDependencies,
): Promise<readonly FoundSource[]> {
  const { contextTokens, model: served } = upstream.facts(model);
  if (contextTokens === null) return all;
  const room = Math.floor(contextTokens * sourcesShare);
  let kept = all;
  while (kept.length > 1) {
    const content = withSources(
      "",
      kept.map((source, i) => ({ ...source, n: i + 1 })),
    );
    const messages = [{ role: "user" as const, content }];
    if (surelyFit(messages, room)) break;
    const key = JSON.stringify([served, messages]);
    const tokens = await counts.of(key, () => upstream.count({ messages, model }, live.abort.signal));
    if (tokens === null || tokens <= room) break;
    kept = kept.slice(0, Math.max(1, Math.min(kept.length - 1, Math.floor((kept.length * room) / tokens))));
  }
  return kept;
}
