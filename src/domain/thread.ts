// A path through a conversation as it is shown: its Messages, each with the latest Run that wrote it.

import type { Message } from "./conversation.ts";
import type { Snapshot } from "./event.ts";
import type { MessageId } from "./id.ts";
import type { Settings } from "./persona.ts";
import type { Run } from "./run.ts";

/** A Message with the latest Run that wrote it; null for messages of people. */
export interface Utterance {
  readonly message: Message;
  readonly run: Run | null;
  /** The messages with the same parent, itself included, oldest first. */
  readonly siblings: readonly MessageId[];
}

/** A path through the conversation, oldest first. */
export type Thread = readonly Utterance[];

/** The last messages of a path. */
export interface ThreadPage {
  /** The conversation's title; empty in an unknown conversation. */
  readonly title: string;
  readonly settings: Settings;
  readonly thread: Thread;
  /** True when the path has older messages than those of this page. */
  readonly hasEarlier: boolean;
}

/**
 * True if a thread and Snapshots show the same moment: exactly the Runs that are active in the thread are in
 * progress. A page of older messages (`hasEnd` false) need not show all of them.
 */
export function isOfOneMoment(thread: Thread, live: readonly Snapshot[], hasEnd = true): boolean {
  const active = thread.flatMap(({ run }) =>
    run?.status === "queued" || run?.status === "running" ? [run.id] : [],
  );
  const isLive = active.every((id) => live.some(({ run }) => run === id));
  return isLive && (!hasEnd || live.every(({ run }) => active.includes(run)));
}
