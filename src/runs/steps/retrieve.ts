// The step before the answer of a persona with documents: finds the passages that the answer may cite, and
// stores them as parts of it. How they are told to the model is in runs/cited.

import type { FoundPassages, PassageHit } from "../../domain/document.ts";
import { Failure } from "../../domain/failure.ts";
import { type CollectionId, isTemporary, type PersonId } from "../../domain/id.ts";
import { sizeOf } from "../../domain/part.ts";
import type { EffectiveSettings, Persona } from "../../domain/persona.ts";
import type { Collections, PassageRange } from "../../store/collections.ts";
import type { Documents } from "../../store/documents.ts";
import type { FoundSource } from "../../store/sources.ts";
import { nothingFound, withSources } from "../cited.ts";
import { surelyFit } from "../context.ts";
import type { LiveRun } from "../live-run.ts";
import {
  firstPassages,
  type SearchedFile,
  type SearchedFilesDependencies,
  searchedFiles,
  sourceOf,
} from "../searched-files.ts";

/** Passages that an answer may cite at most. */
const sourcesMax = 8;
/** Passages that are shown where none answers. */
const nearestMax = 3;
/** Share of the context that they take at most. The best one is sent even if it takes more. */
const sourcesShare = 0.25;

/** Finds passages of some collections for the last question. */
export type FindPassages = (
  questions: readonly string[],
  range: PassageRange,
  signal?: AbortSignal,
) => Promise<FoundPassages>;

export interface RetrieveDependencies extends SearchedFilesDependencies {
  readonly store: {
    readonly collections: Pick<Collections, "collection" | "named">;
    readonly documents: Pick<Documents, "document">;
  };
  readonly findPassages: FindPassages;
  /** The same in the files of temporary conversations. */
  readonly findTemporary: FindPassages;
}

/**
 * Gives an answer that is not begun the passages that it may cite, where its persona or its conversation has
 * documents, or where a file on its path is too long to be read whole. Returns null, or what parlor answers
 * itself because no passage answers the question: it has the nearest ones then.
 * @throws Failure `collection_missing`, `collection_unknown`, `upstream_stalled`
 */
export async function retrieve(
  live: LiveRun,
  { persona, model, documents = [] }: Pick<EffectiveSettings, "persona" | "model" | "documents">,
  deps: RetrieveDependencies,
): Promise<string | null> {
  const { run, answer } = live;
  if (sizeOf(answer.parts) > 0) return null;
  const files = await searchedFiles(live, model, deps);
  const wished = { names: persona?.documents ?? [], ids: documents };
  const collections = run.withoutDocuments ? [] : await within(run.owner, wished, deps.store.collections);
  if (collections.length === 0 && files.length === 0) return null;
  const questions = (await live.history()).flatMap(({ role, text }) => (role === "user" ? [text] : []));
  const question = questions.at(-1) ?? "";
  const { hits, isAnswerable } = await find(questions, collections, files, live, deps);
  const all = await Promise.all(hits.map((hit) => toSource(hit, files, deps.store.documents)));
  if (isAnswerable) return give(await fitting(all, model, live, deps), live, persona);
  const first = await firstPassages(files, question, sourcesMax, live.store.documents);
  if (first.length > 0) return give(await fitting(first, model, live, deps), live, persona);
  if (collections.length === 0) return null;
  await give(
    all.slice(0, nearestMax).map((source) => ({ ...source, isNear: true as const })),
    live,
    persona,
  );
  return nothingFound({ language: persona?.language ?? null }, question);
}

/**
 * The collections of these names and ids, each once.
 * @throws Failure `collection_missing`, `collection_unknown` for one that the person can't search
 */
async function within(
  owner: PersonId,
  { names, ids }: { readonly names: readonly string[]; readonly ids: readonly CollectionId[] },
  collections: Pick<Collections, "collection" | "named">,
): Promise<readonly CollectionId[]> {
  if (names.length === 0 && ids.length === 0) return [];
  const found = (await collections.named(owner, names)).map((each, i) => {
    if (each === null) throw new Failure("collection_missing", { name: names[i] as string });
    return each.id;
  });
  for (const id of ids) {
    const each = await collections.collection(id);
    if (each === null || (each.owner !== null && each.owner !== owner))
      throw new Failure("collection_unknown");
    found.push(each.id);
  }
  return [...new Set(found)];
}

/**
 * Stores the passages with the answer, and with them how its persona wants it checked: so it looks the same
 * after the persona has changed.
 */
async function give(
  found: readonly FoundSource[],
  live: LiveRun,
  persona: Pick<Persona, "grounding"> | null,
): Promise<null> {
  const grounding = persona?.grounding;
  const sources = grounding === undefined ? found : found.map((source) => ({ ...source, grounding }));
  const parts = sources.length > 0 && (await live.store.sources.add(live.run.id, sources));
  if (parts) live.found(parts);
  return null;
}

/** Looks into collections and files. The files of a temporary conversation are in a Store of their own. */
async function find(
  questions: readonly string[],
  collections: readonly CollectionId[],
  files: readonly SearchedFile[],
  { run, abort: { signal } }: LiveRun,
  { findPassages, findTemporary }: RetrieveDependencies,
): Promise<FoundPassages> {
  const contents = files.map(({ collection }) => collection);
  const limit = sourcesMax;
  if (contents.length === 0 || !isTemporary(run.conversation))
    return findPassages(questions, { collections: [...collections, ...contents], limit }, signal);
  const inFiles = await findTemporary(questions, { collections: contents, limit });
  if (collections.length === 0) return inFiles;
  const both = [inFiles, await findPassages(questions, { collections, limit }, signal)];
  const isAnswerable = both.some((found) => found.isAnswerable);
  const telling = isAnswerable ? both.filter((found) => found.isAnswerable) : both;
  const hits = telling.flatMap((found) => found.hits.slice(0, limit / telling.length));
  return { hits, isAnswerable };
}

/** A passage of a file has the name that the file has in this conversation; any other knows its place. */
async function toSource(
  hit: PassageHit,
  files: readonly SearchedFile[],
  documents: Pick<Documents, "document">,
): Promise<FoundSource> {
  const file = files.find(({ document }) => document === hit.document);
  if (file) return sourceOf(hit.document, file.name, hit);
  const source = sourceOf(hit.document, hit.title ?? hit.path, hit);
  const found = await documents.document(hit.document);
  if (!found) return source;
  const { collection, path, hash } = found;
  return { ...source, place: { collection, path, hash, start: hit.start } };
}

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
