// Contract of the durable truth. Asynchronous, so that a database across the network fits;
// each method is one transaction. The queue is the table of Runs: nothing else remembers who waits.
// Implemented by store/sqlite; every implementation passes test/contract/store.ts.

import type { Conversation, ConversationId, Message, MessageId, Thread } from "../domain/conversation.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { Run, RunId, RunStats, RunStatus } from "../domain/run.ts";

/** A question to be stored with the Run that will answer it. */
export interface Say {
  readonly conversation: ConversationId;
  /** Made by the server for the form, sent back by the browser: the key that makes a resend harmless. */
  readonly message: MessageId;
  readonly text: string;
  /** Runs that may wait at once, in the whole house. */
  readonly queueMaxRuns: number;
}

/** What was stored. `question` is null when an answer is tried again. */
export interface Said {
  readonly question: Message | null;
  readonly answer: Message;
  readonly run: Run;
}

/** How a Run ended. */
export interface Ending {
  readonly status: Exclude<RunStatus, "queued" | "running">;
  readonly text: string;
  readonly reasoning: string;
  readonly finish: string | null;
  readonly failure: FailureReport | null;
  readonly stats: RunStats;
  readonly slotFreed: boolean;
}

export interface Store {
  /**
   * Stores the question, its (empty) answer and a queued Run; makes the conversation if it is the first.
   * Returns null, and changes nothing, when this message id is known already.
   * @throws Failure `conversation_busy`, `queue_full`
   */
  say(say: Say): Promise<Said | null>;

  /**
   * Queues another attempt at the answer `message`, which must be the head: a sibling beside it, which becomes the head.
   * @throws Failure `not_found`, `conversation_busy`, `queue_full`
   */
  retry(retry: { conversation: ConversationId; message: MessageId; queueMaxRuns: number }): Promise<Said>;

  /** `queued → running`; false when the Run is no longer queued. */
  start(run: RunId): Promise<boolean>;

  /** Writes the final text and closes an active Run, which is returned with its Message; null when it was closed before. */
  end(run: RunId, ending: Ending): Promise<{ message: Message; run: Run } | null>;

  conversation(id: ConversationId): Promise<Conversation | null>;

  /** The path from the first message to the head; empty for an unknown conversation. */
  thread(id: ConversationId): Promise<Thread>;

  /** The path that leads to `message`, which is excluded: what is sent to the model to have it written. */
  history(message: MessageId): Promise<readonly Message[]>;

  /** Forgets a conversation with everything in it; no effect when it is unknown. */
  forget(id: ConversationId): Promise<void>;

  /** Proves that it can be written to. @throws when it can't */
  probe(): Promise<void>;

  close(): Promise<void>;
}
