// What the Bus carries: numbered facts about Runs, and word that something is to be read again. Events of one
// Run are numbered without gaps, so a reader knows whether it missed one.

import type { Message } from "./conversation.ts";
import type { ConversationId, MessageId, PersonId, RunId } from "./id.ts";
import type { Place, PromptProgress, Run } from "./run.ts";
import type { Utterance } from "./thread.ts";

/** The facts a Run can announce. */
export type RunFact =
  /**
   * The Run waits. `question` is null when the messages are not simply added at the end: then the thread is
   * ThreadChanged too.
   */
  | {
      readonly kind: "queued";
      readonly owner: PersonId;
      readonly question: Message | null;
      readonly answer: Message;
    }
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

/** The thread's shape has changed (another branch, a message gone, another attempt): read it again. */
interface ThreadChanged {
  readonly kind: "reshaped";
  readonly conversation: ConversationId;
}

/** The conversation's entry in the list has changed, or is new, or is gone: read it again. */
export interface ListEntryChanged {
  readonly kind: "listed";
  readonly conversation: ConversationId;
  /** Something was said in it: it belongs at the top now. Otherwise the list's order may be any other. */
  readonly isLatest: boolean;
}

export type HouseEvent = RunEvent | ThreadChanged | ListEntryChanged;

/** The topic of a person's list; every other topic is a conversation's id. */
export const listTopic = (owner: PersonId): string => `list:${owner}`;
