// A Run is one attempt at one assistant Message. What happens to it is told in domain/event.

import type { FailureReport } from "./failure.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "./id.ts";

/** `queued → running → done | stopped | failed | interrupted`. */
export type RunStatus = "queued" | "running" | "done" | "stopped" | "failed" | "interrupted";

/** What llama-server reported of a finished Run; a field is absent when it did not say. */
export interface RunStats {
  /** Tokens of the prompt, those from the cache included. */
  readonly promptTokens?: number;
  /** Prompt tokens that were taken from llama-server's cache. */
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly tokensPerSecond?: number;
  /** From the start of the Run (a Slot is held) to its first token, in milliseconds, measured here. */
  readonly firstTokenMs?: number;
  /** Time in the queue, in milliseconds. */
  readonly queueMs?: number;
  /** From its first thought to its answer, in milliseconds. */
  readonly thinkingMs?: number;
  /** The model's name as llama-server said it. */
  readonly model?: string;
  /** The slot's context, in tokens, as it was then. */
  readonly contextTokens?: number;
  /** Of these, as many as a prompt may have: beyond them something must be left out. */
  readonly roomTokens?: number;
  /** Oldest messages of the path that were left out because they did not fit. */
  readonly droppedMessages?: number;
}

export interface Run {
  readonly id: RunId;
  /** Who asked for it: whose share of the slots it uses. */
  readonly owner: PersonId;
  readonly conversation: ConversationId;
  /** The assistant Message it writes. */
  readonly message: MessageId;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Why the model stopped: `stop`, `length`, `tool_calls`, as llama-server words it. */
  readonly finish: string | null;
  readonly failure: FailureReport | null;
  readonly stats: RunStats;
  /** False when a stopped Run's slot was still busy at the end of the bounded wait. */
  readonly slotFreed: boolean;
}

/** A Run that failed, as the operator sees it. */
export interface FailedRun {
  readonly run: RunId;
  readonly owner: PersonId;
  readonly failure: FailureReport;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A place in line: 1 is next. */
export interface Place {
  readonly position: number;
  readonly of: number;
  /** How long it will take, where enough is known to say. */
  readonly wait?: WaitEstimate;
}

/** How long something takes, in milliseconds: nine times in ten it lies within. */
export interface WaitEstimate {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** How far llama-server is in reading the prompt, in tokens. */
export interface PromptProgress {
  readonly processed: number;
  readonly total: number;
  readonly cached: number;
}

/** A Run in progress as the operator sees it. */
export interface RunNow {
  readonly run: RunId;
  readonly owner: PersonId;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly place: Place | null;
  readonly tokens: number;
  readonly isAttended: boolean;
}
