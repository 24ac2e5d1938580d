// What a Run sends: the voice of its conversation, and as much of the thread as fits. Puts together what
// chat/context and chat/effective-settings decide, with what Store and llama-server say.

import { noSettings } from "../domain/persona.ts";
import type { RunStats } from "../domain/run.ts";
import type { ChatRequest, Upstream } from "../upstream/upstream.ts";
import { beginnings, type Counts, fit, lastBeginning, messagesOf, roomFor, surelyFit } from "./context.ts";
import { type SettingsResolver, samplingOf } from "./effective-settings.ts";
import type { LiveRun } from "./live-run.ts";

export interface PromptDependencies {
  readonly upstream: Upstream;
  readonly settings: SettingsResolver;
  readonly counts: Counts;
  /** Room kept for an answer whose persona names no longest one, in tokens. */
  readonly answerTokens: number;
}

export interface Prompt {
  readonly request: ChatRequest;
  readonly stats: Pick<RunStats, "model" | "contextTokens" | "roomTokens" | "droppedMessages">;
  /** Nothing was said in the conversation before the question. */
  readonly isFirst: boolean;
}

/** Messages of the thread that are looked at for where the last turn's history began: enough to step over failed attempts. */
const lookBackMessages = 20;

/**
 * The request of a Run that begins now.
 * @throws Failure `persona_missing`, `persona_broken`, `context_full`, `context_overflow`, `upstream_stalled`
 */
export async function promptOf(live: LiveRun, deps: PromptDependencies): Promise<Prompt> {
  const { store, answer, run } = live;
  const voice = await deps.settings.of((await store.conversation(run.conversation))?.settings ?? noSettings);
  if (voice.missing !== null) throw await deps.settings.refusal(voice.missing);
  const path = [...(await store.history(answer.id)), answer];
  const { persona } = voice;
  const isFirst = path.length === 2;
  const { model } = voice;
  const sampling = samplingOf(voice);
  const requestFrom = (place: number): ChatRequest => ({
    messages: messagesOf(persona?.prompt ?? "", path.slice(place)),
    sampling,
    model,
  });
  const { contextTokens, model: served } = deps.upstream.facts(model);
  const named = served === null ? {} : { model: served };
  if (contextTokens === null) return { request: requestFrom(0), stats: named, isFirst };
  const room = roomFor(contextTokens, { maxTokens: sampling.maxTokens, answerTokens: deps.answerTokens });
  const whole = requestFrom(0);
  if (surelyFit(whole.messages, room))
    return { request: whole, stats: { ...named, contextTokens, roomTokens: room }, isFirst };
  const { thread } = await store.thread(run.conversation, { limit: lookBackMessages });
  const place = await fit({
    places: beginnings(path),
    from: lastBeginning(thread, contextTokens),
    roomTokens: room,
    contextTokens,
    overflow: persona?.overflow ?? "drop",
    count: (from) => countOf(requestFrom(from), live.abort.signal, deps),
  });
  // dropped messages are counted on the path: so many stand before the place where the next turn's history begins as well
  return {
    request: requestFrom(place),
    stats: { ...named, contextTokens, roomTokens: room, ...(place > 0 && { droppedMessages: place }) },
    isFirst,
  };
}

function countOf(
  request: ChatRequest,
  signal: AbortSignal,
  { upstream, counts }: PromptDependencies,
): Promise<number | null> {
  const key = JSON.stringify([upstream.facts(request.model).model, request.messages]);
  return counts.of(key, () => upstream.count(request, signal));
}
