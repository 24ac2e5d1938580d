// Contract of the processes of one house: which of them this is, and which one leads. The leader holds the
// lease; it runs the queue, the Runs and the requests of programs.

import type { ProcessState } from "../domain/cluster.ts";

export interface Membership {
  /** Of this process; made at its start. */
  readonly id: string;
  /** True once this process has taken over. */
  readonly isLeading: boolean;
  /** Grows with each change of the leader; 0 while none is known. */
  readonly term: number;
  /** Where the leader is reached; null while none is known. */
  readonly leader: string | null;
  /** The processes that live, this one included. */
  readonly processes: readonly ProcessState[];
  /** Longest wait for a leader, in ms. */
  readonly patienceMs: number;
  /** Where a living process is reached. */
  urlOf(process: string): string | null;
  /**
   * Resolves when a leader is known, this process or another.
   * @throws Failure `no_leader` after `patienceMs` without one
   */
  led(): Promise<void>;
}
