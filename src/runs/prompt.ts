// Builds the request of a Run: the effective settings of its conversation and as much of the thread as
// fits. Combines the decisions of runs/context and persona/effective-settings with data from the Store and
// llama-server.

import { type Message, withParts } from "../domain/conversation.ts";
import { sourcesIn } from "../domain/part.ts";
import { type EffectiveSettings, noSettings, type Persona } from "../domain/persona.ts";
import type { RunStats } from "../domain/run.ts";
import { type SettingsResolver, samplingOf } from "../persona/effective-settings.ts";
import type { ChatRequest, Upstream } from "../upstream/upstream.ts";
import { type Said, saidIn, sensesOf } from "./attached.ts";
import { withInstruction, withSources } from "./cited.ts";
import { beginnings, type Counts, fit, lastBeginning, messagesOf, roomFor, surelyFit } from "./context.ts";
import type { LiveRun } from "./live-run.ts";

export interface PromptDependencies {
  readonly upstream: Upstream;
  readonly settings: SettingsResolver;
  readonly counts: Counts;
  /** Tokens reserved for an answer if its persona sets no `max_tokens`. */
  readonly answerTokens: number;
  /** The settings that the Run began with; absent: those of now. */
  readonly effective?: EffectiveSettings | undefined;
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
  const settings = deps.effective ?? (await settingsOf(live, deps));
  if (settings.missing !== null) throw await deps.settings.failureOf(settings.missing);
  // a later step, or a Run that continues an answer, goes on from what is written
  const said = [...(await live.history()), withParts(answer, live.written.parts)];
  const { persona } = settings;
  const { messages, system } = grounded(said, persona);
  const isFirst = messages.length === 2;
  const { model } = settings;
  const facts = deps.upstream.facts(model);
  const { contextTokens, model: served } = facts;
  const path: Said[] = [];
  for (const message of messages) path.push(await saidIn(message, store.files, sensesOf(facts)));
  const sampling = samplingOf(settings);
  const requestFrom = (place: number): ChatRequest => ({
    messages: messagesOf(system, path.slice(place)),
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

/** How the conversation of a Run is answered now. */
export async function settingsOf(
  { store, run }: LiveRun,
  { settings }: Pick<PromptDependencies, "settings">,
): Promise<EffectiveSettings> {
  return settings.of((await store.conversation(run.conversation))?.settings ?? noSettings);
}

/** The system message and the messages; the last question has the passages that its answer may cite. */
function grounded(said: readonly Message[], persona: Persona | null) {
  const system = persona?.prompt ?? "";
  const sources = sourcesIn(said.at(-1)?.parts ?? []);
  if (sources.length === 0) return { messages: said, system };
  const at = said.findLastIndex(({ role }) => role === "user");
  const { text: question = "" } = said[at] ?? {};
  const messages = said.map((message, i) =>
    i === at ? { ...message, text: withSources(question, sources) } : message,
  );
  return {
    messages,
    system: withInstruction({ prompt: system, language: persona?.language ?? null }, question),
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
