// The events of an answer in the API of /chat (programs/socket-json) and /ask (programs/ask). Their fields
// are a public interface.

import { groundingOf } from "../../views/answer.tsx";
import { type Language, sentenceOf, wordsOf } from "../../views/words.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { Tally } from "../domain/grounding.ts";
import type { ConversationId } from "../domain/id.ts";
import { type PartKind, sourcesIn } from "../domain/part.ts";
import type { Run, RunStats } from "../domain/run.ts";
import type { Tap } from "../runs/runs.ts";

export type ProgramEvent =
  | { readonly type: "queued"; readonly position: number; readonly of: number }
  | { readonly type: "prompt"; readonly processed: number; readonly total: number }
  | { readonly type: "delta"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "sources"; readonly sources: readonly Source[] }
  | ({ readonly type: "grounding" } & Tally)
  | {
      readonly type: "done";
      readonly conversation: ConversationId | null;
      readonly finish: string;
      /** parlor answered itself: no passage matched the question. */
      readonly nothing_found?: true;
      readonly usage: Usage;
      readonly timings: Timings;
    }
  | {
      readonly type: "history";
      readonly conversation: ConversationId;
      readonly messages: readonly { readonly role: string; readonly text: string }[];
    }
  | { readonly type: "error"; readonly code: string; readonly message: string };

/** A passage that the answer may cite as `[n]`. */
interface Source {
  readonly n: number;
  /** Title of its document, or its file's path. */
  readonly document: string;
  readonly page: number;
  readonly text: string;
}

/** In tokens. A field is absent when llama-server did not report it. */
interface Usage {
  readonly prompt_tokens?: number;
  /** Prompt tokens that came from the cache. */
  readonly cached_tokens?: number;
  readonly completion_tokens?: number;
}

interface Timings {
  readonly queue_ms?: number;
  readonly first_token_ms?: number;
  readonly tokens_per_second?: number;
}

/** The events that bring pieces of each kind. */
const pieceTypes = { text: "delta", thought: "reasoning" } as const satisfies Record<PartKind, string>;

/** The event that brings a piece of an answer. */
export const pieceEvent = (kind: PartKind, text: string): ProgramEvent => ({ type: pieceTypes[kind], text });

/** A Tap that sends a Run's events. `onEnded` is called with the Run when it is over. */
export function eventTap(
  send: (event: ProgramEvent) => void,
  onEnded: (run: Run) => void,
  { isAlone, bug }: { isAlone: boolean; bug(error: unknown): void },
): Tap {
  return {
    isAlone,
    part: (kind, text) => send(pieceEvent(kind, text)),
    sources: (sources) =>
      send({
        type: "sources",
        sources: sources.map(({ n, document, page, text }) => ({ n, document, page, text })),
      }),
    place: ({ position, of }) => send({ type: "queued", position, of }),
    prompt: ({ processed, total }) => send({ type: "prompt", processed, total }),
    ended(run, answer) {
      const [source] = sourcesIn(answer.parts);
      if (run.status !== "done" || source === undefined || source.grounding === "off") return onEnded(run);
      groundingOf(answer)
        .then((tally) => send({ type: "grounding", ...tally }))
        .catch(bug)
        .finally(() => onEnded(run));
    },
  };
}

/** The last event of a Run. */
export function finalEventOf(
  run: Run,
  conversation: ConversationId | null,
  language: Language,
): ProgramEvent {
  if (run.failure) return errorEvent(run.failure, language);
  if (run.status === "interrupted") return errorEvent({ code: "shutting_down", facts: {} }, language);
  return doneEvent(run.status === "stopped" ? "stopped" : (run.finish ?? "stop"), run.stats, conversation);
}

/** @param conversation null if it is not stored */
export function doneEvent(
  finish: string,
  stats: RunStats,
  conversation: ConversationId | null,
): ProgramEvent {
  const { promptTokens, cachedTokens, outputTokens, queueMs, firstTokenMs, tokensPerSecond } = stats;
  const usage = definedFields({
    prompt_tokens: promptTokens,
    cached_tokens: cachedTokens,
    completion_tokens: outputTokens,
  });
  const timings = definedFields({
    queue_ms: queueMs,
    first_token_ms: firstTokenMs,
    tokens_per_second: tokensPerSecond,
  });
  return {
    ...{ type: "done", conversation, finish },
    ...(stats.nothingFound && { nothing_found: true }),
    ...{ usage, timings },
  };
}

export function errorEvent(failure: FailureReport, language: Language): ProgramEvent {
  return { type: "error", code: failure.code, message: sentenceOf(failure, wordsOf(language)) };
}

function definedFields(fields: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
