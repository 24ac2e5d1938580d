// A Run is one attempt to write one assistant Message. Its events are in domain/event.

import type { FailureReport } from "./failure.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "./id.ts";

/** `queued → running → done | stopped | failed | interrupted`. */
export type RunStatus = "queued" | "running" | "done" | "stopped" | "failed" | "interrupted";

/** Figures of a finished Run. A field is absent when llama-server did not report it. */
export interface RunStats {
  /** Tokens of the prompt, including cached ones. */
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
  /** The model's name as llama-server reported it. */
  readonly model?: string;
  /** Context of the slot at that time, in tokens. */
  readonly contextTokens?: number;
  /** Tokens of the context that a prompt may use. A longer prompt must leave something out. */
  readonly roomTokens?: number;
  /** Oldest messages of the path that were left out because they did not fit. */
  readonly droppedMessages?: number;
  /** Nothing in the documents answers the question: parlor said so itself, and asked no model. */
  readonly nothingFound?: true;
  /**
   * Sentences that a model found in a source by their sense: keys of domain/doubt, with the source's number.
   */
  readonly bySense?: Readonly<Record<string, number>>;
}

export interface Run {
  readonly id: RunId;
  /** The person who asked, and whose share of the slots it uses. */
  readonly owner: PersonId;
  readonly conversation: ConversationId;
  /** The assistant Message it writes. */
  readonly message: MessageId;
  readonly status: RunStatus;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Why the model stopped, as llama-server reported it: `stop`, `length`, `tool_calls`. */
  readonly finish: string | null;
  readonly failure: FailureReport | null;
  readonly stats: RunStats;
  /** False when a stopped Run's slot was still busy at the end of the bounded wait. */
  readonly slotFreed: boolean;
  /** The person asked for an answer without documents, whatever the persona has. */
  readonly withoutDocuments?: true;
}

/** Runs that match all given fields. */
export type WhichRuns = Partial<Pick<Run, "id" | "conversation" | "owner">>;

/** A failed Run on the admin page. */
export interface FailedRun {
  readonly run: RunId;
  readonly owner: PersonId;
  readonly failure: FailureReport;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** A place in the queue: position 1 is next. */
export interface Place {
  readonly position: number;
  readonly of: number;
  /** How long it will take; absent while too little is known. */
  readonly wait?: WaitEstimate;
}

/** An interval, in milliseconds, that holds the real time nine times in ten. */
export interface WaitEstimate {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** llama-server's progress with the prompt, in tokens. */
export interface PromptProgress {
  readonly processed: number;
  readonly total: number;
  readonly cached: number;
}

/** A Run in progress on the admin page. */
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
