// Contract of a llama-server: a conversation goes in, pieces of the answer come out, a Slot comes back.
// Implemented by upstream/llama over fetch. Everything that goes wrong leaves here as a Failure.

import type { Role } from "../domain/conversation.ts";
import type { Sampling } from "../domain/persona.ts";
import type { PromptProgress, RunId, RunStats } from "../domain/run.ts";
import type { UpstreamState } from "../domain/upstream.ts";

/** One message as llama-server wants it. */
export interface ChatMessage {
  readonly role: Role | "system";
  readonly content: string;
}

/** What an answer is asked for with. What is absent is llama-server's own choice. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  readonly model: string | null;
}

/** What arrives while an answer is made; each call carries all that one network read brought. */
export interface Deltas {
  text(text: string): void;
  reasoning(text: string): void;
  prompt(progress: PromptProgress): void;
}

/** What is known when an answer is complete. */
export interface ChatEnd {
  /** `stop`, `length`, `tool_calls`, as llama-server words it. */
  readonly finish: string;
  readonly stats: RunStats;
}

/** What a request is known by. */
export interface Asked {
  readonly run: RunId;
  /** What the wish is called in logs. */
  readonly request: string;
}

export interface Upstream {
  readonly state: UpstreamState;

  /** Calls `listener` at each later change of `state`. Returns the function that ends it. */
  watch(listener: (state: UpstreamState) => void): () => void;

  /**
   * One streaming request; a last message of the assistant is gone on with. Rejects with the signal's reason when it is
   * aborted, which ends the generation. Where llama-server can, the stream outlives this process under the Run's id.
   * @throws Failure `upstream_*`, `context_overflow`
   */
  chat(asked: Asked, request: ChatRequest, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * Tokens of these messages with everything that the model's template adds, as llama-server itself counts them; null when it
   * can't, whatever the reason: the request itself will tell it.
   * @throws Failure `upstream_stalled`, or the signal's reason when it is aborted
   */
  count(request: Pick<ChatRequest, "messages" | "model">, signal: AbortSignal): Promise<number | null>;

  /**
   * Takes up the stream of a Run that a process before this one began, from its first Delta.
   * @throws Failure `not_found` when llama-server does not have it (any more); else as `chat`
   */
  resume(run: RunId, deltas: Deltas, signal: AbortSignal): Promise<ChatEnd>;

  /**
   * Waits until llama-server itself shows at most `othersRunning` busy slots, for a bounded time.
   * True when it did (or when it is gone, which frees every slot), false when the bound passed first.
   */
  freed(othersRunning: () => number): Promise<boolean>;

  /** Slots that llama-server shows as busy now; null when it can't be known, 0 when it does not tell. */
  busySlots(): Promise<number | null>;

  close(): Promise<void>;
}
