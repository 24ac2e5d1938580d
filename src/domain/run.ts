// A Run is one attempt at one assistant Message; a RunEvent is a numbered fact about it.
// Events of one Run are numbered without gaps, so a reader knows whether it missed one.

import type { PersonId } from "./account.ts";
import type { ConversationId, Message, MessageId, Utterance } from "./conversation.ts";
import type { FailureReport } from "./failure.ts";

export type RunId = string;

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
  readonly wait?: Wait;
}

/** How long something takes, in milliseconds: nine times in ten it lies within. */
export interface Wait {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** How far llama-server is in reading the prompt, in tokens. */
export interface PromptProgress {
  readonly processed: number;
  readonly total: number;
  readonly cached: number;
}

/** The facts a Run can announce. */
export type RunFact =
  /** The Run waits. `question` is null when the messages are not simply added at the end: then the thread is Reshaped too. */
  | { readonly kind: "queued"; readonly owner: PersonId; readonly question: Message | null; readonly answer: Message }
  | { readonly kind: "place"; readonly place: Place }
  /** `answer` bears what is there already when the Run goes on with an answer. */
  | { readonly kind: "started"; readonly answer: Message }
  | { readonly kind: "prompt"; readonly progress: PromptProgress }
  | { readonly kind: "text"; readonly text: string }
  /** `since` is when the first thought came, in milliseconds since 1970. */
  | { readonly kind: "reasoning"; readonly text: string; readonly since: number | null }
  /** Stop was asked for; the slot is being watched until it is idle. */
  | { readonly kind: "stopping" }
  | { readonly kind: "ended"; readonly utterance: Utterance & { readonly run: Run } };

/** A numbered fact about a Run: `n` counts from 0 without gaps. */
export type RunEvent = RunFact & {
  readonly run: RunId;
  readonly conversation: ConversationId;
  readonly messageId: MessageId;
  readonly n: number;
};

/** A Run in progress as it is at event number `n`. */
export interface Snapshot {
  readonly run: RunId;
  readonly messageId: MessageId;
  readonly n: number;
  readonly status: "queued" | "running";
  readonly text: string;
  readonly reasoning: string;
  /** When its first thought came, in milliseconds since 1970; null when there was none. */
  readonly thinkingSince: number | null;
  readonly place: Place | null;
  readonly progress: PromptProgress | null;
  readonly stopping: boolean;
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
