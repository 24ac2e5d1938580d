// Builds the request of a Run: the effective settings of its conversation and as much of the thread as
// fits. Combines the decisions of runs/context and persona/effective-settings with data from the Store and
// llama-server.

import { withParts } from "../domain/conversation.ts";
import { noSettings } from "../domain/persona.ts";
import type { RunStats } from "../domain/run.ts";
import { type SettingsResolver, samplingOf } from "../persona/effective-settings.ts";
import type { ChatRequest, Upstream } from "../upstream/upstream.ts";
import { type Said, saidIn } from "./attached.ts";
import { beginnings, type Counts, fit, lastBeginning, messagesOf, roomFor, surelyFit } from "./context.ts";
import type { LiveRun } from "./live-run.ts";

export interface PromptDependencies {
  readonly upstream: Upstream;
  readonly settings: SettingsResolver;
  readonly counts: Counts;
  /** Tokens reserved for an answer if its persona sets no `max_tokens`. */
  readonly answerTokens: number;
}

export interface Prompt {
  readonly request: ChatRequest;
  readonly stats: Pick<RunStats, "model" | "contextTokens" | "roomTokens" | "droppedMessages">;
  /** True for the first question of a conversation. */
  readonly isFirst: boolean;
}

/** Messages of the thread in which the last turn's history is looked for: enough to skip failed attempts. */
const lookBackMessages = 20;

/**
 * The request of a Run that starts now.
 * @throws Failure `persona_missing`, `persona_broken`, `context_full`, `context_overflow`, `upstream_stalled`
 */
export async function promptOf(live: LiveRun, deps: PromptDependencies): Promise<Prompt> {
  const { store, answer, run } = live;
  const settings = await deps.settings.of(
    (await store.conversation(run.conversation))?.settings ?? noSettings,
  );
  if (settings.missing !== null) throw await deps.settings.failureOf(settings.missing);
  // a later step, or a Run that continues an answer, goes on from what is written
  const messages = [...(await store.history(answer.id)), withParts(answer, live.written.parts)];
  const { persona } = settings;
  const isFirst = messages.length === 2;
  const { model } = settings;
  const { contextTokens, model: served, vision } = deps.upstream.facts(model);
  const path: Said[] = [];
  for (const message of messages) path.push(await saidIn(message, store.files, vision === true));
  const sampling = samplingOf(settings);
  const requestFrom = (place: number): ChatRequest => ({
    messages: messagesOf(persona?.prompt ?? "", path.slice(place)),
    sampling,
    model,
  });
  const servedModel = served === null ? {} : { model: served };
  if (contextTokens === null) return { request: requestFrom(0), stats: servedModel, isFirst };
  const room = roomFor(contextTokens, { maxTokens: sampling.maxTokens, answerTokens: deps.answerTokens });
  const whole = requestFrom(0);
  if (surelyFit(whole.messages, room))
    return { request: whole, stats: { ...servedModel, contextTokens, roomTokens: room }, isFirst };
  const { thread } = await store.thread(run.conversation, { limit: lookBackMessages });
  const place = await fit({
    places: beginnings(path),
    from: lastBeginning(thread, contextTokens),
    roomTokens: room,
    contextTokens,
    overflow: persona?.overflow ?? "drop",
    count: (from) => countOf(requestFrom(from), live.abort.signal, deps),
  });
  // dropped messages are counted along the path, so the number is also the index for the next turn
  return {
    request: requestFrom(place),
    stats: { ...servedModel, contextTokens, roomTokens: room, ...(place > 0 && { droppedMessages: place }) },
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
