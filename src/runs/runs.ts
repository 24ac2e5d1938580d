// Contract of the Runs in progress: hand one over, stop it, watch it. What people may do with a conversation
// (chat/) knows Runs by this contract alone. It says nothing of queues, slots or llama-servers.

import type { Person } from "../domain/account.ts";
import type { Message } from "../domain/conversation.ts";
import type { Snapshot } from "../domain/event.ts";
import type { ConversationId } from "../domain/id.ts";
import type { PartKind, SourcePart } from "../domain/part.ts";
import type { Place, PromptProgress, Run, WhichRuns } from "../domain/run.ts";
import type { Utterance } from "../domain/thread.ts";
import type { QueuedRun } from "../store/store.ts";

/** Receives every Delta of a Run for a program, unfolded. */
export interface Tap {
  /** True if nobody else can see the Run: then its Deltas are not published on the Bus. */
  readonly isAlone: boolean;
  part(kind: PartKind, piece: string): void;
  place?(place: Place): void;
  prompt?(progress: PromptProgress): void;
  /** The passages that the answer may cite, before its first piece. Not called where there are none. */
  sources?(sources: readonly SourcePart[]): void;
  ended(run: Run, answer: Message): void;
}

/** How a Run was asked for. */
export interface NewRun {
  /** Published with the Run where the thread simply goes on; else null. */
  readonly question: Message | null;
  /** The model that the Run will request; null for any. */
  readonly model: string | null;
  readonly tap?: Tap | undefined;
  /** Id of the request in logs. */
  readonly request?: string | undefined;
}

export interface Runs {
  /** True once no new Runs may begin. */
  readonly closing: boolean;
  /** Number of Runs and API requests by state. */
  readonly load: { readonly running: number; readonly waiting: number };
  /** Puts a stored Run into the queue. */
  enqueue(person: Person, queued: QueuedRun, how: NewRun): void;
  /** Stops the Runs that match all given fields, waiting or running; false when there are none. */
  stop(which: WhichRuns): boolean;
  /** Snapshots of a conversation's Runs in progress, each as of its last event. */
  live(conversation: ConversationId): Promise<readonly Snapshot[]>;
  /** The end of a Run that could not be stored yet: the Store still shows the Run as active. */
  unstored(conversation: ConversationId): Utterance | undefined;
  /** Resolves when a conversation has no Run any more, not even one that is only giving its slot back. */
  ended(conversation: ConversationId): Promise<void>;
  /** Somebody looks at the conversation until the returned function is called. */
  join(conversation: ConversationId): () => void;
  /** True while somebody looks at the conversation. */
  attended(conversation: ConversationId): boolean;
}

/** The queue as it is seen before a question is stored. */
export interface QueueRoom {
  /** For `queue_full`: whole seconds until there is room; nothing while the wait can't be estimated. */
  waitFacts(): { readonly seconds?: number };
  /** API requests that wait: they take room in the queue, and the Store does not know them. */
  waitingRequests(): number;
  /** @throws Failure `queue_full` */
  needRoom(): void;
  /** A person's limits, less their API requests that wait. */
  limitsOf(person: Pick<Person, "id" | "limits">): Person["limits"];
}
