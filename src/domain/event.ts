// Events on the Bus: numbered facts about Runs, and notices that something must be read again. Events of one
// Run are numbered without gaps, so a reader knows whether it missed one.

import type { ForProcesses } from "./cluster.ts";
import type { Message } from "./conversation.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "./id.ts";
import type { Parts, WrittenPart } from "./part.ts";
import type { Place, PromptProgress, Run } from "./run.ts";
import type { Utterance } from "./thread.ts";

/** The facts that a Run publishes. */
export type RunFact =
  /**
   * The Run waits. `question` is null when the messages are not added at the end of the thread, and when
   * the Run is taken over from another process; then the thread must be read again.
   */
  | {
      readonly kind: "queued";
      readonly owner: PersonId;
      readonly question: Message | null;
      readonly answer: Message;
    }
  | { readonly kind: "place"; readonly place: Place }
  /** `answer` has parts already when the Run continues an answer, or has found passages for it. */
  | { readonly kind: "started"; readonly answer: Message }
  | { readonly kind: "prompt"; readonly progress: PromptProgress }
  | PartGrew
  /** A person has stopped the Run; its slot is watched until it is idle. */
  | { readonly kind: "stopping" }
  | { readonly kind: "ended"; readonly utterance: Utterance & { readonly run: Run } };

/** A piece was added to a part of the answer. */
export interface PartGrew {
  readonly kind: "part";
  readonly piece: WrittenPart;
  /** Where the piece belongs: the size of all parts before it, in UTF-16 units. */
  readonly at: number;
  /** Index of the first part of the step that wrote the piece; see `grown` in domain/part. */
  readonly from: number;
  /** Time of the first thought, in milliseconds since 1970; null when there was none. */
  readonly since: number | null;
}

/**
 * A numbered fact about a Run: `n` counts without gaps. It begins at 0, or beyond all numbers of the process
 * that ran the Run before.
 */
export type RunEvent = RunFact & {
  readonly run: RunId;
  readonly conversation: ConversationId;
  readonly messageId: MessageId;
  readonly n: number;
};

/** State of a Run in progress after event number `n`. */
export interface Snapshot {
  readonly run: RunId;
  readonly owner: PersonId;
  readonly messageId: MessageId;
  readonly n: number;
  readonly status: "queued" | "running";
  /** The answer so far. */
  readonly parts: Parts;
  /** Index of the first part that the present step writes. */
  readonly from: number;
  /** Time of the first thought, in milliseconds since 1970; null when there was none. */
  readonly thinkingSince: number | null;
  readonly place: Place | null;
  readonly progress: PromptProgress | null;
  readonly stopping: boolean;
}

/**
 * The thread has changed its shape (another branch, a deleted message, another attempt) and must be read
 * again.
 */
interface ThreadChanged {
  readonly kind: "reshaped";
  readonly conversation: ConversationId;
}

/** The conversation's entry in the list has changed, is new, or was deleted, and must be read again. */
export interface ListEntryChanged {
  readonly kind: "listed";
  readonly conversation: ConversationId;
  /**
   * True when a message made it the latest entry of the list. Otherwise its place in the list is not known.
   */
  readonly isLatest: boolean;
}

export type HouseEvent = RunEvent | ThreadChanged | ListEntryChanged | ForProcesses;

/** The topic of a person's list. Other topics are a conversation's id, and that of the processes. */
export const listTopic = (owner: PersonId): string => `list:${owner}`;
