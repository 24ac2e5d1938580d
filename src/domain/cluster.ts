// What the processes of one house tell each other over the Bus: that they live, who leads, and what a
// follower wants of the leader. Types only.

import type { ConversationId, PersonId, RunId } from "./id.ts";
import type { WhichRuns } from "./run.ts";
import type { ModelFacts, UpstreamState } from "./upstream.ts";

/** A process, as it describes itself once a second. */
export interface ProcessState {
  /** Made at its start. */
  readonly id: string;
  /** Where the other processes reach it. */
  readonly url: string;
  readonly version: string;
  /** Milliseconds since 1970, by its own clock. */
  readonly startedAt: number;
  /** Open sockets of pages and programs. */
  readonly sockets: number;
}

/** What followers must know of the leader's queue and llama-servers. */
export interface LeaderState {
  readonly term: number;
  /** True once no new Runs may begin. */
  readonly closing: boolean;
  readonly load: { readonly running: number; readonly waiting: number };
  /** See QueueRoom. */
  readonly waitFacts: { readonly seconds?: number };
  /** API requests that wait, by person; people without any are left out. */
  readonly waitingRequests: readonly (readonly [PersonId, number])[];
  readonly upstream: UpstreamState;
  readonly servers: readonly UpstreamState[];
  /** The facts of any model (null), and of each. */
  readonly facts: readonly (readonly [string | null, ModelFacts])[];
}

export type ClusterWord =
  | { readonly word: "alive"; readonly process: ProcessState }
  | { readonly word: "ended"; readonly process: string }
  | { readonly word: "leading"; readonly state: LeaderState }
  /** A follower has stored a Run. */
  | {
      readonly word: "queued";
      readonly run: RunId;
      /** The question is the next message of the thread. */
      readonly isAddedAtEnd: boolean;
      readonly model: string | null;
      readonly request: string;
    }
  /** The store has the wish already. */
  | { readonly word: "stop"; readonly which: WhichRuns }
  /** Conversations that somebody begins or ceases to look at in a process. */
  | {
      readonly word: "watching";
      readonly process: string;
      /** True: these and no others. */
      readonly isAll: boolean;
      readonly joined: readonly ConversationId[];
      readonly left: readonly ConversationId[];
    };

/** An event for the processes. */
export type ForProcesses = { readonly kind: "cluster" } & ClusterWord;

/** The topic of these events. */
export const clusterTopic = "cluster";
